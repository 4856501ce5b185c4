/** The session against the Python runtime's, on the same bundle (vectors/make_detections.py). */

import assert from "node:assert/strict";
import { after, test } from "node:test";
import * as ortNode from "onnxruntime-node";
import * as ortWeb from "onnxruntime-web";
import { onnxRuntime } from "../../src/engines/onnxruntime.js";
import { DataError, SchemaError, UsageError } from "../../src/errors.js";
import type { Detection, DetectOptions, StageResult } from "../../src/stages/results.js";
import { goldenInputs, scene, ticking, tiny, vector } from "../support/tiny.js";

interface Answer {
  readonly landmarks: readonly number[];
  readonly scores: readonly number[];
  readonly labelled: string;
  readonly doubts: Readonly<Record<string, string>>;
  readonly category: string | null;
  readonly categoryScore: number | null;
  readonly confidences: readonly number[] | null;
}

const vectors = JSON.parse(new TextDecoder().decode(vector("detections.json")));
const bundle = await tiny();
const inputs = await goldenInputs(bundle);
const pictures = (vectors.scenes as number[][]).map((size) => scene(inputs, size));
const session = await bundle.session({ engine: onnxRuntime(ortNode), threads: 1 });
const web = await bundle.session({ engine: onnxRuntime(ortWeb) });
after(async () => {
  await session.dispose();
  await web.dispose();
});

for (const [name, one, tolerance] of [
  ["onnxruntime-node", session, 0.002],
  ["onnxruntime-web", web, 0.002],
] as const) {
  test(`${name}: detections are the Python runtime's`, async () => {
    for (const { scene, asked, found } of vectors.detections) {
      const options = optionsOf(asked);
      const detection = await one.detect(pictures[scene]!, options);
      const what = `scene ${scene}, ${JSON.stringify(asked)}`;
      compare(detection, found, tolerance, what);
      assert.deepEqual([detection.stagesRun, detection.stopReason], [found.stagesRun, found.stopReason], what);
      assert.deepEqual([detection.looks, detection.engine, detection.fallback], [found.looks, name, null], what);
    }
  });
}

test("by a clock that goes on whenever it is read, deadlines end where Python's do, and all times are equal", async () => {
  const ticked = await bundle.session({ engine: onnxRuntime(ortNode), threads: 1, clock: ticking() });
  for (const { scene, deadline, looks, found } of vectors.deadlines) {
    const {
      stagesRun,
      stopReason,
      timings,
      looks: look,
    } = await ticked.detect(pictures[scene]!, { deadlineMs: deadline, looks });
    assert.deepEqual({ stagesRun, stopReason, looks: look, timings }, found, `scene ${scene}, ${deadline} ms`);
  }
  const stages: StageResult[] = [];
  for await (const result of ticked.stages(pictures[1]!, { deadlineMs: 1000 })) {
    stages.push(result);
  }
  assert.deepEqual(
    stages.map(({ stage, elapsedMs }) => ({ stage, elapsedMs })),
    vectors.stages.map(({ stage, elapsedMs }: StageResult) => ({ stage, elapsedMs })),
  );
  stages.forEach((result, i) => {
    compare(result, vectors.stages[i], 0.002, `stage ${i + 1}`);
  });
  await ticked.dispose();
});

test("a trace has every stage's landmarks, and the input", async () => {
  const { detection, landmarks, input, fit } = await session.trace(pictures[2]!, { category: "blouse", stages: 2 });
  assert.equal(detection.stagesRun, 2);
  near(
    landmarks.flatMap((stage) => [...stage]),
    vectors.trace.landmarks.flat(),
    0.002,
    "trace",
  );
  assert.equal(
    input.reduce((sum, value) => sum + value, 0),
    vectors.trace.sum,
  );
  assert.deepEqual([fit.width, fit.height], [18, 64]);
});

test("a ready-made input is answered in its own pixels, stage by stage", async () => {
  const results = await session.detectInput(inputs[0]!);
  const whole = await session.detect({ data: inputs[0]!, width: 64, height: 64, channels: 3 });
  assert.deepEqual(
    results.map((result) => result.stage),
    [1, 2, 3],
  );
  near([...results[2]!.landmarks], [...whole.landmarks], 1e-4, "landmarks");
  assert.equal(
    (await session.detectInput({ data: inputs[0]!, width: 64, height: 64, channels: 3 }, { stages: 1 })).length,
    1,
  );
  await assert.rejects(session.detectInput(new Uint8Array(64 * 64 * 4)), DataError);
  await assert.rejects(session.detectInput({ data: inputs[0]!, width: 32, height: 128, channels: 3 }), DataError);
  const wider = { data: new Uint8Array(65 * 64 * 3), width: 65, height: 64, channels: 3 } as const;
  await assert.rejects(session.detectInput(wider), DataError);
  await assert.rejects(session.detectInput(inputs[0]!, { stages: 4 }), UsageError);
});

