/**
 * Results by their weights: what Pillow's `Image.resize` does, bit for bit.
 *
 * Pixels are words of 32 bits, red in the lowest eight, then green, blue and alpha, as RGBA bytes are on every machine
 * that browsers run on.
 */

import { type Axis, HALF } from "./axis.js";

/**
 * Some results of a row or column.
 *
 * @param words pixels: pixel i of the line, of which not all need be there, is at `base + i · stride`.
 * @param begin, end which results.
 * @param out result i, opaque, goes to `at + i · step`.
 * @returns whether alpha is 255 in all pixels that were looked at.
 */
export function resizeExactly(
  words: Int32Array,
  base: number,
  stride: number,
  { first, start, weights }: Axis,
  begin: number,
  end: number,
  out: Int32Array,
  at: number,
  step: number,
): boolean {
  const bits = 22;
  let all = -1;
  for (let result = begin; result < end; result++) {
    const last = start[result + 1];
    let red = HALF;
    let green = HALF;
    let blue = HALF;
    for (let i = start[result], from = (base + first[result] * stride) | 0; i < last; i++, from = (from + stride) | 0) {
      const word = words[from];
      const weight = weights[i];
      red = (red + Math.imul(word & 255, weight)) | 0;
      green = (green + Math.imul((word >>> 8) & 255, weight)) | 0;
      blue = (blue + Math.imul((word >>> 16) & 255, weight)) | 0;
      all &= word;
    }
    // Of many thousand weights, what rounding adds may exceed white.
    out[at + result * step] =
      Math.min(red >> bits, 255) |
      (Math.min(green >> bits, 255) << 8) |
      (Math.min(blue >> bits, 255) << 16) |
      -0x1000000;
  }
  return all >>> 24 === 255;
}
