/** From pixels to the network's input: what the Python runtime makes of them with Pillow, byte for byte. */

import { UsageError } from "../errors.js";
import { type Axis, axisOf } from "./axis.js";
import type { Letterbox } from "./geometry.js";
import { overBlack, type Picture } from "./picture.js";
import { resizeColumns } from "./resize-columns.js";
import { resizeRow } from "./resize-row.js";

/** Directions of the last geometries: two sizes of picture, and two looks at each. */
const KEPT = 8;
const OPAQUE = 255 << 24;
let axes: Axis[] = [];
// Scratch: a part of the picture, that after the first direction, and after both.
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
  const { data, width, height } = picture;
  const [x0, y0, x1, y1] = fit.box;
  check(picture, fit, inputSize, out);
  const words = wordsOf(picture);
  if (fit.width < inputWidth || fit.height < inputHeight) {
    out.fill(0);
  } else if (width === inputWidth && height === inputHeight && x0 === 0 && y0 === 0 && x1 === width && y1 === height) {
    if (!words) {
      out.set(data);
    } else if (!unpack(words, 0, out, 0, width * height)) {
      pack(picture, words, 0, 1, width * height);
      unpack(packed, 0, out, 0, width * height);
    }
    return out;
  }
  const across = axisFor(width, x0, x1, fit.width);
  const down = axisFor(height, y0, y1, fit.height);
  resized = atLeast(resized, fit.width * fit.height);
  if (height > fit.height && height - fit.height > 2 * (width - fit.width)) {
    columnsFirst(picture, words, across, down);
  } else {
    rowsFirst(picture, words, across, down);
  }
  for (let row = 0; row < fit.height; row++) {
    unpack(resized, row * fit.width, out, 3 * ((fit.top + row) * inputWidth + fit.left), fit.width);
  }
  return out;
}

/** Into `resized`, by way of the rows that are used. */
function rowsFirst(picture: Picture, words: Int32Array | null, across: Axis, down: Axis): void {
  const { begin, end, count } = across;
  middle = atLeast(middle, (down.end - down.begin) * count);
  for (let row = down.begin, at = 0; row < down.end; row++, at += count) {
    const from = row * picture.width;
    if (!words || !resizeRow(words, from, across, middle, at)) {
      pack(picture, words, from + begin, 1, end - begin);
      resizeRow(packed, -begin, across, middle, at);
    }
  }
  resizeColumns(middle, -down.begin * count, count, count, down, resized);
}

/** Into `resized`, by way of the columns that are used. */
function columnsFirst(picture: Picture, words: Int32Array | null, across: Axis, down: Axis): void {
  const { begin, end, count } = across;
  const columns = end - begin;
  const { width } = picture;
  middle = atLeast(middle, down.count * columns);
  if (!words || !resizeColumns(words, begin, width, columns, down, middle)) {
    pack(picture, words, down.begin * width + begin, down.end - down.begin, columns);
    resizeColumns(packed, -down.begin * columns, columns, columns, down, middle);
  }
  for (let row = 0; row < down.count; row++) {
    resizeRow(middle, row * columns - begin, across, resized, row * count);
  }
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
  const known = axes.find(same);
  if (known) {
    return known;
  }
  const made = axisOf(size, low, high, count);
  axes = [made, ...axes.slice(0, KEPT - 1)];
  return made;
}

/** The pixels as words, if they are RGBA. */
function wordsOf({ data, channels }: Picture): Int32Array | null {
  if (channels === 3) {
    return null;
  }
  const { buffer, byteOffset, length } = data.byteOffset % 4 === 0 ? data : data.slice();
  return new Int32Array(buffer, byteOffset, length / 4);
}

/** Rows × columns pixels from `first` on, over black and opaque, into `packed`; `words` are the picture's, if it is RGBA. */
function pack({ data, width }: Picture, words: Int32Array | null, first: number, rows: number, columns: number): void {
  packed = atLeast(packed, rows * columns);
  const into = packed;
  for (let row = 0, to = 0; row < rows; row++) {
    const begin = first + row * width;
    const end = begin + columns;
    if (words) {
      for (let pixel = begin; pixel < end; pixel++, to++) {
        const word = words[pixel];
        into[to] = word >>> 24 === 255 ? word : wordOverBlack(word);
      }
    } else {
      const last = (3 * end) | 0;
      for (let at = (3 * begin) | 0; at < last; at = (at + 3) | 0, to = (to + 1) | 0) {
        into[to] = data[at] | (data[(at + 1) | 0] << 8) | (data[(at + 2) | 0] << 16) | OPAQUE;
      }
    }
  }
}

function wordOverBlack(word: number): number {
  const alpha = word >>> 24;
  return (
    overBlack(word & 255, alpha) |
    (overBlack((word >>> 8) & 255, alpha) << 8) |
    (overBlack((word >>> 16) & 255, alpha) << 16) |
    OPAQUE
  );
}

/** Words as RGB bytes; whether they were opaque. */
function unpack(words: Int32Array, from: number, out: Uint8Array, at: number, count: number): boolean {
  let all = -1;
  const end = (from + count) | 0;
  for (let pixel = from | 0, to = at | 0; pixel < end; pixel = (pixel + 1) | 0, to = (to + 3) | 0) {
    const word = words[pixel];
    out[to] = word;
    out[(to + 1) | 0] = word >>> 8;
    out[(to + 2) | 0] = word >>> 16;
    all &= word;
  }
  return all >>> 24 === 255;
}

function atLeast(scratch: Int32Array, length: number): Int32Array {
  return scratch.length < length ? new Int32Array(length) : scratch;
}
