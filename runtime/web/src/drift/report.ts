/** What a `DriftMonitor` says. */

import type { Verdict } from "../check/self-check.js";
import type { DriftLimit } from "./limits.js";

/** Mean capped disagreement of one landmark or stage, NE units; null where it was in no frame. */
export interface PartMean {
  readonly name: string;
  readonly mean: number | null;
  readonly count: number;
}

/** Something that needs no float model: its mean over all frames, and over about the last hundred. */
export interface Proxy {
  readonly name: string;
  readonly mean: number | null;
  readonly recent: number | null;
  readonly count: number;
}

/** What a `DriftMonitor` knows: plain values, all of them finite, so that JSON can have it. */
export interface MonitorReport {
  /**
   * "drifted": the alarm fired or a golden case failed, until `DriftMonitor.reset`. "warning": a tenth of the alarm's
   * evidence, a golden case near its limit, a failed comparison, or a fast alarm. Otherwise "ok", also before any
   * sample.
   */
  readonly verdict: Verdict;
  /** Of a verdict that is not "ok"; one line. */
  readonly reason: string;
  /** Frames that were compared with the float model. */
  readonly samples: number;
  /** Promised false-alarm probability; also that of `lower` and `upper` together. */
  readonly alpha: number;
  /** Of the alarm now; 1 at the start. It fires at 1/α. */
  readonly evidence: number;
  /** The most that there ever was. */
  readonly mostEvidence: number;
  /** The sample at which the alarm fired; null if it did not. */
  readonly alarmSample: number | null;
  /** Mean disagreement of all samples, NE units; null before the first. */
  readonly estimate: number | null;
  /** Bounds of that mean, valid at all times. */
  readonly lower: number;
  readonly upper: number;
  /** NE is within this of the float model's (see `monitor`); null before a sample or after the alarm. */
  readonly certified: number | null;
  /** By stage. */
  readonly limits: readonly DriftLimit[];
  /** Verdict of the last self-check; null without. */
  readonly golden: Verdict | null;
  /** Which fired, of "disagreement" and "peak height". They promise nothing. */
  readonly fastAlarms: readonly string[];
  /** Comparisons that failed since the monitor was made; a reason tells the last. */
  readonly failures: number;
  /** Descriptive means. */
  readonly stages: readonly PartMean[];
  readonly landmarks: readonly PartMean[];
  /** "peak height", "stage movement", "flip". */
  readonly proxies: readonly Proxy[];
}
