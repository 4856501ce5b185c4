/** Pictures that the script of the vectors can make too. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Picture } from "../../src/pixels/picture.js";

/** What the Python runtime makes of them: test/vectors/pixels.json. */
export const VECTORS = JSON.parse(
  readFileSync(join(process.env.FPM_EDGE_WEB ?? process.cwd(), "test", "vectors", "pixels.json"), "utf8"),
) as Vectors;

export interface Vectors {
  readonly points: number[];
  readonly letterboxes: {
    readonly picture: [number, number, 3 | 4, number, string];
    readonly input: [number, number];
    readonly box: number[] | null;
    readonly fit: number[];
    readonly toPicture: number[];
    readonly toInput: number[];
    readonly sha256: string;
  }[];
  readonly refused: number[][];
  readonly cells: [number, number[], number[]][];
  readonly heatmaps: {
    readonly maps: string;
    readonly dtype: "int8" | "uint8" | "int16" | "float32";
    readonly layout: "NHWC" | "NCHW";
    readonly size: [number, number];
    readonly landmarks: number;
    readonly scale: number | null;
    readonly zeroPoint: number | null;
    readonly cells: number[];
    readonly scores: number[];
    readonly doubts: [number, string][];
  }[];
  readonly metrics: [(number | null)[], number[], number[], (number | null)[]];
}

/** Hashed bytes; of alpha "some", a pixel in 97 is not opaque. */
export function hashed(width: number, height: number, channels: 3 | 4, seed: number, alpha = "opaque"): Picture {
  const data = new Uint8Array(width * height * channels);
  for (let i = 0; i < data.length; i++) {
    const value = Math.imul(i + seed * 7919, 2654435761) >>> 0;
    data[i] = Math.imul(value ^ (value >>> 15), 2246822519) >>> 24;
    if (channels === 4 && i % 4 === 3 && (alpha === "opaque" || (i >> 2) % 97 !== 5)) {
      data[i] = 255;
    }
  }
  return { data, width, height, channels };
}
