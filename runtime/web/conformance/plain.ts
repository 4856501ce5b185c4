/** What the runtime answers, as plain values for JSON: fields are those of conformance/PROTOCOL.md. */

import type { GoldenReport } from "../src/check/self-check.js";
import type { MonitorReport } from "../src/drift/report.js";
import type { Reading } from "../src/pixels/decode.js";
import type { Letterbox } from "../src/pixels/geometry.js";
import type { Bundle } from "../src/stages/bundle.js";
import type { Recognized } from "../src/stages/recognizer.js";
import type { Detection, StageResult } from "../src/stages/results.js";

/** x, y, x, y, … → pairs. */
export function pairs(points: Float32Array): number[][] {
  return Array.from({ length: points.length / 2 }, (_, i) => [points[2 * i]!, points[2 * i + 1]!]);
}

export function plainBundle(bundle: Bundle) {
  const { manifest } = bundle;
  return {
    digest: bundle.digest,
    name: manifest.name,
    schema_version: manifest.schema_version,
    stages: bundle.stages,
    formats: (["tflite", "onnx"] as const).filter((form) => bundle.formats.includes(form)),
    members: bundle.members,
    landmarks: bundle.schema.landmarks,
    categories: bundle.schema.categories,
    input: [manifest.geometry.input_width, manifest.geometry.input_height],
    stride: manifest.geometry.stride,
    signature: bundle.signature,
  };
}

export function plainFit({ scaleX, scaleY, ...fit }: Letterbox) {
  return { ...fit, scale_x: scaleX, scale_y: scaleY };
}

export function plainReading(reading: Reading) {
  return {
    cells: pairs(reading.cells),
    scores: [...reading.scores],
    doubts: Object.fromEntries([...reading.doubts].map(([index, doubt]) => [`${index}`, doubt])),
  };
}

export function plainRecognized({ category, score, labelled, confidences }: Recognized) {
  return { category, score, labelled, confidences: confidences && [...confidences] };
}

export function plainStage(result: StageResult) {
  return { stage: result.stage, ...found(result), elapsed_ms: result.elapsedMs };
}

export function plainDetection(detection: Detection) {
  const { timings } = detection;
  return {
    ...found(detection),
    stages_run: detection.stagesRun,
    stop_reason: detection.stopReason,
    looks: detection.looks,
    engine: detection.engine,
    timings: {
      preprocess_ms: timings.preprocessMs,
      pieces: timings.pieces,
      decode_ms: timings.decodeMs,
      total_ms: timings.totalMs,
    },
  };
}

export function plainGoldens(report: GoldenReport) {
  return {
    cases: report.cases,
    ok: report.ok,
    verdict: report.verdict,
    stages: report.stages.map(({ worstCase, ...stage }) => ({ ...stage, worst_case: worstCase })),
  };
}

export function plainReport({ mostEvidence, alarmSample, fastAlarms, ...report }: MonitorReport) {
  return { ...report, most_evidence: mostEvidence, alarm_sample: alarmSample, fast_alarms: fastAlarms };
}

function found(answer: StageResult | Detection) {
  return {
    landmarks: pairs(answer.landmarks),
    scores: [...answer.scores],
    labelled: answer.labelled,
    doubts: Object.fromEntries(answer.doubts),
    category: answer.category,
    category_score: answer.categoryScore,
    confidences: answer.confidences && [...answer.confidences],
  };
}
