/** A quick alarm for abrupt faults. It promises nothing about false alarms: `betting`'s `ChangeAlarm` does. */

/**
 * Page-Hinkley test for an increase.
 *
 * It sums by how much values are over their running mean plus `slack`, never below 0, and fires when the sum passes
 * `threshold` (Page, "Continuous inspection schemes", Biometrika 41, 1954; Hinkley, Biometrika 58, 1971).
 */
export class PageHinkley {
  /** Values seen so far. */
  count = 0;
  /** Running mean of the values. */
  mean = 0;
  /** The sum. */
  excess = 0;
  /** Whether it has ever fired. */
  fired = false;

  constructor(
    readonly slack: number,
    readonly threshold: number,
  ) {}

  /** Take the next value; returns `fired`. */
  update(value: number): boolean {
    if (this.count > 0) {
      this.excess = Math.max(0, this.excess + (value - this.mean - this.slack));
    }
    this.count += 1;
    this.mean += (value - this.mean) / this.count;
    this.fired ||= this.excess > this.threshold;
    return this.fired;
  }
}
