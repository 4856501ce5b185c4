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

/** Most pixels whose ramp, Σ (n − i) · 255, fits 16 bits. */
const LONGEST = 22;
/** From so many pixels a result on, running sums are faster than a product for each. */
const WORTH_IT = 2.5;

/** The weights of all results in one direction. */
export interface Axis {
  /** The four numbers that it was made of. */
  readonly of: readonly [size: number, low: number, high: number, count: number];
  /** Results. */
  readonly count: number;
  /** The pixels that are used. */
  readonly begin: number;
  readonly end: number;
  /** (count) the first pixel of each. */
  readonly first: Int32Array;
  /** (count + 1) where the weights of each begin. */
  readonly start: Int32Array;
  readonly weights: Int32Array;
  /** For sums in place of products; null where those would not pay, or not fit. */
  readonly ramps: Ramps | null;
}

/**
 * Weights as straight lines. Between two centres of results, the weights of both are linear in the place, so that the
 * sum of the values and their ramp Σ (n − i) · value give both results: level · sum − slope · ramp.
 *
 * As the weights are rounded, this is off by a known bound, and hence the whole part of a result is, or is not, sure.
 */
export interface Ramps {
  /** The first pixel that is used. */
  readonly first: number;
  /** (count + 1) where the pixels before each centre end, and those after the last. */
  readonly ends: Int32Array;
  /**
   * (count, 6) level and slope before the centre and after it; where to begin, so as to be too low by no more than the
   * bound; and the largest fraction with which the whole part is sure.
   */
  readonly lines: Int32Array;
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
  return { ...axis, ramps: scale >= WORTH_IT && scale <= LONGEST ? rampsOf(axis, centres) : null };
}

function rampsOf({ count, begin, end, first, start, weights }: Omit<Axis, "ramps">, centres: readonly number[]): Ramps {
  const ends = new Int32Array(count + 1);
  const lines = new Int32Array(6 * count);
  for (let stretch = 0; stretch <= count; stretch++) {
    const from = stretch === 0 ? begin : ends[stretch - 1];
    // A pixel in the centre belongs to what follows.
    ends[stretch] = stretch < count ? Math.max(from, Math.ceil(centres[stretch] - 0.5)) : end;
  }
  for (let result = 0; result < count; result++) {
    let above = 0;
    let below = 0;
    for (const side of [0, 1]) {
      const from = side + result === 0 ? begin : ends[result + side - 1];
      const to = ends[result + side];
      const length = to - from;
      const at = (pixel: number): number => {
        const index = start[result] + pixel - first[result];
        return index >= start[result] && index < start[result + 1] ? weights[index] : 0;
      };
      const slope = length > 1 ? Math.round((at(to - 1) - at(from)) / (length - 1)) : 0;
      let level = 0;
      for (let pixel = from; pixel < to; pixel++) {
        level += (at(pixel) + slope * (to - pixel)) / length;
      }
      level = Math.round(level);
      lines.set([level, slope], 6 * result + 2 * side);
      for (let pixel = from; pixel < to; pixel++) {
        const off = at(pixel) - level + slope * (to - pixel);
        above += Math.max(0, off);
        below += Math.max(0, -off);
      }
    }
    lines[6 * result + 4] = HALF - 255 * below;
    lines[6 * result + 5] = Math.max(-1, 2 ** BITS - 1 - 255 * (above + below));
  }
  return { first: begin, ends, lines };
}
