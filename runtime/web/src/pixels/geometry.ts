/**
 * The one map between pictures, network input and heatmap cells.
 *
 * Pixel centres are integers: the centre of the top-left pixel is (0, 0), and pixel i covers [i − 0.5, i + 0.5].
 * Cell i of a stride-s heatmap covers the input around (i + 0.5)·s − 0.5 (the half-pixel rule). Points are x, y, x, y …
 * in one array. Numbers are rounded to float32 where the Python runtime rounds them.
 */

import { DataError } from "../errors.js";

/** A region of a picture, scaled to fit the input with its aspect ratio kept, centred, black around it. */
export interface Letterbox {
  /** x0, y0, x1, y1: the region in edge coordinates of the picture; (0, 0, width, height) is all of it. */
  readonly box: readonly [number, number, number, number];
  /** Size of the resized region inside the input, pixels. */
  readonly width: number;
  readonly height: number;
  /** Where it lies inside the input, pixels. */
  readonly left: number;
  readonly top: number;
  /** Input pixels per picture pixel. They differ because the resized region has whole pixels; both are exact. */
  readonly scaleX: number;
  readonly scaleY: number;
}

const { fround, max, min, floor } = Math;

/** Heatmap coordinates in cells → input coordinates in pixels. */
export function cellsToInput(cells: Float32Array, stride: number): Float32Array {
  const size = fround(stride);
  return cells.map((cell) => fround(fround(cell + 0.5) * size) - 0.5);
}

/** Input coordinates in pixels → heatmap coordinates in cells. Inverse of `cellsToInput`. */
export function inputToCells(points: Float32Array, stride: number): Float32Array {
  const size = fround(stride);
  return points.map((point) => fround(fround(point + 0.5) / size) - 0.5);
}

/** Input coordinates → picture coordinates, both in pixels. Inverse of `toInput`. */
export function toPicture(fit: Letterbox, points: Float32Array): Float32Array {
  const { scaleX, scaleY } = fit;
  const [x, y] = offsets(fit);
  return points.map((point, index) => (index & 1 ? (point - y) / scaleY : (point - x) / scaleX));
}

/** Picture coordinates → input coordinates, both in pixels. */
export function toInput(fit: Letterbox, points: Float32Array): Float32Array {
  const { scaleX, scaleY } = fit;
  const [x, y] = offsets(fit);
  return points.map((point, index) => (index & 1 ? point * scaleY + y : point * scaleX + x));
}

/**
 * The letterbox of a picture, or of a box in it clipped to the picture.
 *
 * @param pictureSize width and height of the picture, pixels.
 * @param inputSize width and height of the network's input, pixels.
 * @param box x0, y0, x1, y1 in edge coordinates of the picture; null for all of it.
 * @throws DataError the box does not overlap the picture, or is not four finite numbers.
 */
export function fitLetterbox(
  pictureSize: readonly [number, number],
  inputSize: readonly [number, number],
  box?: readonly number[] | null,
): Letterbox {
  const wanted = box ?? [0, 0, ...pictureSize];
  if (wanted.length !== 4 || !wanted.every(Number.isFinite)) {
    throw new DataError(
      `box (${wanted.join(", ")}) is not four finite numbers; expected x0, y0, x1, y1 in pixels of the picture`,
    );
  }
  const x0 = max(wanted[0]!, 0);
  const y0 = max(wanted[1]!, 0);
  const x1 = min(wanted[2]!, pictureSize[0]);
  const y1 = min(wanted[3]!, pictureSize[1]);
  if (x1 - x0 < 1 || y1 - y0 < 1) {
    throw new DataError(`box (${wanted.join(", ")}) covers no pixel of a ${pictureSize.join(" × ")} picture`);
  }
  const scale = min(inputSize[0] / (x1 - x0), inputSize[1] / (y1 - y0));
  const width = min(inputSize[0], max(1, roundHalfEven((x1 - x0) * scale)));
  const height = min(inputSize[1], max(1, roundHalfEven((y1 - y0) * scale)));
  return {
    box: [x0, y0, x1, y1],
    width,
    height,
    left: floor((inputSize[0] - width) / 2),
    top: floor((inputSize[1] - height) / 2),
    scaleX: width / (x1 - x0),
    scaleY: height / (y1 - y0),
  };
}

/** The nearest whole number; of two, the even one. */
export function roundHalfEven(value: number): number {
  const below = floor(value);
  const rest = value - below;
  return rest > 0.5 || (rest === 0.5 && below % 2 !== 0) ? below + 1 : below;
}

/** Edges map to edges: picture pixel p covers [p, p + 1] in edge coordinates, hence the two half pixels. */
function offsets({ box, scaleX, scaleY, left, top }: Letterbox): [number, number] {
  return [(0.5 - box[0]) * scaleX + left - 0.5, (0.5 - box[1]) * scaleY + top - 0.5];
}
