/** Where a second look at a picture goes: to the region of what the first one found, if that shows it larger. */

import { NOTHING } from "../bundle/recognition-check.js";
import { UsageError } from "../errors.js";
import { type Letterbox, toPicture } from "../pixels/geometry.js";
import { CLEAR_PEAK } from "./convergence.js";
import type { Found, Frame } from "./frame.js";
import { DECODE, type Pace } from "./pace.js";
import type { Box } from "./results.js";

/** Added on every side of the landmarks' box, as a share of its longer side: a hem is wider than its landmarks. */
export const MARGIN = 0.3;

/** How many times larger the region must be shown than the first look showed it; less is not worth the time. */
export const LEAST_GAIN = 1.1;

/** Clear landmarks; two may be one garment's or two's. */
export const FEWEST_POINTS = 3;

const LEAST_PX = 16; // of the picture; a smaller region shows nothing

/** @throws UsageError there cannot be so many. */
export function checkLooks(looks: number): void {
  if (looks !== 1 && looks !== 2) {
    throw new UsageError(`looks is ${looks}; expected 1, or 2 to look again at the region that the first look found`);
  }
}

/**
 * The look that is to answer, after stage 1 of one or both of them.
 *
 * The second one, unless there is no region for it, no time, or stage 1 sees less clearly there than in the first.
 *
 * @param first of which the input was made.
 * @param see runs stage 1 of a frame, in a box if the frame has no input yet, and says what it found.
 * @param pace of the session's pieces.
 * @param now the session's clock, seconds.
 * @param inputSize (width, height) of the input, pixels.
 */
export async function lookAgain(
  first: Frame,
  see: (frame: Frame, box: Box | null) => Promise<Found>,
  pace: Pace,
  now: () => number,
  inputSize: readonly [number, number],
): Promise<Frame> {
  const found = await see(first, null);
  const region = secondRegion(found, first.fit!, inputSize);
  if (!region) {
    return first;
  }
  if (first.deadline !== null) {
    let stage = 0;
    for (const name of [...first.pieces.keys(), DECODE]) {
      stage += pace.predict(name);
    }
    if (now() + (first.fitting + stage) > first.deadline) {
      return first;
    }
  }
  const second = first.again();
  if (clearness(await see(second, region)) >= clearness(found)) {
    return second;
  }
  first.other = second;
  second.other = null;
  return first;
}

/** Mean score of the landmarks that count; 0 where there is no garment. What two looks are compared by. */
export function clearness(found: Found): number {
  const counted = found.scores.filter((_, i) => found.recognized.labelled[i]);
  return counted.length ? Math.fround(sum(counted) / counted.length) : 0;
}

/**
 * The box to look at again, inside what the first look saw; null where too few landmarks are clear, or the box is so
 * small or so large that it would show no more.
 *
 * @param found what stage 1 found. Its clear landmarks that count make the box; where it took the picture for one
 *     without a garment, all that are clear do, for a garment may be too small to be known.
 * @param fit where the picture lies in the input.
 * @param inputSize (width, height) of the input, pixels.
 */
export function secondRegion(found: Found, fit: Letterbox, inputSize: readonly [number, number]): Box | null {
  const { fround } = Math; // as numpy has it, in float32
  const { category, labelled } = found.recognized;
  const points = toPicture(fit, found.landmarks);
  const low = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  const high = [Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY];
  let counted = 0;
  for (let i = 0; i < found.scores.length; i++) {
    if (found.scores[i]! >= CLEAR_PEAK && (category === NOTHING || labelled[i])) {
      counted++;
      for (const axis of [0, 1]) {
        const edge = fround(points[2 * i + axis]! + 0.5); // pixel centres → edges
        low[axis] = Math.min(low[axis]!, edge);
        high[axis] = Math.max(high[axis]!, edge);
      }
    }
  }
  if (counted < FEWEST_POINTS) {
    return null;
  }
  const pad = MARGIN * Math.max(fround(high[0]! - low[0]!), fround(high[1]! - low[1]!));
  const [left, top, right, bottom] = fit.box;
  const x0 = Math.max(low[0]! - pad, left);
  const y0 = Math.max(low[1]! - pad, top);
  const x1 = Math.min(high[0]! + pad, right);
  const y1 = Math.min(high[1]! + pad, bottom);
  if (Math.min(x1 - x0, y1 - y0) < LEAST_PX) {
    return null;
  }
  const shown = Math.min(inputSize[0] / (x1 - x0), inputSize[1] / (y1 - y0));
  return shown / Math.min(fit.scaleX, fit.scaleY) >= LEAST_GAIN ? [x0, y0, x1, y1] : null;
}

/** The sum in float32 in numpy's order (eight sums side by side, halves of what is longer than 128). */
function sum(values: Float32Array): number {
  const count = values.length;
  if (count > 128) {
    const half = (count >> 4) * 8;
    return Math.fround(sum(values.subarray(0, half)) + sum(values.subarray(half)));
  }
  let parts = new Float32Array(8);
  const whole = count - (count % 8);
  for (let i = 0; i < whole; i++) {
    parts[i % 8]! += values[i]!;
  }
  while (parts.length > 1) {
    const pairs = parts;
    parts = Float32Array.from({ length: pairs.length / 2 }, (_, i) => pairs[2 * i]! + pairs[2 * i + 1]!);
  }
  for (const value of values.subarray(whole)) {
    parts[0]! += value;
  }
  return parts[0]!;
}
