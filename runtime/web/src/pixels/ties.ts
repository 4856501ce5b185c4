/** The peak of a map whose largest code is in several cells. */

import type { Heatmap, Peak } from "./heatmap.js";

/** Tied cells at most this far apart, in columns and in rows, belong to one peak. */
const REACH = 2;
/** The seed of a chain has the most in the cells up to this far from it. Around the map are as many that are empty. */
const AROUND = 2;

// Scratch. Cells are numbered as in a map that is wider and higher by `AROUND` on all sides.
let tied = new Int32Array(0);
let members = new Int32Array(0);
/** How far each cell is above the floor. */
let above = new Float64Array(0);
/** 1 where a tied cell is not, or not yet, of the peak. */
let left = new Uint8Array(0);

/**
 * The tied cells that belong together; if they lie in several places, those of the place with the most around it.
 *
 * The seed is the tied cell (the first in reading order) with the largest sum over 5 × 5 cells above the map's floor;
 * with it goes every tied cell that a chain of tied cells, each within `REACH` of the next, leads to.
 *
 * @param place the first tied cell.
 * @param peak its code and number of cells are known; the rest, and of several places the number, is set here.
 */
export function heaviestPeak(map: Heatmap, place: number, peak: Peak): void {
  const { codes, height, width, step, first } = map;
  const wide = width + 2 * AROUND;
  const size = wide * (height + 2 * AROUND);
  if (tied.length < size) {
    tied = new Int32Array(size);
    members = new Int32Array(size);
    above = new Float64Array(size);
    left = new Uint8Array(size);
  }
  const { code, cells } = peak;
  const into = tied;
  let column = place % width;
  let row = (place - column) / width;
  for (let at = first + place * step, found = 0; found < cells; at += step) {
    if (codes[at] === code) {
      into[found++] = (row + AROUND) * wide + column + AROUND;
    }
    if (++column === width) {
      column = 0;
      row++;
    }
  }
  measure(tied, cells, wide, peak);
  if (Math.max(peak.right - peak.left, peak.bottom - peak.top) > REACH) {
    raise(map, wide, size);
    measure(members, chain(seedOf(cells, wide), cells, wide), wide, peak);
  }
}

/** Number, centroid and outermost of some cells. */
function measure(cells: Int32Array, count: number, wide: number, peak: Peak): void {
  let sumX = 0;
  let sumY = 0;
  let first = wide;
  let last = 0;
  let top = cells[0];
  let bottom = 0;
  for (let i = 0; i < count; i++) {
    const cell = cells[i];
    const column = cell % wide;
    sumX += column;
    sumY += cell - column;
    first = Math.min(first, column);
    last = Math.max(last, column);
    top = Math.min(top, cell);
    bottom = Math.max(bottom, cell);
  }
  peak.cells = count;
  peak.x = (sumX - AROUND * count) / count;
  peak.y = (sumY / wide - AROUND * count) / count;
  peak.left = first - AROUND;
  peak.right = last - AROUND;
  peak.top = Math.floor(top / wide) - AROUND;
  peak.bottom = Math.floor(bottom / wide) - AROUND;
}

/** Fill `above`. */
function raise({ codes, height, width, step, first }: Heatmap, wide: number, size: number): void {
  const end = first + height * width * step;
  let floor = codes[first];
  for (let at = first; at < end; at += step) {
    if (codes[at] < floor) {
      floor = codes[at];
    }
  }
  const into = above.fill(0, 0, size);
  for (let row = 0, at = first; row < height; row++) {
    const begin = (row + AROUND) * wide + AROUND;
    for (let to = begin; to < begin + width; to++, at += step) {
      into[to] = codes[at] - floor;
    }
  }
}

/** The first of the tied cells with the most around it. */
function seedOf(count: number, wide: number): number {
  let most = -1;
  let seed = 0;
  for (let i = 0; i < count; i++) {
    const sum = sumAround(above, tied[i] - AROUND * wide - AROUND, wide);
    if (sum > most) {
      most = sum;
      seed = tied[i];
    }
  }
  return seed;
}

/**
 * Σ over 5 × 5 cells, `a` the first. In numpy's order of additions, eight lanes and then the last: of two
 * real sums that are nearly equal, the order decides which one is larger.
 */
function sumAround(above: Float64Array, a: number, wide: number): number {
  const b = a + wide;
  const c = b + wide;
  const d = c + wide;
  const e = d + wide;
  return (
    above[a] +
    above[b + 3] +
    above[d + 1] +
    (above[a + 1] + above[b + 4] + above[d + 2]) +
    (above[a + 2] + above[c] + above[d + 3] + (above[a + 3] + above[c + 1] + above[d + 4])) +
    (above[a + 4] +
      above[c + 2] +
      above[e] +
      (above[b] + above[c + 3] + above[e + 1]) +
      (above[b + 1] + above[c + 4] + above[e + 2] + (above[b + 2] + above[d] + above[e + 3]))) +
    above[e + 4]
  );
}

/** Into `members` the seed and what hangs together with it; how many. */
function chain(seed: number, count: number, wide: number): number {
  const candidates = left;
  const chained = members;
  for (let i = 0; i < count; i++) {
    candidates[tied[i]] = 1;
  }
  chained[0] = seed;
  candidates[seed] = 0;
  let found = 1;
  for (let i = 0; i < found && found < count; i++) {
    for (let row = -REACH; row <= REACH; row++) {
      const middle = chained[i] + row * wide;
      for (let cell = middle - REACH; cell <= middle + REACH; cell++) {
        if (candidates[cell] === 1) {
          candidates[cell] = 0;
          chained[found++] = cell;
        }
      }
    }
  }
  for (let i = 0; i < count; i++) {
    candidates[tied[i]] = 0;
  }
  return found;
}
