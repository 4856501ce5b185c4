/** All columns of some rows resized at once, as `resize-exact` does it, but faster. */

import { type Axis, STRETCH } from "./axis.js";
import { resizeExactly } from "./resize-exact.js";

// Scratch: of each column four sums of the stretch before; and columns whose result is not sure.
let sums = new Int32Array(0);
let unsure = new Int32Array(0);

/**
 * Resize columns. The rows are gone through in their order, for pictures are larger than a processor's cache.
 *
 * @param words pixels; of row 0, which need not be there if it is not used, the first column is at `base`.
 * @param stride from a row to the next.
 * @param out count × columns: the results, opaque.
 * @returns whether alpha is 255 in all pixels that were looked at; if not, the results mean nothing.
 */
export function resizeColumns(
  words: Int32Array,
  base: number,
  stride: number,
  columns: number,
  axis: Axis,
  out: Int32Array,
): boolean {
  const { count, ramps, begin } = axis;
  let opaque = true;
  if (!ramps) {
    for (let column = 0; column < columns; column++) {
      opaque = resizeExactly(words, base + column, stride, axis, 0, count, out, column, columns) && opaque;
    }
    return opaque;
  }
  const { ends, table } = ramps;
  if (unsure.length < columns) {
    sums = new Int32Array(4 * columns);
    unsure = new Int32Array(columns);
  }
  for (let stretch = 0, before = begin; stretch <= count; before = ends[stretch++]) {
    const from = base + before * stride;
    // Before the first centre nothing is complete; what is written is written again.
    const result = Math.max(0, stretch - 1);
    const at = result * columns;
    let doubts = pass(words, from, stride, ends[stretch] - before, columns, table, stretch * STRETCH, out, at);
    if (doubts < 0) {
      opaque = false;
    }
    for (; doubts > 0; doubts--) {
      const column = unsure[doubts - 1];
      resizeExactly(words, base + column, stride, axis, result, result + 1, out, column, columns);
    }
  }
  return opaque;
}

/**
 * The results in whose centre a stretch of rows begins, from its sums and those of the stretch before, as `combine` has it
 * for rows. Of some the sums leave two values possible: these go to `unsure`.
 *
 * @returns their number; −1 where a pixel is not opaque.
 */
function pass(
  words: Int32Array,
  from: number,
  stride: number,
  rows: number,
  columns: number,
  table: Int32Array,
  line: number,
  out: Int32Array,
  at: number,
): number {
  const pair = 0xff00ff;
  const bits = 22;
  const fraction = 0x3fffff;
  const opaque = 255 << 24;
  const white = Math.imul(rows, 255);
  const level = table[line + 4];
  const level2 = table[line + 5];
  const slope = table[line + 6];
  const begin = table[line + 7];
  const sure = table[line + 8];
  const known = sums;
  const doubtful = unsure;
  let doubts = 0;
  let clear = true;
  for (let column = 0, place = 0; column < columns; column = (column + 1) | 0, place = (place + 4) | 0) {
    let redBlue = 0;
    let redBlueRamp = 0;
    let rest = 0;
    let restRamp = 0;
    for (let row = 0, pixel = (from + column) | 0; row < rows; row = (row + 1) | 0, pixel = (pixel + stride) | 0) {
      const word = words[pixel];
      redBlue = (redBlue + (word & pair)) | 0;
      redBlueRamp = (redBlueRamp + redBlue) | 0;
      rest = (rest + ((word >>> 8) & pair)) | 0;
      restRamp = (restRamp + rest) | 0;
    }
    clear = clear && rest >>> 16 === white;
    const redBlue1 = known[place];
    const redBlueRamp1 = known[(place + 1) | 0];
    const rest1 = known[(place + 2) | 0];
    const restRamp1 = known[(place + 3) | 0];
    known[place] = redBlue;
    known[(place + 1) | 0] = redBlueRamp;
    known[(place + 2) | 0] = rest;
    known[(place + 3) | 0] = restRamp;
    const r =
      (((((begin + Math.imul(redBlue1 & 0xffff, level)) | 0) +
        Math.imul(((redBlueRamp & 0xffff) - (redBlueRamp1 & 0xffff)) | 0, slope)) |
        0) +
        Math.imul(redBlue & 0xffff, level2)) |
      0;
    const g =
      (((((begin + Math.imul(rest1 & 0xffff, level)) | 0) +
        Math.imul(((restRamp & 0xffff) - (restRamp1 & 0xffff)) | 0, slope)) |
        0) +
        Math.imul(rest & 0xffff, level2)) |
      0;
    const b =
      (((((begin + Math.imul(redBlue1 >>> 16, level)) | 0) +
        Math.imul(((redBlueRamp >>> 16) - (redBlueRamp1 >>> 16)) | 0, slope)) |
        0) +
        Math.imul(redBlue >>> 16, level2)) |
      0;
    out[(at + column) | 0] = (r >>> bits) | ((g >>> bits) << 8) | ((b >>> bits) << 16) | opaque;
    if ((r & fraction) > sure || (g & fraction) > sure || (b & fraction) > sure) {
      doubtful[doubts] = column;
      doubts = (doubts + 1) | 0;
    }
  }
  return clear ? doubts : -1;
}
