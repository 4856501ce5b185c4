/** When a further stage would change nothing: how far the clear landmarks moved between two stages. */

import type { Convergence } from "../bundle/manifest.js";
import { UsageError } from "../errors.js";

/** A heatmap this high at its peak is clear about where its landmark is (decision 0007). */
export const CLEAR_PEAK = 0.25;

/**
 * The largest distance between the landmarks of two stages, over those that count.
 *
 * @param before, after x and y of each landmark in turn; the earlier and the later stage.
 * @param scores heights of the later stage's peaks.
 * @param labelled those of the garment's category.
 * @returns in the unit of the landmarks; infinite where no landmark of the category has a clear peak, for then nothing
 *     is settled.
 */
export function movedPx(
  before: Float32Array,
  after: Float32Array,
  scores: Float32Array,
  labelled: readonly boolean[],
): number {
  const { fround } = Math; // as numpy has it, in float32
  let most = -1;
  for (let i = 0; i < scores.length; i++) {
    if (labelled[i] && scores[i]! >= CLEAR_PEAK) {
      const x = fround(after[2 * i]! - before[2 * i]!);
      const y = fround(after[2 * i + 1]! - before[2 * i + 1]!);
      most = Math.max(most, fround(fround(x * x) + fround(y * y)));
    }
  }
  return most < 0 ? Number.POSITIVE_INFINITY : Math.sqrt(most);
}

/**
 * Pixels of the input within which landmarks count as still.
 *
 * @param convergePx as for `Session.detect`.
 * @param fitted `Manifest.convergence`.
 * @throws UsageError it is negative or no number, or nothing was fitted.
 */
export function stillPx(convergePx: number | "fitted", fitted: Convergence | null): number {
  if (convergePx === "fitted") {
    if (!fitted) {
      throw new UsageError("convergePx is 'fitted', and the bundle has no such value; give pixels of the input");
    }
    return fitted.px;
  }
  if (typeof convergePx !== "number" || !(convergePx >= 0)) {
    throw new UsageError(`convergePx is ${convergePx}; expected pixels of the input, 0 or more, or 'fitted'`);
  }
  return convergePx;
}
