/** A row of pixels resized, as `resize-exact` does it, but faster. */

import type { Axis, Ramps } from "./axis.js";
import { resizeExactly } from "./resize-exact.js";

/** Scratch: results that are not sure. */
let unsure = new Int32Array(0);

/**
 * Resize a row.
 *
 * @param words pixels; pixel 0 of the row, which need not be there if it is not used, is at `base`.
 * @param out the results, opaque, go to `at`, `at + 1`, …
 * @returns whether alpha is 255 in all pixels that were looked at; if not, the results mean nothing.
 */
export function resizeRow(words: Int32Array, base: number, axis: Axis, out: Int32Array, at: number): boolean {
  const { count, ramps } = axis;
  if (!ramps) {
    return resizeExactly(words, base, 1, axis, 0, count, out, at, 1);
  }
  if (unsure.length < count) {
    unsure = new Int32Array(count);
  }
  const opaque = addUp(words, base + axis.begin, base, ramps);
  for (let left = combine(ramps.table, count, out, at, unsure); left > 0; left--) {
    resizeExactly(words, base, 1, axis, unsure[left - 1], unsure[left - 1] + 1, out, at, 1);
  }
  return opaque;
}

/**
 * Into the table, of each stretch, the sum of red and blue, its ramp, and both of green and alpha: two channels are added
 * up in one number, 16 bits apart.
 */
function addUp(words: Int32Array, begin: number, base: number, { ends, table }: Ramps): boolean {
  const pair = 0xff00ff;
  const stretches = ends.length;
  const size = 9;
  let opaque = true;
  let from = begin | 0;
  for (let stretch = 0, to = 0; stretch < stretches; stretch++, to = (to + size) | 0) {
    const end = (base + ends[stretch]) | 0;
    const white = Math.imul(end - from, 255);
    let redBlue = 0;
    let redBlueRamp = 0;
    let rest = 0;
    let restRamp = 0;
    for (; from < end; from = (from + 1) | 0) {
      const word = words[from];
      redBlue = (redBlue + (word & pair)) | 0;
      redBlueRamp = (redBlueRamp + redBlue) | 0;
      rest = (rest + ((word >>> 8) & pair)) | 0;
      restRamp = (restRamp + rest) | 0;
    }
    opaque = opaque && rest >>> 16 === white;
    table[to] = redBlue;
    table[(to + 1) | 0] = redBlueRamp;
    table[(to + 2) | 0] = rest;
    table[(to + 3) | 0] = restRamp;
  }
  return opaque;
}

/** The results from the table. Of some it leaves two values possible: these go to `unsure`; returns their number. */
function combine(table: Int32Array, count: number, out: Int32Array, at: number, unsure: Int32Array): number {
  // Constants of the function are constants to the engine; those of a module it reads each time, a quarter of the time.
  const bits = 22;
  const fraction = 0x3fffff;
  const opaque = 255 << 24;
  const stretch = 9;
  let doubts = 0;
  let red = table[0] & 0xffff;
  let redRamp = table[1] & 0xffff;
  let green = table[2] & 0xffff;
  let greenRamp = table[3] & 0xffff;
  let blue = table[0] >>> 16;
  let blueRamp = table[1] >>> 16;
  // All modulo 2³²: what comes out of it fits. And the engine need not check it for whole numbers, a third of the time.
  for (let result = 0, next = stretch; result < count; result = (result + 1) | 0, next = (next + stretch) | 0) {
    const redBlue = table[next];
    const redBlueRamp = table[(next + 1) | 0];
    const rest = table[(next + 2) | 0];
    const restRamp = table[(next + 3) | 0];
    const level = table[(next + 4) | 0];
    const level2 = table[(next + 5) | 0];
    const slope = table[(next + 6) | 0];
    const begin = table[(next + 7) | 0];
    const sure = table[(next + 8) | 0];
    const red2 = redBlue & 0xffff;
    const redRamp2 = redBlueRamp & 0xffff;
    const green2 = rest & 0xffff;
    const greenRamp2 = restRamp & 0xffff;
    const blue2 = redBlue >>> 16;
    const blueRamp2 = redBlueRamp >>> 16;
    const r =
      (((((begin + Math.imul(red, level)) | 0) + Math.imul((redRamp2 - redRamp) | 0, slope)) | 0) +
        Math.imul(red2, level2)) |
      0;
    const g =
      (((((begin + Math.imul(green, level)) | 0) + Math.imul((greenRamp2 - greenRamp) | 0, slope)) | 0) +
        Math.imul(green2, level2)) |
      0;
    const b =
      (((((begin + Math.imul(blue, level)) | 0) + Math.imul((blueRamp2 - blueRamp) | 0, slope)) | 0) +
        Math.imul(blue2, level2)) |
      0;
    out[(at + result) | 0] = (r >>> bits) | ((g >>> bits) << 8) | ((b >>> bits) << 16) | opaque;
    if ((r & fraction) > sure || (g & fraction) > sure || (b & fraction) > sure) {
      unsure[doubts] = result;
      doubts = (doubts + 1) | 0;
    }
    red = red2;
    redRamp = redRamp2;
    green = green2;
    greenRamp = greenRamp2;
    blue = blue2;
    blueRamp = blueRamp2;
  }
  return doubts;
}
