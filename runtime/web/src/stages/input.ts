/** A ready-made network input. */

import { DataError } from "../errors.js";
import { checkPicture, type Picture } from "../pixels/picture.js";

/**
 * Its bytes.
 *
 * @param input a picture of three channels, or its bytes alone.
 * @param size width and height of the network's input, pixels.
 * @throws DataError it is not of exactly that size.
 */
export function inputBytes(
  input: Picture | Uint8Array | Uint8ClampedArray,
  [width, height]: readonly [number, number],
): Uint8Array {
  const picture = checkPicture(ArrayBuffer.isView(input) ? { data: input, width, height, channels: 3 } : input);
  if (picture.width !== width || picture.height !== height || picture.channels !== 3) {
    throw new DataError(
      `the input has ${picture.width} × ${picture.height} pixels of ${picture.channels} channels; expected ` +
        `${width} × ${height} of 3; use detect for other pictures`,
    );
  }
  const { buffer, byteOffset, length } = picture.data;
  return new Uint8Array(buffer, byteOffset, length);
}
