/** How long a piece of work takes on this device, learnt from having done it. */

/** The piece of work that is no piece of the network. */
export const DECODE = "decode";

const MEMORY = 64;
const QUANTILE = 0.95;

/** The last measured times of each piece, and a cautious prediction from them. */
export class Pace {
  readonly #times = new Map<string, number[]>();

  /** Remember one measurement, in seconds; only the last 64 count. */
  record(name: string, seconds: number): void {
    const times = this.#times.get(name) ?? [];
    times.push(seconds);
    if (times.length > MEMORY) {
      times.shift();
    }
    this.#times.set(name, times);
  }

  /** The 95 % quantile of the remembered times (nearest rank), seconds; 0 if there are none. */
  predict(name: string): number {
    const times = Float64Array.from(this.#times.get(name) ?? []).sort();
    return times.length ? times[Math.ceil(QUANTILE * times.length) - 1]! : 0;
  }
}
