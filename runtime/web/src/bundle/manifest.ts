/**
 * The bundle's manifest as it stands in `manifest.json`: names of fields are those of docs/bundle-format.md.
 *
 * Types only. `manifest-check.ts` makes one of them from bytes, or says what is wrong.
 */

export type Format = "tflite" | "onnx";
export type Precision = "int8" | "int16x8" | "dynamic-range" | "float16" | "float32";
export type Dtype = "uint8" | "int8" | "int16" | "float32";
export type Layout = "NHWC" | "NCHW";

/** A tensor at the edge of a piece. real = scale · (code − zero_point) where a scale is given. */
export interface TensorSpec {
  readonly name: string;
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  readonly layout: Layout;
  readonly scale: number | null;
  readonly zero_point: number | null;
}

/** One separately loadable part of the network: `stage_1`, `context` or `stage_<t>`. */
export interface Piece {
  readonly name: string;
  readonly member: string;
  readonly inputs: readonly TensorSpec[];
  readonly outputs: readonly TensorSpec[];
}

/** How a picture becomes the input, and a heatmap cell a point (half-pixel rule, see `pixels/geometry`). */
export interface Geometry {
  readonly input_height: number;
  readonly input_width: number;
  readonly stride: number;
  readonly channels: "RGB";
  readonly resize: "letterbox";
}

/** How the numbers are stored, and how their ranges were found. */
export interface Quantization {
  readonly precision: Precision;
  readonly method: "none" | "ptq" | "qat";
  readonly exceptions: Readonly<Record<string, "int16x8" | "float16">>;
}

/** Which pictures set the ranges, and which ranges they gave. */
export interface CalibrationCard {
  readonly strategy: string;
  readonly source: string;
  readonly seed: number;
  readonly samples: readonly string[];
  readonly digest: string;
  readonly estimator: string;
  readonly ranges: Readonly<Record<string, readonly [number, number]>>;
}

/** An estimate with its two-sided 95 % bootstrap bounds. */
export interface Interval {
  readonly estimate: number;
  readonly lower: number;
  readonly upper: number;
}

/** NE of one stage on the scoring data: float model, converted file, their difference, their disagreement. */
export interface StageMeasurement {
  readonly stage: number;
  readonly float_ne: number;
  readonly converted_ne: number;
  readonly drift: Interval;
  readonly relative_drift: Interval;
  readonly disagreement: Interval;
}

/** What the converted file scored when it was made, on which data, in which engine. */
export interface Measured {
  readonly source: string;
  readonly pictures: number;
  readonly format: Format;
  readonly engine: string;
  readonly stages: readonly StageMeasurement[];
}

/** When to run no further stage: no clear landmark moved by more than `px` pixels of the input since the stage before. */
export interface Convergence {
  readonly px: number;
  readonly max_ne_loss: number;
  readonly ne_loss: Interval;
  readonly stages_run: number;
  readonly pictures: number;
}

/** Names and relations of the landmarks. `categories`: name → indices of the landmarks it has. */
export interface LandmarkSchema {
  readonly name: string;
  readonly landmarks: readonly string[];
  readonly flip: readonly number[];
  readonly categories: Readonly<Record<string, readonly number[]>>;
  readonly normalizers: Readonly<Record<string, readonly [number, number]>>;
  readonly groups: Readonly<Record<string, readonly number[]>>;
}

/** The rule of one stage: categories × landmarks weights, and a bias a category. */
export interface CategoryRule {
  readonly weights: readonly (readonly number[])[];
  readonly biases: readonly number[];
  readonly found: number;
  readonly nothing_found: number;
  readonly garments_lost: number;
}

/** How the category is found from the scores of a stage. */
export interface Categories {
  readonly names: readonly string[];
  readonly stages: readonly CategoryRule[];
  readonly source: string;
  readonly pictures: number;
  readonly nothing_source: string;
  readonly nothing: number;
  readonly folds: number;
}

/** Score → probability that the landmark lies within 0.05 of its true place, of one stage. */
export interface ConfidenceCurve {
  readonly scores: readonly number[];
  readonly confidences: readonly number[];
  readonly calibration_error: number;
}

export interface Confidences {
  readonly stages: readonly ConfidenceCurve[];
  readonly source: string;
  readonly pictures: number;
  readonly points: number;
}

export interface Recognition {
  readonly categories: Categories | null;
  readonly confidences: Confidences | null;
}

/** Content of `manifest.json`, with defaults filled in where a field was left out. */
export interface Manifest {
  readonly schema_version: number;
  readonly name: string;
  readonly created: string;
  readonly landmarks: LandmarkSchema;
  readonly geometry: Geometry;
  readonly quantization: Quantization;
  readonly stages: number;
  readonly pieces: Readonly<Partial<Record<Format, readonly Piece[]>>>;
  readonly digests: Readonly<Record<string, string>>;
  readonly versions: Readonly<Record<string, string>>;
  readonly calibration: CalibrationCard | null;
  readonly measured: Measured | null;
  readonly max_ne_drift: number | null;
  readonly max_part_drift: number | null;
  readonly convergence: Convergence | null;
  readonly recognition: Recognition | null;
  readonly model: Readonly<Record<string, unknown>>;
}

/** One self-check input: a PNG of exactly the input's size, and the float model's answer for it. */
export interface GoldenCase {
  readonly member: string;
  readonly category: string;
  /** stages × landmarks × (x, y), pixels of the input. */
  readonly landmarks: readonly (readonly (readonly [number, number])[])[];
}

/** All self-check cases, and for every stage the largest mean disagreement that counts as healthy (NE units). */
export interface GoldenSet {
  readonly cases: readonly GoldenCase[];
  readonly limits: readonly number[];
}
