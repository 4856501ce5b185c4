/** A picture as numbers, and how its transparency becomes black. */

import { DataError } from "../errors.js";

/**
 * Pixels of 8 bits, upright, row by row from the top; `ImageData` with `channels: 4` is one.
 *
 * Of four channels the last is alpha, not premultiplied: colours lie over black, as the Python runtime has it. A source
 * that leaves the fourth byte undefined (`RGBX`) must set it to 255.
 */
export interface Picture {
  /** height × width × channels bytes, RGB or RGBA. */
  readonly data: Uint8Array | Uint8ClampedArray;
  readonly width: number;
  readonly height: number;
  readonly channels: 3 | 4;
}

/**
 * The argument itself, if it is a picture.
 *
 * @throws DataError it is none, or has no pixels, or `data` is of another type or size.
 */
export function checkPicture(picture: unknown): Picture {
  const { data, width, height, channels } = (picture ?? {}) as Record<keyof Picture, unknown>;
  // By its tag, for the array may come from another frame of the page.
  const tag = (data as { readonly [Symbol.toStringTag]?: unknown } | null | undefined)?.[Symbol.toStringTag];
  if (tag !== "Uint8Array" && tag !== "Uint8ClampedArray") {
    throw new DataError(
      `the image's data is ${named(tag ?? data)}; expected a picture, with data a Uint8Array or Uint8ClampedArray`,
    );
  }
  if (channels !== 3 && channels !== 4) {
    throw new DataError(`the image has ${named(channels)} channels; expected 3 (RGB) or 4 (RGBA)`);
  }
  if (!isSize(width) || !isSize(height)) {
    throw new DataError(`the image is ${named(width)} × ${named(height)} pixels; expected whole numbers from 1 on`);
  }
  const { length } = data as Uint8Array;
  if (length !== width * height * channels) {
    throw new DataError(
      `the image has ${length} bytes; expected ${width * height * channels}, ${width} × ${height} pixels of ${channels} channels`,
    );
  }
  return picture as Picture;
}

/** A colour value over black, by Pillow's `alpha_composite`: value · alpha / 255, rounded. */
export function overBlack(value: number, alpha: number): number {
  const product = value * alpha + 128;
  return (product + (product >> 8)) >> 8;
}

function isSize(size: unknown): size is number {
  return Number.isInteger(size) && (size as number) > 0;
}

function named(value: unknown): string {
  return typeof value === "number" || typeof value === "string"
    ? String(value)
    : value === null
      ? "null"
      : typeof value;
}
