/**
 * One line of pixels, a row or a column, resized along itself: bit for bit what Pillow's `Image.resize` makes of it.
 *
 * Pixels are words of 32 bits, red in the lowest eight, then green, blue and alpha, as RGBA bytes are on every machine
 * that browsers run on. So red and blue are added up in one number, and green and alpha in another.
 */

import { type Axis, BITS, HALF, type Ramps } from "./axis.js";

const PAIR = 0xff00ff;
const FRACTION = 2 ** BITS - 1;

// Scratch: of each stretch four sums, and which results are not sure.
let sums = new Int32Array(0);
let unsure = new Int32Array(0);

/**
 * Resize a line.
 *
 * @param words pixels; those of the line are at `base`, `base + stride`, …
 * @param axis weights of the line's direction.
 * @param out the results go to `at`, `at + 1`, …; their alpha is 0.
 * @returns whether alpha is 255 in all pixels that were looked at.
 */
export function resizeLine(
  words: Int32Array,
  base: number,
  stride: number,
  axis: Axis,
  out: Int32Array,
  at: number,
): boolean {
  const { count, ramps } = axis;
  if (!ramps) {
    let all = -1;
    for (let result = 0; result < count; result++) {
      all &= weigh(words, base, stride, axis, result, out, at);
    }
    return all >>> 24 === 255;
  }
  if (sums.length < 4 * count + 4) {
    sums = new Int32Array(4 * count + 4);
    unsure = new Int32Array(count);
  }
  const opaque = addUp(words, base, stride, ramps, sums);
  for (let left = combine(sums, ramps.lines, count, out, at, unsure); left > 0; left--) {
    weigh(words, base, stride, axis, unsure[left - 1], out, at);
  }
  return opaque;
}

/** One result by its weights; what all its pixels have in common. */
function weigh(
  words: Int32Array,
  base: number,
  stride: number,
  { first, start, weights }: Axis,
  result: number,
  out: Int32Array,
  at: number,
): number {
  const end = start[result + 1];
  let red = HALF;
  let green = HALF;
  let blue = HALF;
  let all = -1;
  for (let i = start[result], from = (base + first[result] * stride) | 0; i < end; i++, from = (from + stride) | 0) {
    const word = words[from];
    const weight = weights[i];
    red = (red + Math.imul(word & 255, weight)) | 0;
    green = (green + Math.imul((word >>> 8) & 255, weight)) | 0;
    blue = (blue + Math.imul((word >>> 16) & 255, weight)) | 0;
    all &= word;
  }
  // Of many thousand weights, what rounding adds may exceed white.
  out[at + result] =
    Math.min(red >> BITS, 255) | (Math.min(green >> BITS, 255) << 8) | (Math.min(blue >> BITS, 255) << 16);
  return all;
}

/** Of each stretch the sum of red and blue, its ramp, and both of green and alpha; whether all is opaque. */
function addUp(words: Int32Array, base: number, stride: number, { first, ends }: Ramps, into: Int32Array): boolean {
  const count = ends.length;
  const two = 2 * stride;
  const three = 3 * stride;
  const four = 4 * stride;
  let opaque = true;
  let from = (base + first * stride) | 0;
  for (let stretch = 0, to = 0, before = first; stretch < count; stretch++, to += 4) {
    const end = ends[stretch];
    let left = (end - before) | 0;
    const white = Math.imul(left, 255);
    before = end;
    let redBlue = 0;
    let redBlueRamp = 0;
    let rest = 0;
    let restRamp = 0;
    // Four at a time: the engine then checks the array once for all of them.
    for (; left > 3; left = (left - 4) | 0, from = (from + four) | 0) {
      const a = words[from];
      const b = words[(from + stride) | 0];
      const c = words[(from + two) | 0];
      const d = words[(from + three) | 0];
      redBlue = (redBlue + (a & PAIR)) | 0;
      redBlueRamp = (redBlueRamp + redBlue) | 0;
      rest = (rest + ((a >>> 8) & PAIR)) | 0;
      restRamp = (restRamp + rest) | 0;
      redBlue = (redBlue + (b & PAIR)) | 0;
      redBlueRamp = (redBlueRamp + redBlue) | 0;
      rest = (rest + ((b >>> 8) & PAIR)) | 0;
      restRamp = (restRamp + rest) | 0;
      redBlue = (redBlue + (c & PAIR)) | 0;
      redBlueRamp = (redBlueRamp + redBlue) | 0;
      rest = (rest + ((c >>> 8) & PAIR)) | 0;
      restRamp = (restRamp + rest) | 0;
      redBlue = (redBlue + (d & PAIR)) | 0;
      redBlueRamp = (redBlueRamp + redBlue) | 0;
      rest = (rest + ((d >>> 8) & PAIR)) | 0;
      restRamp = (restRamp + rest) | 0;
    }
    for (; left > 0; left = (left - 1) | 0, from = (from + stride) | 0) {
      const a = words[from];
      redBlue = (redBlue + (a & PAIR)) | 0;
      redBlueRamp = (redBlueRamp + redBlue) | 0;
      rest = (rest + ((a >>> 8) & PAIR)) | 0;
      restRamp = (restRamp + rest) | 0;
    }
    opaque = opaque && rest >>> 16 === white;
    into[to] = redBlue;
    into[to + 1] = redBlueRamp;
    into[to + 2] = rest;
    into[to + 3] = restRamp;
  }
  return opaque;
}

/** The results of those sums. Of some they leave two values possible: these go to `unsure`; their number. */
function combine(
  from: Int32Array,
  lines: Int32Array,
  count: number,
  out: Int32Array,
  at: number,
  unsure: Int32Array,
): number {
  let doubts = 0;
  let red = from[0] & 0xffff;
  let redRamp = from[1] & 0xffff;
  let green = from[2] & 0xffff;
  let greenRamp = from[3] & 0xffff;
  let blue = from[0] >>> 16;
  let blueRamp = from[1] >>> 16;
  for (let result = 0, next = 4, line = 0; result < count; result++, next += 4, line += 6) {
    const redBlue = from[next];
    const redBlueRamp = from[next + 1];
    const rest = from[next + 2];
    const restRamp = from[next + 3];
    const level = lines[line];
    const slope = lines[line + 1];
    const level2 = lines[line + 2];
    const slope2 = lines[line + 3];
    const begin = lines[line + 4];
    // All modulo 2³²: what comes out of it fits.
    let r = (((begin + Math.imul(red, level)) | 0) - Math.imul(redRamp, slope)) | 0;
    let g = (((begin + Math.imul(green, level)) | 0) - Math.imul(greenRamp, slope)) | 0;
    let b = (((begin + Math.imul(blue, level)) | 0) - Math.imul(blueRamp, slope)) | 0;
    red = redBlue & 0xffff;
    redRamp = redBlueRamp & 0xffff;
    green = rest & 0xffff;
    greenRamp = restRamp & 0xffff;
    blue = redBlue >>> 16;
    blueRamp = redBlueRamp >>> 16;
    r = (((r + Math.imul(red, level2)) | 0) - Math.imul(redRamp, slope2)) | 0;
    g = (((g + Math.imul(green, level2)) | 0) - Math.imul(greenRamp, slope2)) | 0;
    b = (((b + Math.imul(blue, level2)) | 0) - Math.imul(blueRamp, slope2)) | 0;
    out[at + result] = (r >>> BITS) | ((g >>> BITS) << 8) | ((b >>> BITS) << 16);
    if (Math.max(r & FRACTION, g & FRACTION, b & FRACTION) > lines[line + 5]) {
      unsure[doubts++] = result;
    }
  }
  return doubts;
}
