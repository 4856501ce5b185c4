/** How far landmarks are from each other: the NE that everything here is measured in. */

import { DataError } from "../errors.js";

/**
 * The paper's NE of every point: the L2 distance in normalised coordinates.
 *
 * NE = ‖(x̂/w, ŷ/h) − (x/w, y/h)‖₂ (FPM paper, section 4, after Liu et al., "Fashion landmark detection in the wild",
 * ECCV 2016).
 *
 * @param predicted pictures × landmarks × (x, y), pixels of the picture, one after the other.
 * @param truth as many numbers.
 * @param sizes pictures × (width, height), pixels. One pair is for all points, so stages need not repeat it.
 * @returns pictures × landmarks; infinite where `predicted` is not finite.
 * @throws DataError sizes do not fit, or are not positive.
 */
export function normalizedError(
  predicted: ArrayLike<number>,
  truth: ArrayLike<number>,
  sizes: ArrayLike<number>,
): Float64Array {
  const count = predicted.length;
  const pictures = sizes.length / 2;
  if (count !== truth.length || !Number.isInteger(pictures) || pictures === 0 || count % sizes.length !== 0) {
    throw new DataError(
      `${count} predicted, ${truth.length} true numbers, ${sizes.length} sizes; expected x, y of each landmark, a picture's size`,
    );
  }
  for (let i = 0; i < sizes.length; i++) {
    if (!(sizes[i]! > 0)) {
      throw new DataError(`size ${sizes[i]} of a picture is not positive; expected width and height in pixels`);
    }
  }
  const perPicture = count / sizes.length;
  return Float64Array.from({ length: count / 2 }, (_, point) => {
    const size = 2 * Math.floor(point / perPicture);
    const x = predicted[2 * point]!;
    const y = predicted[2 * point + 1]!;
    if (!Number.isFinite(x) || !Number.isFinite(y)) {
      return Number.POSITIVE_INFINITY;
    }
    const across = (x - truth[2 * point]!) / sizes[size]!;
    const down = (y - truth[2 * point + 1]!) / sizes[size + 1]!;
    return Math.sqrt(across * across + down * down);
  });
}
