/** From pixels to the network's input: what the Python runtime makes of them with Pillow, byte for byte. */

import { UsageError } from "../errors.js";
import { type Axis, axisOf } from "./axis.js";
import type { Letterbox } from "./geometry.js";
import { overBlack, type Picture } from "./picture.js";
import { resizeLine } from "./resize.js";

/** Directions of the last geometries: two sizes of picture, and two looks at each. */
const KEPT = 8;
/** Columns that are taken out of a picture at once: as many as lie in one line of a processor's cache. */
const AT_ONCE = 16;
let axes: Axis[] = [];
// Scratch: lines of the picture, all lines after the first direction, and one after the second.
let packed: Int32Array = new Int32Array(0);
let middle: Int32Array = new Int32Array(0);
let resized: Int32Array = new Int32Array(0);

/**
 * Resize a region of a picture into the network's input, black around it.
 *
 * Bilinear, with the kernel widened when shrinking (no aliasing): equal to `Image.resize(size, BILINEAR, box)` of Pillow
 * 13, which takes the columns first where the height shrinks by more than twice what the width does; earlier versions
 * take the rows first always. Where alpha is below 255, the colours lie over black.
 *
 * @param picture height × width × channels bytes.
 * @param fit where the region lies in the picture and in the input.
 * @param inputSize width and height of the network's input, pixels.
 * @param out where the answer goes; a new array if it is left out.
 * @returns input height × input width × 3 bytes, RGB.
 * @throws UsageError `out` is of another size, or `fit` is not for this picture or input.
 */
export function letterbox(
  picture: Picture,
  fit: Letterbox,
  inputSize: readonly [number, number],
  out: Uint8Array = new Uint8Array(3 * inputSize[0] * inputSize[1]),
): Uint8Array {
  const [inputWidth, inputHeight] = inputSize;
  const { data, width, height, channels } = picture;
  const [x0, y0, x1, y1] = fit.box;
  check(picture, fit, inputSize, out);
  const words = wordsOf(picture);
  if (fit.width < inputWidth || fit.height < inputHeight) {
    out.fill(0);
  } else if (width === inputWidth && height === inputHeight && x0 === 0 && y0 === 0 && x1 === width && y1 === height) {
    if (channels === 3) {
      out.set(data);
    } else {
      pack(picture, words, 0, 1, width * height, 0, 1);
      unpack(packed, width * height, out, 0, 3);
    }
    return out;
  }
  const across = axisFor(width, x0, x1, fit.width);
  const down = axisFor(height, y0, y1, fit.height);
  const columnsFirst = height > fit.height && height - fit.height > 2 * (width - fit.width);
  const [first, second] = columnsFirst ? [down, across] : [across, down];
  // Of the first direction only the lines that the second uses, and of them only the pixels that the first uses.
  const lines = second.end - second.begin;
  const length = first.end - first.begin;
  middle = atLeast(middle, lines * first.count);
  resized = atLeast(resized, second.count);
  const [stride, apart, atOnce] = columnsFirst ? [width, 1, AT_ONCE] : [1, width, 1];
  for (let line = 0; line < lines; line += atOnce) {
    const from = (second.begin + line) * apart;
    const to = line * first.count;
    if (columnsFirst || !words || !resizeLine(words, from, 1, first, middle, to)) {
      const some = Math.min(atOnce, lines - line);
      pack(picture, words, from + first.begin * stride, stride, length, apart, some);
      for (let i = 0; i < some; i++) {
        resizeLine(packed, i * length - first.begin, 1, first, middle, to + i * first.count);
      }
    }
  }
  const corner = 3 * (fit.top * inputWidth + fit.left);
  const [aside, along] = columnsFirst ? [3 * inputWidth, 3] : [3, 3 * inputWidth];
  for (let line = 0; line < first.count; line++) {
    resizeLine(middle, line - second.begin * first.count, first.count, second, resized, 0);
    unpack(resized, second.count, out, corner + line * aside, along);
  }
  return out;
}

function check(
  { width, height }: Picture,
  { box: [x0, y0, x1, y1], left, top, ...size }: Letterbox,
  [inputWidth, inputHeight]: readonly [number, number],
  out: Uint8Array,
): void {
  const bytes = 3 * inputWidth * inputHeight;
  if (out.length !== bytes) {
    throw new UsageError(`the array for the input has ${out.length} bytes; expected ${bytes}`);
  }
  const inside = x0 >= 0 && y0 >= 0 && x0 < x1 && y0 < y1 && x1 <= width && y1 <= height;
  if (!inside || left + size.width > inputWidth || top + size.height > inputHeight) {
    throw new UsageError(
      `the letterbox is not of a ${width} × ${height} picture in a ${inputWidth} × ${inputHeight} input; use fitLetterbox`,
    );
  }
}

/** The weights of a direction; of a geometry met lately, those made then. */
function axisFor(size: number, low: number, high: number, count: number): Axis {
  const same = ({ of }: Axis) => of[0] === size && of[1] === low && of[2] === high && of[3] === count;
  const axis = axes.find(same) ?? axisOf(size, low, high, count);
  if (axis !== axes[0]) {
    axes = [axis, ...axes.filter((other) => other !== axis)].slice(0, KEPT);
  }
  return axis;
}

/** The pixels as words, if they are RGBA and begin where a word may. */
function wordsOf({ data, channels }: Picture): Int32Array | null {
  return channels === 4 && data.byteOffset % 4 === 0
    ? new Int32Array(data.buffer, data.byteOffset, data.length / 4)
    : null;
}

/**
 * Lines of the picture, over black, into `packed`, one after the other.
 *
 * @param words the picture's pixels, if it has them.
 * @param first pixel of the first line; those that follow are `stride` on, and the next line `apart`.
 */
function pack(
  { data, channels }: Picture,
  words: Int32Array | null,
  first: number,
  stride: number,
  length: number,
  apart: number,
  lines: number,
): void {
  packed = atLeast(packed, lines * length);
  for (let i = 0; i < length; i++) {
    for (let line = 0, pixel = first + i * stride, to = i; line < lines; line++, pixel += apart, to += length) {
      let word = words ? words[pixel] : 0;
      if (word >>> 24 < 255) {
        const at = channels * pixel;
        const alpha = channels === 4 ? data[at + 3] : 255;
        word =
          overBlack(data[at], alpha) | (overBlack(data[at + 1], alpha) << 8) | (overBlack(data[at + 2], alpha) << 16);
      }
      packed[to] = word;
    }
  }
}

/** Words as bytes, one pixel at `at`, the next at `at + step`. */
function unpack(words: Int32Array, count: number, out: Uint8Array, at: number, step: number): void {
  for (let i = 0; i < count; i++, at += step) {
    const word = words[i];
    out[at] = word;
    out[at + 1] = word >>> 8;
    out[at + 2] = word >>> 16;
  }
}

function atLeast(scratch: Int32Array, length: number): Int32Array {
  return scratch.length < length ? new Int32Array(length) : scratch;
}
