/** How a bundle's pieces are loaded. */

import { UsageError } from "../errors.js";

/** Engines crash when asked for absurdly many. */
export const MOST_THREADS = 256;

export interface LoadOptions {
  /** For the engine to use; left out: the engine decides. */
  readonly threads?: number | null | undefined;
  /** Load only the first so many stages; left out: all. */
  readonly stages?: number | null | undefined;
  /** Milliseconds from any beginning; left out: `performance.now`. Deadlines and timings are by it. */
  readonly clock?: (() => number) | undefined;
}

/** @throws UsageError there cannot be so many. */
export function checkThreads(threads: number | null | undefined): void {
  if (threads != null && !(Number.isInteger(threads) && threads >= 1 && threads <= MOST_THREADS)) {
    throw new UsageError(`threads is ${threads}; expected 1 to ${MOST_THREADS}, or nothing: the engine decides then`);
  }
}
