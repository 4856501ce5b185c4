/**
 * Bounds on a mean, and an alarm on it, that hold at every moment and not only at one sample size chosen beforehand.
 *
 * A bettor puts a share of their capital on "the mean is larger than m". If the mean is not, no bet has a gain on
 * average: the capital is a nonnegative supermartingale that starts at 1, and by Ville's inequality the probability
 * that it *ever* reaches 1/α is at most α. That is all the statistics there is here; there is no assumption about the
 * shape of the distribution. After Waudby-Smith and Ramdas, "Estimating means of bounded random variables by betting",
 * JRSS-B 86, 2024. What is needed: the mean of the next value, given all values before it, is as claimed.
 */

import { pairwiseSum } from "./sum.js";

/** (bets,) the shares that are bet, side by side: whether a shift is large or small is not known beforehand. */
export const BETS: readonly number[] = Array.from({ length: 8 }, (_, i) => 0.99 * 0.5 ** i);

// Capital is not counted further than this; not counting a gain keeps it a supermartingale.
const MOST = 1e100;
// How late the alarm expects a change: see `ChangeAlarm.waiting`.
const START_SCALE = 100;

const MEANS = 96;

/**
 * Evidence that a mean which should be at most 1 has at some time become larger.
 *
 * One bettor starts before every value, with a part of the capital that was set aside at the beginning; what has not
 * started keeps its value. The sum is still a supermartingale that starts at 1, and it needs no more memory than one
 * number a bet. A single bettor who had lost most of it in a long healthy time would be slow to notice a change.
 * These are the e-detectors of Shin, Ramdas and Rinaldo, 2023, with start weights that sum to 1: they bound the
 * probability that there is ever a false alarm, not only the time between two. The price is a delay that grows as the
 * logarithm of the stream's age.
 */
export class ChangeAlarm {
  /** Values seen so far. */
  count = 0;
  /** (bets,) capital of the bettors that have started. */
  readonly started = new Float64Array(BETS.length);

  /**
   * Take the next value, 0 or more, and return the evidence.
   *
   * If all means are at most 1, the probability that the evidence ever reaches 1/α is at most α.
   */
  update(load: number): number {
    const starting = ChangeAlarm.waiting(this.count) - ChangeAlarm.waiting(this.count + 1);
    this.count += 1;
    for (let i = 0; i < BETS.length; i++) {
      this.started[i] = Math.min((this.started[i] + starting) * (1 + BETS[i] * (load - 1)), MOST);
    }
    return this.evidence();
  }

  /** Capital of all bettors together; 1 before the first value. */
  evidence(): number {
    return pairwiseSum(this.started) / BETS.length + ChangeAlarm.waiting(this.count);
  }

  /** The capital that has not started after `count` values: 1/(1 + log(1 + count/100)). */
  static waiting(count: number): number {
    return 1 / (1 + Math.log1p(count / START_SCALE));
  }
}

/**
 * A confidence sequence for the mean of values between 0 and `cap`: with probability 1 − α it holds at all times.
 *
 * For every mean on a grid two bettors bet that it is larger, or smaller. Means against which a bettor reached 2/α are
 * excluded. `update` costs the same for every value, and nothing grows.
 */
export class MeanBounds {
  /** (means,) ascending; a bound is one of them, 0, or `cap`, so at most 8 % from the exact one. */
  readonly grid: Float64Array;
  /** (bets × means) capital of the bettors on a larger mean, starting from 1. */
  readonly above = new Float64Array(BETS.length * MEANS).fill(1);
  /** (bets × means) of those on a smaller one. */
  readonly below = new Float64Array(BETS.length * MEANS).fill(1);
  /** Of the values. */
  count = 0;
  total = 0;

  constructor(
    readonly cap: number,
    readonly alpha: number,
  ) {
    // numpy's geomspace(cap / 2500, cap, 97), without its last.
    const first = Math.log10(cap / 2500);
    const step = (Math.log10(cap) - first) / MEANS;
    this.grid = Float64Array.from({ length: MEANS }, (_, i) => (i === 0 ? cap / 2500 : 10 ** (i * step + first)));
  }

  /** Take the next value, 0 or more; one over `cap` counts as `cap`. */
  update(value: number): void {
    const { above, below, cap, grid } = this;
    const capped = Math.min(value, cap);
    this.count += 1;
    this.total += capped;
    for (let at = 0; at < above.length; at++) {
      const bet = BETS[Math.floor(at / MEANS)];
      const mean = grid[at % MEANS];
      // On average at most 1, where the mean of the values is at most `mean`; and where it is at least that.
      above[at] = Math.min(above[at] * (1 + bet * (capped / mean - 1)), MOST);
      below[at] = Math.min(below[at] * (1 + bet * ((mean - capped) / (cap - mean))), MOST);
    }
  }

  /** Mean of the values; NaN before the first. */
  get estimate(): number {
    return this.total / this.count;
  }

  /** The mean is at least this. */
  get lower(): number {
    for (let i = MEANS - 1; i >= 0; i--) {
      if (this.#excluded(this.above, i)) {
        return this.grid[i];
      }
    }
    return 0;
  }

  /** The mean is at most this. */
  get upper(): number {
    return this.grid.find((_, i) => this.#excluded(this.below, i)) ?? this.cap;
  }

  #excluded(capital: Float64Array, mean: number): boolean {
    let sum = 0;
    for (let at = mean; at < capital.length; at += MEANS) {
      sum += capital[at];
    }
    return sum / BETS.length >= 2 / this.alpha;
  }
}
