/**
 * How one direction of a picture is resized: which pixels make a pixel of the result, and with which weights.
 *
 * Pillow's bilinear filter in fixed point (`src/libImaging/Resample.c`): a triangle, widened when shrinking. Each
 * result is (½ + Σ weight · value) >> 22, and the weights are whole numbers that add up to about 2²².
 */

/** Fraction bits of a weight. */
export const BITS = 22;
/** Half of 1. */
export const HALF = 1 << (BITS - 1);
/** Numbers of a stretch in `Ramps.table`. */
export const STRETCH = 9;

/** Most pixels whose ramp, Σ (n − i) · 255, fits 16 bits. */
const LONGEST = 22;
/** From so many pixels a result on, sums are faster than a product for each. */
const WORTH_IT = 2;

/** The weights of all results in one direction. */
export interface Axis {
  /** What it was made of. */
  readonly of: readonly [size: number, low: number, high: number, count: number];
  /** Results. */
  readonly count: number;
  /** The pixels that are used. */
  readonly begin: number;
  readonly end: number;
  /** (count) the first pixel of each result. */
  readonly first: Int32Array;
  /** (count + 1) where the weights of each begin. */
  readonly start: Int32Array;
  readonly weights: Int32Array;
  /** For sums in place of products; null where those would not pay, or not fit. */
  readonly ramps: Ramps | null;
}

/**
 * Weights as straight lines. On the stretch between the centres of two results, the weights of both are linear in the
 * place, so that the sum of the values and their ramp Σ (n − i) · value give both: level · sum ± slope · ramp.
 *
 * As weights are rounded, this is off by a known bound, and hence the whole part of a result is sure, or is not.
 */
export interface Ramps {
  /** (count + 1) where the pixels before each centre end, and those after the last. */
  readonly ends: Int32Array;
  /**
   * (count + 1, 9) of each stretch: four sums of the row at hand, which are scratch; and of the result in whose centre
   * it begins: level before the centre and after it, slope, where to begin, so as to be too low by no more than the
   * bound, and the largest fraction with which the whole part is sure. Each array more would cost time.
   */
  readonly table: Int32Array;
}

/**
 * The weights from `low` to `high` of a row (or column) of `size` pixels to `count` pixels.
 *
 * Pillow takes the edges as float32, and their difference too.
 */
export function axisOf(size: number, low: number, high: number, count: number): Axis {
  const edge = Math.fround(low);
  const scale = Math.fround(Math.fround(high) - edge) / count;
  const support = Math.max(scale, 1);
  const narrowing = 1 / support;
  const first = new Int32Array(count);
  const start = new Int32Array(count + 1);
  const weights: number[] = [];
  const centres: number[] = [];
  const slopes: number[] = [];
  for (let result = 0; result < count; result++) {
    const centre = edge + (result + 0.5) * scale;
    const from = Math.max(0, Math.trunc(centre - support + 0.5));
    const to = Math.min(size, Math.trunc(centre + support + 0.5));
    const shares: number[] = [];
    let sum = 0;
    for (let pixel = from; pixel < to; pixel++) {
      const share = Math.max(0, 1 - Math.abs((pixel - centre + 0.5) * narrowing));
      shares.push(share);
      sum += share;
    }
    for (const share of shares) {
      weights.push(Math.trunc(0.5 + (sum === 0 ? share : share / sum) * 2 ** BITS));
    }
    centres.push(centre);
    slopes.push(Math.round((narrowing / sum) * 2 ** BITS));
    first[result] = from;
    start[result + 1] = weights.length;
  }
  const axis = {
    of: [size, low, high, count] as const,
    count,
    begin: first[0],
    end: first[count - 1] + start[count] - start[count - 1],
    first,
    start,
    weights: Int32Array.from(weights),
  };
  return { ...axis, ramps: scale >= WORTH_IT && scale <= LONGEST ? rampsOf(axis, centres, slopes) : null };
}

function rampsOf(axis: Omit<Axis, "ramps">, centres: readonly number[], slopes: readonly number[]): Ramps | null {
  const { count, begin, end, first, start, weights } = axis;
  const ends = new Int32Array(count + 1).fill(end);
  const table = new Int32Array(STRETCH * (count + 1));
  // A pixel in the centre belongs to what follows.
  centres.forEach((centre, result) => {
    ends[result] = Math.max(ends[result - 1] ?? begin, Math.ceil(centre - 0.5));
  });
  // A stretch is as long as the scale, and one longer where its ends lie so.
  if (ends.some((to, i) => to - (ends[i - 1] ?? begin) > LONGEST)) {
    return null;
  }
  for (let result = 0; result < count; result++) {
    let above = 0;
    let below = 0;
    const at = STRETCH * (result + 1) + 4;
    for (const side of [0, 1]) {
      const from = result + side === 0 ? begin : ends[result + side - 1];
      const to = ends[result + side];
      // Weight of each pixel, with what makes it level.
      const levelled: number[] = [];
      for (let pixel = from; pixel < to; pixel++) {
        const index = start[result] + pixel - first[result];
        const weight = index >= start[result] && index < start[result + 1] ? weights[index] : 0;
        levelled.push(weight + (side === 0 ? 1 : -1) * slopes[result] * (to - pixel));
      }
      const level = Math.round(levelled.reduce((sum, weight) => sum + weight, 0) / Math.max(1, to - from));
      table[at + side] = level;
      for (const weight of levelled) {
        above += Math.max(0, weight - level);
        below += Math.max(0, level - weight);
      }
    }
    table[at + 2] = slopes[result];
    table[at + 3] = HALF - 255 * below;
    table[at + 4] = Math.max(-1, 2 ** BITS - 1 - 255 * (above + below));
  }
  return { ends, table };
}
