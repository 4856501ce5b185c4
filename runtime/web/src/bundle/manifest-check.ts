/** `manifest.json` and `golden/golden.json`: from bytes to what `manifest.ts` describes, or what is wrong with them. */

import { BundleError } from "../errors.js";
import {
  any,
  decode,
  dict,
  EMPTY,
  type Field,
  float,
  int,
  list,
  nullable,
  oneOf,
  pair,
  struct,
  text,
} from "./fields.js";
import type * as M from "./manifest.js";
import { checkRecognition } from "./recognition-check.js";
import { checkSchema } from "./schema.js";

/** Version 2 added int16 tensors, two precisions and `convergence`; 3 `recognition`; 4 uint8 heatmaps. */
export const READABLE_VERSIONS: readonly number[] = [1, 2, 3, 4];

const SINCE_2: readonly string[] = ["int16x8", "dynamic-range"];
const REMEDY = "make the bundle again";

/** The version, which stands first: what comes behind one that is not known may well be unknown too. */
const readable: Field<number> = (json) => {
  const stated = int(json);
  if (!READABLE_VERSIONS.includes(stated)) {
    throw new BundleError(
      `the bundle has schema version ${stated}, this runtime reads ${READABLE_VERSIONS[0]} to ` +
        `${READABLE_VERSIONS.at(-1)}; update fpm-edge, or convert again with this version`,
    );
  }
  return stated;
};

const format = oneOf<M.Format>("tflite", "onnx");

const schema = struct<M.LandmarkSchema>(
  {
    name: text,
    landmarks: list(text),
    flip: list(int),
    categories: dict(list(int)),
    normalizers: dict(pair(int)),
    groups: dict(list(int)),
  },
  { normalizers: EMPTY, groups: EMPTY },
  checkSchema,
);

const tensor = struct<M.TensorSpec>(
  {
    name: text,
    dtype: oneOf("uint8", "int8", "int16", "float32"),
    shape: list(int),
    layout: oneOf("NHWC", "NCHW"),
    scale: nullable(float),
    zero_point: nullable(int),
  },
  { scale: null, zero_point: null },
);

const piece = struct<M.Piece>({ name: text, member: text, inputs: list(tensor), outputs: list(tensor) });

const geometry = struct<M.Geometry>(
  { input_height: int, input_width: int, stride: int, channels: oneOf("RGB"), resize: oneOf("letterbox") },
  { channels: "RGB", resize: "letterbox" },
);

const quantization = struct<M.Quantization>(
  {
    precision: oneOf("int8", "int16x8", "dynamic-range", "float16", "float32"),
    method: oneOf("none", "ptq", "qat"),
    exceptions: dict(oneOf("int16x8", "float16")),
  },
  { exceptions: EMPTY },
);

const calibration = struct<M.CalibrationCard>({
  strategy: text,
  source: text,
  seed: int,
  samples: list(text),
  digest: text,
  estimator: text,
  ranges: dict(pair(float)),
});

const interval = struct<M.Interval>({ estimate: float, lower: float, upper: float });

const measurement = struct<M.StageMeasurement>({
  stage: int,
  float_ne: float,
  converted_ne: float,
  drift: interval,
  relative_drift: interval,
  disagreement: interval,
});

const measured = struct<M.Measured>({
  source: text,
  pictures: int,
  format,
  engine: text,
  stages: list(measurement),
});

const convergence = struct<M.Convergence>({
  px: float,
  max_ne_loss: float,
  ne_loss: interval,
  stages_run: float,
  pictures: int,
});

const rule = struct<M.CategoryRule>({
  weights: list(list(float)),
  biases: list(float),
  found: float,
  nothing_found: float,
  garments_lost: float,
});

const categories = struct<M.Categories>({
  names: list(text),
  stages: list(rule),
  source: text,
  pictures: int,
  nothing_source: text,
  nothing: int,
  folds: int,
});

const curve = struct<M.ConfidenceCurve>({ scores: list(float), confidences: list(float), calibration_error: float });

const confidences = struct<M.Confidences>({ stages: list(curve), source: text, pictures: int, points: int });

const recognition = struct<M.Recognition>(
  { categories: nullable(categories), confidences: nullable(confidences) },
  { categories: null, confidences: null },
);

const manifest = struct<M.Manifest>(
  {
    schema_version: readable,
    name: text,
    created: text,
    landmarks: schema,
    geometry,
    quantization,
    stages: int,
    pieces: dict(list(piece), ["tflite", "onnx"]),
    digests: dict(text),
    versions: dict(text),
    calibration: nullable(calibration),
    measured: nullable(measured),
    max_ne_drift: nullable(float),
    max_part_drift: nullable(float),
    convergence: nullable(convergence),
    recognition: nullable(recognition),
    model: dict(any),
  },
  {
    calibration: null,
    measured: null,
    max_ne_drift: null,
    max_part_drift: null,
    convergence: null,
    recognition: null,
    model: EMPTY,
  },
);

const golden = struct<M.GoldenSet>({
  cases: list(struct<M.GoldenCase>({ member: text, category: text, landmarks: list(list(pair(float))) })),
  limits: list(float),
});

/**
 * Parse and validate `manifest.json`.
 *
 * @throws BundleError the first field that is wrong, or a version that this runtime does not read.
 */
export function decodeManifest(bytes: Uint8Array): M.Manifest {
  const made = decode(bytes, manifest, "manifest.json", REMEDY);
  const stated = made.schema_version;
  const needed = schemaVersionFor(made);
  if (stated < needed) {
    throw new BundleError(
      `manifest.json states schema version ${stated} and has content of version ${needed}; ${REMEDY}`,
    );
  }
  if (made.recognition) {
    checkRecognition(made.recognition, made.landmarks, made.stages);
  }
  return made;
}

/**
 * Parse and validate `golden/golden.json`.
 *
 * @throws BundleError the first field that is wrong.
 */
export function decodeGolden(bytes: Uint8Array): M.GoldenSet {
  return decode(bytes, golden, "golden/golden.json", REMEDY);
}

/** The lowest schema version that a manifest with this content may state. */
export function schemaVersionFor({
  quantization: { precision, exceptions },
  pieces,
  convergence,
  recognition,
}: Pick<M.Manifest, "quantization" | "pieces" | "convergence" | "recognition">): number {
  const all = Object.values(pieces).flat();
  if (all.some((one) => one.outputs.some((spec) => spec.dtype === "uint8" && spec.name.startsWith("heatmap_")))) {
    return 4;
  }
  if (recognition) {
    return 3;
  }
  const kinds = [precision, ...Object.values(exceptions)];
  const specs = all.flatMap((one) => [...one.inputs, ...one.outputs]);
  const is2 =
    convergence || kinds.some((kind) => SINCE_2.includes(kind)) || specs.some((spec) => spec.dtype === "int16");
  return is2 ? 2 : 1;
}
