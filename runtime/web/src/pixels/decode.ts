/**
 * Heatmaps → landmarks, in heatmap cells.
 *
 * Three steps per channel: the largest code (codes and real values have the same order); where it is, for it is often in
 * several cells; and where between the cells, by a Gaussian fitted to the logarithms of the 5 × 5 cells around. Cells
 * where the map is clipped say nothing about the top and are left out of the fit.
 */

import { DataError, UsageError } from "../errors.js";
import { type Heatmap, type HeatmapData, lookAround, newWindow, type Peak } from "./heatmap.js";
import { findPeak } from "./peaks.js";
import { Fit, logarithmOf, RADIUS, weightOf } from "./subpixel.js";

/**
 * Why a heatmap does not say where its landmark is. "not finite": it holds a value that is infinite or not a number.
 * "flat": it is the same everywhere. "saturated": its peak is cut off over more than the 5 × 5 cells of the fit, so it
 * may be anywhere in there.
 */
export type Doubt = "not finite" | "flat" | "saturated";

/** What the heatmaps of one picture say. */
export interface Reading {
  /** landmarks × (x, y), in heatmap cells, from −0.5 to width − 0.5 and height − 0.5. */
  readonly cells: Float32Array;
  /** (landmarks) 0 to 1: the real value of the peak; 0 where there is a doubt. */
  readonly scores: Float32Array;
  /** Index of a landmark → its doubt, in the order of the landmarks. */
  readonly doubts: ReadonlyMap<number, Doubt>;
}

/** How heatmaps are stored. */
export interface HeatmapOptions {
  readonly layout: "NHWC" | "NCHW";
  readonly height: number;
  readonly width: number;
  /** Channels without the background, which is the last one and is not read. */
  readonly landmarks: number;
  /** Of codes, real = scale · (code − zeroPoint); null for Float32Array. */
  readonly scale: number | null;
  readonly zeroPoint: number | null;
}

/** The answer lies at most so far outside the cells that hold the maximum: half a cell, and as much again for noise. */
const MARGIN = 1;

/** Lowest and highest code; real values have no lowest, and end at 1. */
const LIMITS: Readonly<Record<string, readonly [number, number]>> = {
  Int8Array: [-128, 127],
  Uint8Array: [0, 255],
  Int16Array: [-32768, 32767],
  Float32Array: [-Infinity, 1],
};

/** Weights and weighted logarithms of the 256 codes of some type, scale and zero point. */
interface Table {
  readonly lowest: number;
  readonly scale: number;
  readonly zeroPoint: number;
  readonly weights: Float64Array;
  readonly logarithms: Float64Array;
}

const KEPT = 16; // as many as a session has stages, and more
let tables: Table[] = [];
let fit: Fit | undefined;
let around: Float64Array | undefined;

/**
 * The landmarks of one picture, and which of them not to believe.
 *
 * That of a map with a value that is not finite is in the centre, as of a flat one: what else such a map holds is not
 * worth more.
 *
 * @param maps height × width × (landmarks + 1) numbers for NHWC, (landmarks + 1) × height × width for NCHW.
 * @throws DataError they are of another type or size.
 * @throws UsageError scale and zero point are missing for codes, or given for real values.
 */
export function readHeatmaps(maps: HeatmapData, options: HeatmapOptions): Reading {
  const { layout, height, width, landmarks } = options;
  const [lowest, highest] = check(maps, options);
  const scale = options.scale ?? 1;
  const zeroPoint = options.zeroPoint ?? 0;
  const quantized = options.scale !== null;
  const table = maps.BYTES_PER_ELEMENT === 1 ? tableOf(lowest, scale, zeroPoint) : null;
  // A plateau at this code or above would look the same if the real values were larger.
  const limit = quantized ? Math.min(highest, (1 - scale / 2) / scale + zeroPoint) : highest;
  const cells = new Float32Array(2 * landmarks);
  const scores = new Float32Array(landmarks);
  const doubts = new Map<number, Doubt>();
  const channels = landmarks + 1;
  const map = { codes: maps, height, width, step: layout === "NHWC" ? channels : 1, first: 0 };
  const peak: Peak = { code: 0, cells: 0, column: 0, row: 0, x: 0, y: 0, left: 0, top: 0, right: 0, bottom: 0 };
  fit ??= new Fit();
  // Maps are looked at one by one only if there is something to be found.
  const allFinite = quantized || isFiniteFrom(maps, 0, 1, maps.length);
  for (let landmark = 0; landmark < landmarks; landmark++) {
    map.first = layout === "NHWC" ? landmark : landmark * height * width;
    const finite = allFinite || isFiniteFrom(maps, map.first, map.step, height * width);
    if (finite) {
      findPeak(map, peak);
    }
    if (!finite || peak.cells === height * width) {
      doubts.set(landmark, finite ? "flat" : "not finite");
      cells[2 * landmark] = (width - 1) / 2;
      cells[2 * landmark + 1] = (height - 1) / 2;
      continue;
    }
    const value = scale * (peak.code - zeroPoint);
    const clipped = peak.cells > 1 && peak.code >= limit;
    weigh(map, peak, clipped, fit, table, lowest, scale, zeroPoint);
    const concave = fit.find(value);
    const x = concave ? peak.column + fit.x : peak.x;
    const y = concave ? peak.row + fit.y : peak.y;
    cells[2 * landmark] = between(peak.left - MARGIN, x, peak.right + MARGIN, width);
    cells[2 * landmark + 1] = between(peak.top - MARGIN, y, peak.bottom + MARGIN, height);
    if (clipped && Math.max(peak.right - peak.left, peak.bottom - peak.top) > 2 * RADIUS) {
      doubts.set(landmark, "saturated");
    } else {
      scores[landmark] = Math.min(Math.max(value, 0), 1);
    }
  }
  return { cells, scores, doubts };
}

