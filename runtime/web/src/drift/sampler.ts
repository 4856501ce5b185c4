/** Which frames are also run through the float model: at random, whatever is in them. */

import { UsageError } from "../errors.js";

// Weight of the newest measurement of a frame's interval and of a comparison's cost.
const NEWEST = 0.1;

/** How to draw; exactly one of the first two is given. See `ShadowOptions`. */
export interface SamplerOptions {
  readonly rate?: number | undefined;
  readonly budgetMsPerMinute?: number | undefined;
  readonly spacingS: number;
  /** Numbers from 0 to below 1; `Math.random` unless given. */
  readonly random?: (() => number) | undefined;
  /** Seconds, from any beginning; the platform's monotonic clock unless given. */
  readonly clock?: (() => number) | undefined;
}

/**
 * Draws frames with probability `rate`, or with one that spends a budget of comparing time.
 *
 * A frame is drawn by a random number and the clock only. Were it drawn by its content, or when the device has time,
 * the mean of the drawn frames would not be that of all.
 */
export class Sampler {
  readonly #options: SamplerOptions;
  readonly #random: () => number;
  readonly #clock: () => number;
  #lastFrame: number | null = null;
  #next = Number.NEGATIVE_INFINITY;
  #interval: number | null = null;
  #cost: number | null = null;

  /** @throws UsageError a number is out of range, or both or neither of rate and budget are given. */
  constructor(options: SamplerOptions) {
    const { rate, budgetMsPerMinute: budget, spacingS, random = Math.random } = options;
    if ((rate === undefined) === (budget === undefined)) {
      throw new UsageError("give a rate or a budget for the shadow comparison, not both and not neither");
    }
    if (rate !== undefined && !(rate >= 0 && rate <= 1)) {
      throw new UsageError(`rate is ${rate}; expected the share of frames to compare, 0 to 1`);
    }
    if (budget !== undefined && !(budget >= 0 && budget <= 60_000)) {
      throw new UsageError(`the budget is ${budget} ms per minute; expected 0 to 60000`);
    }
    if (!(spacingS >= 0)) {
      throw new UsageError(`spacingS is ${spacingS}; expected seconds between compared frames, 0 or more`);
    }
    this.#options = options;
    this.#random = random;
    this.#clock = options.clock ?? (() => performance.now() / 1e3);
  }

  /** Whether this frame is compared. Call it once for every frame. */
  draw(): boolean {
    const now = this.#clock();
    if (this.#lastFrame !== null) {
      this.#interval = smoothed(this.#interval, now - this.#lastFrame);
    }
    this.#lastFrame = now;
    const drawn = this.#random() < this.probability && now >= this.#next;
    if (drawn) {
      this.#next = now + this.#options.spacingS;
    }
    return drawn;
  }

  /** That the next frame is drawn; under a budget 0 until the interval of frames and the cost are known. */
  get probability(): number {
    const { rate, budgetMsPerMinute = 0 } = this.#options;
    if (rate !== undefined) {
      return rate;
    }
    if (this.#interval === null || this.#cost === null) {
      return 0;
    }
    // Comparisons each minute that the budget allows, over frames each minute.
    return Math.min(1, ((budgetMsPerMinute / 1e3 / 60) * this.#interval) / Math.max(this.#cost, 1e-6));
  }

  /** Learn what a comparison costs. */
  spent(seconds: number): void {
    this.#cost = smoothed(this.#cost, seconds);
  }
}

function smoothed(before: number | null, newest: number): number {
  return before === null ? newest : before + NEWEST * (newest - before);
}
