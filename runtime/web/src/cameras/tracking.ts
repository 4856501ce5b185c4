/** Landmarks on video: look where the garment was in the last frame, and smooth what is found. */

import { UsageError } from "../errors.js";
import { type ImageSource, pictureOf } from "../pixels/source.js";
import type { Box, Detection, DetectOptions, Detector } from "../stages/results.js";
import { Smoother, type Smoothing, type Steady } from "./smoothing.js";

const LEAST_PX = 16; // a smaller region shows nothing

/** How the region of the next frame is chosen. */
export interface Cropping {
  /** Added on every side of the landmarks' box, as a share of its longer side. */
  readonly margin: number;
  /**
   * How far an edge goes inwards to its wanted place with each frame, over 0 to 1; outwards it goes at once, so that the
   * region never cuts off a garment that moves.
   */
  readonly follow: number;
  /** The share of the category's landmarks that must be clear; with fewer, the next frame is seen whole. */
  readonly clear: number;
  /** After so many frames in a region one is seen whole; 0 for never. */
  readonly wholeEvery: number;
}

const DEFAULTS: Cropping = { margin: 0.5, follow: 0.3, clear: 0.5, wholeEvery: 0 };

/** The smoothed landmarks of one frame of a video, and where they come from. */
export interface Tracked extends Steady {
  /** The region that the network saw; null for the whole frame. */
  readonly box: Box | null;
  /** What was found in this frame, before smoothing. */
  readonly detection: Detection;
}

export interface TrackerOptions {
  readonly category?: string | undefined;
  /** What of it is left out has its default. */
  readonly smoothing?: Partial<Smoothing> | undefined;
  /** Left out, every frame is seen whole; `{}` for the default settings. */
  readonly cropping?: Partial<Cropping> | undefined;
}

/** One video through a session, or what else detects. Several may share it. */
export class Tracker {
  readonly #detector: Detector;
  readonly #category: string | undefined;
  readonly #smoother: Smoother;
  readonly #cropping: Cropping | null;
  #box: Box | null = null;
  #cropped = 0;

  /** @throws UsageError a setting is out of range. */
  constructor(detector: Detector, { category, smoothing, cropping }: TrackerOptions = {}) {
    this.#detector = detector;
    this.#category = category;
    this.#smoother = new Smoother(smoothing);
    this.#cropping = cropping ? { ...DEFAULTS, ...cropping } : null;
    const { margin, follow, clear, wholeEvery } = this.#cropping ?? DEFAULTS;
    if (!(margin >= 0 && margin < 10 && follow > 0 && follow <= 1 && clear >= 0 && clear <= 1 && wholeEvery >= 0)) {
      throw new UsageError(
        `margin ${margin}, follow ${follow}, clear ${clear}, wholeEvery ${wholeEvery}; expected a margin of 0 to 10, ` +
          "follow over 0 to 1, clear from 0 to 1, wholeEvery from 0",
      );
    }
  }

  /** Forget the frames so far. */
  reset(): void {
    this.#smoother.reset();
    this.#box = null;
    this.#cropped = 0;
  }

  /**
   * Find the landmarks of the next frame, when that of the one before is there.
   *
   * @param timeS as for `Smoother.update`.
   * @param options as for `Session.detect`.
   * @throws as these two.
   */
  async detect(
    frame: ImageSource,
    timeS: number,
    options: Pick<DetectOptions, "stages" | "deadlineMs" | "convergePx"> = {},
  ): Promise<Tracked> {
    const seen = sizeOf(frame) ? frame : await pictureOf(frame);
    const size = sizeOf(seen)!;
    const box = this.#box;
    const found = await this.#detector.detect(seen, { ...options, category: this.#category, box });
    const side = box ? Math.max(box[2] - box[0], box[3] - box[1]) : Math.max(...size);
    // Landmarks that the category does not have are never clear.
    const scores = found.scores.map((score, i) => (found.labelled[i] ? score : -1));
    const steady = this.#smoother.update(found.landmarks, scores, timeS, side);
    if (this.#cropping) {
      const least = Math.fround(this.#smoother.settings.clear);
      const clear = [...scores.keys()].filter((i) => found.labelled[i] && scores[i] >= least);
      const labelled = found.labelled.filter(Boolean).length;
      const enough = clear.length >= Math.max(2, this.#cropping.clear * labelled);
      // The smoothed ones: a region that trembles makes landmarks tremble.
      const points = clear.map((i) => [steady.landmarks[2 * i], steady.landmarks[2 * i + 1]] as const);
      this.#box = this.#nextBox(this.#cropping, enough ? points : null, steady.restarted ? null : box, size);
    }
    return { ...steady, box, detection: found };
  }

  /** The region around these points (pixel centres), coming from `box`. */
  #nextBox(
    { margin, follow, wholeEvery }: Cropping,
    points: (readonly [number, number])[] | null,
    box: Box | null,
    size: readonly [number, number],
  ): Box | null {
    if (!points || (wholeEvery > 0 && this.#cropped === wholeEvery)) {
      this.#cropped = 0;
      return null;
    }
    this.#cropped += 1;
    const extent = [0, 1].map((axis) => {
      const places = points.map((point) => point[axis]);
      return [Math.min(...places) + 0.5, Math.max(...places) + 0.5] as const;
    });
    const pad = margin * Math.max(...extent.map(([low, high]) => high - low));
    const edge = (at: number): number => {
      const axis = at % 2;
      const outwards = at < 2 ? Math.min : Math.max;
      let wanted = at < 2 ? extent[axis][0] - pad : extent[axis][1] + pad;
      if (box) {
        wanted = outwards(wanted, box[at] + follow * (wanted - box[at]));
      }
      return Math.min(Math.max(wanted, 0), size[axis]);
    };
    const next: Box = [edge(0), edge(1), edge(2), edge(3)];
    return Math.min(next[2] - next[0], next[3] - next[1]) >= LEAST_PX ? next : null;
  }
}

/** Width and height, pixels; null where that is not known before it is read. */
function sizeOf(image: ImageSource): readonly [number, number] | null {
  const { videoWidth, videoHeight, naturalWidth, naturalHeight, displayWidth, displayHeight, width, height } =
    image as unknown as Record<string, number | undefined>;
  const across = videoWidth ?? naturalWidth ?? displayWidth ?? width;
  const down = videoHeight ?? naturalHeight ?? displayHeight ?? height;
  return across === undefined || down === undefined ? null : [across, down];
}
