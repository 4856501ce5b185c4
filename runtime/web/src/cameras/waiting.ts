/** What a call waited before `detect` counts towards its deadline. */

import type { StageOptions } from "../stages/results.js";

/** Options of `detect` after `waitedMs` of waiting, with the deadline from now. One that `detect` refuses stays as it is. */
export function takenOff<Options extends StageOptions>(options: Options, waitedMs: number): Options {
  const { deadlineMs } = options;
  return deadlineMs != null && deadlineMs > 0
    ? { ...options, deadlineMs: Math.max(0, deadlineMs - Math.max(0, waitedMs)) }
    : options;
}
