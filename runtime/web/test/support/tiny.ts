/** tiny.fpm, and the pictures and the clock of vectors/make_detections.py, made again. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Picture } from "../../src/pixels/picture.js";
import { type Bundle, openBundle } from "../../src/stages/bundle.js";

/** A file of test/vectors, wherever the compiled tests lie. */
export function vector(name: string): Uint8Array {
  return new Uint8Array(readFileSync(join(process.env.FPM_EDGE_WEB ?? process.cwd(), "test", "vectors", name)));
}

/** Three stages of int8 in both formats, two golden cases, recognition; its reference is float32 in both formats. */
export function tiny(): Promise<Bundle> {
  return openBundle(vector("tiny.fpm"));
}

export async function goldenInputs(bundle: Bundle): Promise<Uint8Array[]> {
  return Promise.all((await bundle.golden())!.cases.map((golden) => bundle.goldenInput(golden)));
}

/** A golden input, enlarged without any filter, before a pattern. */
export function scene(inputs: readonly Uint8Array[], size: readonly number[]): Picture {
  const [width, height, golden, left, top, side] = size as [number, number, number, number, number, number];
  const data = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const inside = x >= left && x < left + side && y >= top && y < top + side;
      const from = 3 * (64 * Math.floor(((y - top) * 64) / side) + Math.floor(((x - left) * 64) / side));
      const pixel = inside
        ? inputs[golden]!.subarray(from, from + 3)
        : [(3 * x + y) % 64, (x + 2 * y) % 64, (x * y) % 32];
      data.set(pixel, 3 * (y * width + x));
    }
  }
  return { data, width, height, channels: 3 };
}

/** A clock, in milliseconds, that goes on by 1/8 to 1 whenever it is read. */
export function ticking(): () => number {
  let state = 1;
  let eighths = 0;
  return () => {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
    eighths += ((state >> 16) % 8) + 1;
    return eighths / 8;
  };
}