test("RGBA, and ImageData where there is one, are answered as RGB is", async () => {
  const { data, width, height } = pictures[1]!;
  const rgba = new Uint8ClampedArray(width * height * 4).fill(255);
  for (let i = 0; i < width * height; i++) {
    rgba.set(data.subarray(3 * i, 3 * i + 3), 4 * i);
  }
  const expected = await session.detect(pictures[1]!);
  const found = await session.detect({ data: rgba, width, height, channels: 4 });
  assert.deepEqual(found.landmarks, expected.landmarks);
  const imageData = { data: rgba, width, height, colorSpace: "srgb", [Symbol.toStringTag]: "ImageData" };
  assert.deepEqual((await session.detect(imageData as unknown as ImageData)).landmarks, expected.landmarks);
});

test("with fewer stages loaded, they are the limit", async () => {
  const short = await bundle.session({ engine: onnxRuntime(ortNode), stages: 1 });
  assert.equal(short.stageLimit, 1);
  assert.equal((await short.detect(pictures[0]!)).stopReason, "stage limit");
  await assert.rejects(short.detect(pictures[0]!, { stages: 2 }), /stages is 2; the session has 1/);
  await short.dispose();
});

test("what cannot be asked", async () => {
  const picture = pictures[0]!;
  for (const wrong of [
    { stages: 0 },
    { stages: 4 },
    { stages: 1.5 },
    { deadlineMs: -1 },
    { deadlineMs: Number.NaN },
    { deadlineMs: Number.POSITIVE_INFINITY },
    { convergePx: -1 },
    { looks: 3 },
    { box: [1, 2, 3] as unknown as DetectOptions["box"] },
  ] satisfies DetectOptions[]) {
    await assert.rejects(session.detect(picture, wrong), UsageError, JSON.stringify(wrong));
  }
  await assert.rejects(session.detect(picture, { category: "hat" }), SchemaError);
  await assert.rejects(session.detect(picture, { box: [64, 0, 90, 10] }), DataError);
  await assert.rejects(session.detect({ ...picture, width: 63 }), DataError);
  await assert.rejects(session.detect("photo.jpg" as never), DataError);
});

test("the arguments of stages are checked at the call", () => {
  const picture = pictures[0]!;
  assert.throws(() => session.stages(picture, { stages: 4 }), UsageError);
  assert.throws(() => session.stages(picture, { category: "hat" }), SchemaError);
  assert.throws(() => session.stages(picture, { box: [64, 0, 90, 10] }), DataError);
  assert.throws(() => session.stages({ ...picture, width: 63 }), DataError);
});

test("an answer is frozen", async () => {
  const detection = await session.detect(pictures[0]!);
  assert.ok(Object.isFrozen(detection) && Object.isFrozen(detection.labelled));
});

function optionsOf({ converge_px: convergePx, ...same }: Record<string, unknown>): DetectOptions {
  return { ...same, ...(convergePx !== undefined && { convergePx }) } as DetectOptions;
}

function compare(found: Detection | StageResult, expected: Answer, tolerance: number, what: string): void {
  near([...found.landmarks], expected.landmarks, tolerance, what);
  near([...found.scores], expected.scores, 0.0001, what);
  assert.equal(found.labelled.map(Number).join(""), expected.labelled, what);
  assert.deepEqual(Object.fromEntries(found.doubts), expected.doubts, what);
  assert.equal(found.category, expected.category, what);
  near([found.categoryScore ?? -1], [expected.categoryScore ?? -1], 1e-9, what);
  near([...(found.confidences ?? [])], expected.confidences ?? [], 0.0001, what);
}

function near(found: readonly number[], expected: readonly number[], tolerance: number, what: string): void {
  assert.equal(found.length, expected.length, what);
  for (const [i, value] of found.entries()) {
    assert.ok(Math.abs(value - expected[i]!) <= tolerance, `${what}: number ${i} is ${value}, expected ${expected[i]}`);
  }
}