/** The limits of the numbers' type, or the error that says what is wrong. */
function check(maps: HeatmapData, options: HeatmapOptions): readonly [number, number] {
  const { layout, height, width, landmarks, scale, zeroPoint } = options;
  if (layout !== "NHWC" && layout !== "NCHW") {
    throw new UsageError(`heatmap layout ${layout} is unknown; expected NHWC or NCHW`);
  }
  const type = maps[Symbol.toStringTag];
  const limits = LIMITS[type];
  if (!limits) {
    throw new DataError(`heatmaps are ${type}; expected ${Object.keys(LIMITS).join(", ")}`);
  }
  const size = height * width * (landmarks + 1);
  if (maps.length !== size || !(size > 0)) {
    throw new DataError(
      `heatmaps have ${maps.length} numbers; expected ${height} × ${width} cells of ${landmarks + 1} channels`,
    );
  }
  if (type === "Float32Array") {
    if (scale !== null || zeroPoint !== null) {
      throw new UsageError("Float32Array heatmaps have no scale and zeroPoint");
    }
  } else if (scale === null || zeroPoint === null) {
    throw new UsageError(`${type} heatmaps need scale and zeroPoint; take both from the manifest`);
  }
  return limits;
}

/** Fill the fit with the cells around a peak. */
function weigh(
  map: Heatmap,
  peak: Peak,
  clipped: boolean,
  { weights, logarithms }: Fit,
  table: Table | null,
  lowest: number,
  scale: number,
  zeroPoint: number,
): void {
  around ??= newWindow();
  lookAround(map, peak.column, peak.row, around, lowest);
  for (let cell = 0; cell < around.length; cell++) {
    const code = around[cell];
    if (clipped && code === peak.code) {
      weights[cell] = 0;
      logarithms[cell] = 0;
    } else if (table) {
      weights[cell] = table.weights[code - lowest];
      logarithms[cell] = table.logarithms[code - lowest];
    } else {
      const value = scale * (code - zeroPoint);
      weights[cell] = weightOf(value);
      logarithms[cell] = weights[cell] * logarithmOf(value);
    }
  }
}

function tableOf(lowest: number, scale: number, zeroPoint: number): Table {
  const known = tables.find(
    (table) => table.lowest === lowest && table.scale === scale && table.zeroPoint === zeroPoint,
  );
  if (known) {
    return known;
  }
  const values = Float64Array.from({ length: 256 }, (_, index) => scale * (lowest + index - zeroPoint));
  const weights = values.map(weightOf);
  const logarithms = values.map((value, index) => weights[index] * logarithmOf(value));
  const made = { lowest, scale, zeroPoint, weights, logarithms };
  tables = [made, ...tables.slice(0, KEPT - 1)];
  return made;
}

/** Whether none of `count` numbers is infinite or not a number. */
function isFiniteFrom(numbers: HeatmapData, first: number, step: number, count: number): boolean {
  let zero = 0;
  for (let i = 0, at = first; i < count; i++, at += step) {
    zero += numbers[at] * 0;
  }
  return zero === 0;
}

/** A coordinate, not below `low` or above `high`, and inside the map. */
function between(low: number, place: number, high: number, size: number): number {
  return Math.min(Math.max(place, low, -0.5), high, size - 0.5);
}
