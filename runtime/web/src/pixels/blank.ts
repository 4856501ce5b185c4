/** Pictures that show nothing: of one colour, or nearly. */

import { roundHalfEven } from "./geometry.js";
import { overBlack, type Picture } from "./picture.js";

const SPREAD = 8; // codes of 255, about what JPEG and a camera's noise make of a plain wall
const SHARES = [0.01, 0.99] as const;
const LOOKED_AT = 1 << 16; // pixels; enough for shares of a hundredth, whatever the size

/** Whether in each channel 98 % of the pixels lie within 8 codes, so that there is no garment to be seen. */
export function isOneColour({ data, width, height, channels }: Picture): boolean {
  const pixels = width * height;
  const step = Math.ceil(pixels / LOOKED_AT);
  const last = Math.ceil(pixels / step) - 1;
  for (let channel = 0; channel < 3; channel++) {
    const counts = new Uint32Array(256);
    for (let pixel = 0; pixel < pixels; pixel += step) {
      const value = data[pixel * channels + channel]!;
      counts[channels === 4 ? overBlack(value, data[pixel * 4 + 3]!) : value]!++;
    }
    const [low, high] = SHARES.map((share) => valueAt(counts, roundHalfEven(last * share)));
    if (high! - low! > SPREAD) {
      return false;
    }
  }
  return true;
}

/** The value with this rank, from 0 on, among those counted. */
function valueAt(counts: Uint32Array, rank: number): number {
  let value = -1;
  for (let seen = 0; seen <= rank; ) {
    seen += counts[++value]!;
  }
  return value;
}
