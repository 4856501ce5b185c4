/** The streams of vectors/make_drift.py, made again. */

import { readFileSync } from "node:fs";
import { join } from "node:path";

export interface Stream {
  readonly name: string;
  readonly stages: number;
  readonly landmarks: number;
  readonly length: number;
  readonly scale: number;
  readonly late: number;
  readonly lost: number;
  readonly limits: readonly number[];
  readonly seen: readonly ({ readonly samples: number } & Readonly<Record<string, unknown>>)[];
}

/** A file of test/vectors, wherever the compiled tests lie. */
export function vector(name: string): string {
  return readFileSync(join(process.env.FPM_EDGE_WEB ?? process.cwd(), "test", "vectors", name), "utf8");
}

/** Numbers from 0 to 1, the same in every language. */
export function uniform(): () => number {
  let state = 1;
  return () => {
    state = (Math.imul(1664525, state) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/** Stages that ran × landmarks. */
export function sample(stream: Stream, number: number, random: () => number): Float64Array[] {
  const ran = 1 + Math.floor(random() * stream.stages);
  const known = Array.from({ length: stream.landmarks }, (_, i) => random() < 0.8 || i === number % stream.landmarks);
  const scale = 4 * stream.scale * (stream.late > 0 && number >= stream.late ? 5 : 1);
  return Array.from({ length: ran }, () =>
    Float64Array.from(known, (is) => {
      const u = random();
      return is ? (random() < stream.lost ? Number.POSITIVE_INFINITY : scale * u * u * u) : Number.NaN;
    }),
  );
}

/** Scores, and movement where it is known. */
export function frame(number: number, random: () => number): [Float32Array, number | null] {
  const scores = Float32Array.from({ length: 3 }, random);
  return [scores, number % 3 === 0 ? random() / 50 : null];
}
