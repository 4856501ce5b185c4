/** How far a device's landmarks are from the float model's in one frame. */

import { normalizedError } from "../pixels/metrics.js";
import type { StageResult, Trace } from "../stages/results.js";

/** What answers a ready-made input: a session of the float model, here or in a worker. */
export interface Reference {
  /** See `Session.detectInput`. */
  detectInput(input: Uint8Array, options?: { readonly stages?: number }): Promise<readonly StageResult[]>;
}

/**
 * Distances from the float model's landmarks: stages that ran × landmarks, NE units of the picture or box.
 *
 * NaN for landmarks that do not count: those that the frame's category does not have. Where the device found the
 * category, those of the category that the float model finds count, as far as the device's has them too; all of them
 * where it has none, so that a device which no longer sees garments is noticed. Where the float model finds no
 * garment, nothing counts. It runs as many stages as the device did. Errors are those of `Session.detectInput`.
 */
export async function disagreementOf(trace: Trace, reference: Reference): Promise<Float64Array[]> {
  const stages = trace.landmarks.length;
  const { labelled, categoryScore } = trace.detection;
  const results = await reference.detectInput(trace.input, { stages });
  const wanted = results[stages - 1];
  let counted = labelled;
  if (categoryScore !== null && wanted.categoryScore !== null) {
    const both = wanted.labelled.map((is, i) => is && labelled[i]);
    counted = both.includes(true) ? both : wanted.labelled;
  }
  const size = [trace.fit.width, trace.fit.height];
  return trace.landmarks.map((landmarks, stage) =>
    normalizedError(landmarks, results[stage].landmarks, size).map((error, i) => (counted[i] ? error : Number.NaN)),
  );
}
