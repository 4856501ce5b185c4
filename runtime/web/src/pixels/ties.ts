/** The peak of a map whose largest code is in several cells. */

import { type Heatmap, lookAround, newWindow, type Peak } from "./heatmap.js";

/** Tied cells at most this far apart, in columns and in rows, belong to one peak. */
const REACH = 2;

// Scratch: the tied cells of a map, those of its peak, and which cells of the map are tied and not of the peak.
let tied = new Int32Array(0);
let members = new Int32Array(0);
let left = new Uint8Array(0);
let around: Float64Array | undefined;

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
  const area = height * width;
  if (tied.length < area) {
    tied = new Int32Array(area);
    members = new Int32Array(area);
    left = new Uint8Array(area);
  }
  const { code, cells: count } = peak;
  for (let cell = place, found = 0; found < count; cell++) {
    if (codes[first + cell * step] === code) {
      tied[found++] = cell;
    }
  }
  measure(tied, count, width, peak);
  if (Math.max(peak.right - peak.left, peak.bottom - peak.top) > REACH) {
    measure(members, chain(tied, count, seedOf(map, tied, count), map), width, peak);
  }
}

/** Number, centroid and outermost of some cells. */
function measure(cells: Int32Array, count: number, width: number, peak: Peak): void {
  let sumX = 0;
  let sumY = 0;
  peak.cells = count;
  peak.left = peak.top = Infinity;
  peak.right = peak.bottom = 0;
  for (let i = 0; i < count; i++) {
    const x = cells[i] % width;
    const y = (cells[i] - x) / width;
    sumX += x;
    sumY += y;
    peak.left = Math.min(peak.left, x);
    peak.top = Math.min(peak.top, y);
    peak.right = Math.max(peak.right, x);
    peak.bottom = Math.max(peak.bottom, y);
  }
  peak.x = sumX / count;
  peak.y = sumY / count;
}

/** The first of the tied cells with the most around it. */
function seedOf(map: Heatmap, tied: Int32Array, count: number): number {
  const { codes, height, width, step, first } = map;
  let floor = Infinity;
  for (let cell = 0, at = first; cell < height * width; cell++, at += step) {
    floor = Math.min(floor, codes[at]);
  }
  around ??= newWindow();
  let most = -1;
  let seed = 0;
  for (let i = 0; i < count; i++) {
    const x = tied[i] % width;
    lookAround(map, x, (tied[i] - x) / width, around, floor);
    const sum = sumAbove(around, floor);
    if (sum > most) {
      most = sum;
      seed = tied[i];
    }
  }
  return seed;
}

/** Σ (number − floor) over 25 numbers, in numpy's order of additions: which of two nearly equal sums is larger shows it. */
function sumAbove(numbers: Float64Array, floor: number): number {
  const first = lane(numbers, floor, 0) + lane(numbers, floor, 1) + (lane(numbers, floor, 2) + lane(numbers, floor, 3));
  const second =
    lane(numbers, floor, 4) + lane(numbers, floor, 5) + (lane(numbers, floor, 6) + lane(numbers, floor, 7));
  return first + second + (numbers[24] - floor);
}

/** Every eighth. */
function lane(numbers: Float64Array, floor: number, from: number): number {
  return numbers[from] - floor + (numbers[from + 8] - floor) + (numbers[from + 16] - floor);
}

/** Into `members` the seed and what hangs together with it; how many. */
function chain(tied: Int32Array, count: number, seed: number, { height, width }: Heatmap): number {
  for (let i = 0; i < count; i++) {
    left[tied[i]] = 1;
  }
  members[0] = seed;
  left[seed] = 0;
  let found = 1;
  for (let i = 0; i < found; i++) {
    const x = members[i] % width;
    const y = (members[i] - x) / width;
    for (let row = Math.max(0, y - REACH); row <= Math.min(height - 1, y + REACH); row++) {
      for (let column = Math.max(0, x - REACH); column <= Math.min(width - 1, x + REACH); column++) {
        const cell = row * width + column;
        if (left[cell]) {
          left[cell] = 0;
          members[found++] = cell;
        }
      }
    }
  }
  for (let i = 0; i < count; i++) {
    left[tied[i]] = 0;
  }
  return found;
}
