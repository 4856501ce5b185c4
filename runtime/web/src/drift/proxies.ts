/** What says something about a device's answers without labels and without a float model: movement, mirror images. */

import type { LandmarkSchema } from "../bundle/manifest.js";
import { normalizedError } from "../pixels/metrics.js";
import { unpairedSides } from "../pixels/sides.js";
import { type ImageSource, pictureOf } from "../pixels/source.js";
import type { Detector, Trace } from "../stages/results.js";
import { pairwiseSum } from "./sum.js";

/**
 * How far the labelled landmarks moved between the last two stages: mean, NE units of the picture or box.
 *
 * null where only one stage ran, or no garment was found.
 */
export function stageMovement(trace: Trace): number | null {
  const [before, after] = trace.landmarks.slice(-2);
  return after ? meanOf(after, before, [trace.fit.width, trace.fit.height], trace.detection.labelled) : null;
}

/**
 * How far the answer for the mirror image is from the mirror image of the answer: mean, NE units.
 *
 * Over the landmarks of the category; of the one found in the picture as it is, where none is given. null where no
 * garment was found, or the schema leaves sides unpaired. It costs two detections, so it is done only when asked.
 * Errors are those of `Session.detect`.
 */
export async function flipConsistency(
  session: Detector & { readonly schema: LandmarkSchema },
  image: ImageSource,
  category?: string | null,
): Promise<number | null> {
  const picture = await pictureOf(image);
  const { data, width, height, channels } = picture;
  const { landmarks, flip } = session.schema;
  const straight = await session.detect(picture, { category });
  if (!straight.labelled.includes(true) || unpairedSides(landmarks, flip).length > 0) {
    return null;
  }
  const row = width * channels;
  const mirror = data.map((_, at) => {
    const across = at % row;
    const channel = across % channels;
    return data[at - across + row - channels - (across - channel) + channel];
  });
  const mirrored = await session.detect({ ...picture, data: mirror }, { category });
  // Pixel centres: column x of the mirror image is column width − 1 − x.
  const back = flip.flatMap((other) => [
    Math.fround(width - 1 - mirrored.landmarks[2 * other]),
    mirrored.landmarks[2 * other + 1],
  ]);
  return meanOf(back, straight.landmarks, [width, height], straight.labelled);
}

/** Mean NE of the landmarks that count; null without any. */
function meanOf(
  predicted: ArrayLike<number>,
  truth: ArrayLike<number>,
  size: readonly number[],
  counted: readonly boolean[],
): number | null {
  const errors = normalizedError(predicted, truth, size).filter((_, i) => counted[i]);
  return errors.length > 0 ? pairwiseSum(errors) / errors.length : null;
}
