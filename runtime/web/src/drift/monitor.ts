/**
 * Has this device drifted from the float model? A verdict whose false alarms are promised to be rare, without labels.
 *
 * What it watches is the *disagreement* of a frame: the distance between the device's and the float model's landmarks
 * at the stage that answered, each capped at `CAP`, averaged over the frame's landmarks. What it promises (α =
 * `alpha`):
 *
 * - *Alarm.* If, for every stage, the mean disagreement of the next frame, whatever came before, is at most that
 *   stage's limit, the probability that the verdict *ever* becomes "drifted" is at most α. This one test is the
 *   guarantee; means by stage and landmark, proxies and the fast alarms are descriptions.
 * - *Certificate.* With probability 1 − α, at all times: NE lies within `upper` of the float model's, if an error over
 *   `CAP` counts as `CAP`. For | min(|q−g|, c) − min(|f−g|, c) | ≤ min(|q−f|, c). It speaks of one mean, so of a device
 *   and pictures that stay what they are, and says nothing any more once the verdict is "drifted".
 *
 * Frames of a scene that does not change are not new evidence: see docs/drift.md.
 */

import type { Verdict } from "../check/self-check.js";
import { DataError, UsageError } from "../errors.js";
import { ChangeAlarm, MeanBounds } from "./betting.js";
import { type DriftLimit, driftLimits, type LimitedBundle, TOLERANCE } from "./limits.js";
import {
  decodeNumbers,
  decodeState,
  encodeNumbers,
  type FastState,
  type Means,
  type MonitorState,
} from "./monitor-state.js";
import { PageHinkley } from "./page-hinkley.js";
import type { MonitorReport, PartMean } from "./report.js";
import type { StateStore } from "./store.js";
import { pairwiseSum } from "./sum.js";

/** NE units: a landmark a quarter of the picture away is lost, how far does not matter. */
export const CAP = 0.25;

// Evidence that would be reached by chance this many times as often as the alarm is worth a warning.
const WARNING_SHARE = 10;
// Fast alarms, on loads and on peak heights (0 to 1): what is small change, and how much in all is a fault.
const LOAD_SLACK = 1;
const LOAD_THRESHOLD = 150;
const PEAK_SLACK = 0.05;
const PEAK_THRESHOLD = 5;
const PROXIES = ["peak height", "stage movement", "flip"] as const;
// Weight of the newest frame in a recent mean.
const RECENT = 0.01;
const VERSION = 1;

export interface MonitorOptions {
  /** What is watched, such as a bundle's digest; a saved state of another subject is refused. */
  subject?: string;
  /** Promised false-alarm probability; 0.01 unless given. */
  alpha?: number;
}

/** Fed by golden self-checks, shadow samples and frames. It does not grow, however many there are. */
export class DriftMonitor {
  /** By stage. */
  readonly limits: readonly DriftLimit[];
  readonly landmarks: readonly string[];
  readonly subject: string;
  readonly alpha: number;
  #golden!: Verdict | null;
  #failures!: number;
  #failing!: string | null;
  #alarm!: ChangeAlarm;
  #most!: number;
  #alarmSample!: number | null;
  #bounds!: MeanBounds;
  // Sums, then counts, of capped distances: by stage, and by landmark at the stage that answered.
  #byStage!: Float64Array;
  #byLandmark!: Float64Array;
  #proxies!: Record<string, Means>;
  #fastLoad!: PageHinkley;
  #fastPeak!: PageHinkley;

  /**
   * See `ofBundle` for one whose limits come from a bundle.
   *
   * @param limits largest healthy mean disagreement of every stage, NE units.
   * @param landmarks their names.
   * @throws UsageError a limit or alpha is out of range.
   */
  constructor(limits: readonly (number | DriftLimit)[], landmarks: readonly string[], options: MonitorOptions = {}) {
    const { subject = "", alpha = 0.01 } = options;
    if (!(alpha > 0 && alpha < 1)) {
      throw new UsageError(`alpha is ${alpha}; expected a probability between 0 and 1, such as 0.01`);
    }
    this.limits = limits.map((limit) => (typeof limit === "number" ? { value: limit, source: "given" } : limit));
    const values = this.limits.map((limit) => limit.value);
    if (values.length === 0 || !values.every((value) => value > 0 && value < CAP)) {
      throw new UsageError(
        `limits are [${values.join(", ")}]; expected one for each stage, NE units over 0 and below ${CAP}`,
      );
    }
    this.landmarks = [...landmarks];
    this.subject = subject;
    this.alpha = alpha;
    this.reset();
  }

  /** With the limits of `driftLimits`, which may be wider by a `tolerance` of yours. Throws as that does. */
  static async ofBundle(
    bundle: LimitedBundle & { readonly digest: string; readonly schema: { readonly landmarks: readonly string[] } },
    { tolerance = TOLERANCE, alpha = 0.01 }: { tolerance?: number; alpha?: number } = {},
  ): Promise<DriftMonitor> {
    const limits = await driftLimits(bundle, tolerance);
    return new DriftMonitor(limits, bundle.schema.landmarks, { subject: bundle.digest, alpha });
  }

  /** Forget everything, for example after the cause was repaired. The promise starts anew as well. */
  reset(): void {
    this.#golden = this.#failing = this.#alarmSample = null;
    this.#failures = 0;
    this.#alarm = new ChangeAlarm();
    this.#most = 1;
    this.#bounds = new MeanBounds(CAP, this.alpha);
    this.#byStage = new Float64Array(2 * this.limits.length);
    this.#byLandmark = new Float64Array(2 * this.landmarks.length);
    this.#proxies = Object.fromEntries(PROXIES.map((name) => [name, [0, 0, 0]]));
    this.#fastLoad = new PageHinkley(LOAD_SLACK, LOAD_THRESHOLD);
    this.#fastPeak = new PageHinkley(PEAK_SLACK, PEAK_THRESHOLD);
  }

  /** Another one of the same limits, names, subject and alpha that knows nothing yet but, if given, `golden`. */
  anew({ golden = null }: { golden?: Verdict | null } = {}): DriftMonitor {
    const other = new DriftMonitor(this.limits, this.landmarks, this);
    other.#golden = golden;
    return other;
  }

  /** Take the outcome of a self-check. */
  addGolden(report: { readonly verdict: Verdict }): void {
    this.#golden = report.verdict;
  }

  /**
   * Take one frame's distances from the float model.
   *
   * @param disagreement stages that ran × landmarks, NE units, 0 or more; NaN for landmarks that the frame's garment
   *   does not have, the same at every stage. The last row is the stage that answered.
   * @throws DataError the shape does not fit, no landmark is compared, or a distance is negative.
   */
  addShadow(disagreement: readonly ArrayLike<number>[]): void {
    const stages = disagreement.length;
    const count = this.landmarks.length;
    if (stages < 1 || stages > this.limits.length || disagreement.some((row) => row.length !== count)) {
      throw new DataError(
        `disagreement has rows of ${disagreement.map((row) => row.length)}; expected 1 to ${this.limits.length} stages × ` +
          `${count} landmarks`,
      );
    }
    const known = Array.from(disagreement[stages - 1], (distance) => !Number.isNaN(distance));
    const wrong = (row: ArrayLike<number>) => known.some((is, i) => (is ? !(row[i] >= 0) : !Number.isNaN(row[i])));
    if (!known.includes(true) || disagreement.some(wrong)) {
      throw new DataError(
        "expected a distance of 0 or more for at least one landmark, for the same ones at every stage",
      );
    }
    const capped = disagreement.map((row) => known.map((is, i) => (is ? Math.min(row[i], CAP) : 0)));
    const answer = capped[stages - 1].filter((_, i) => known[i]);
    const value = pairwiseSum(answer) / answer.length;
    const load = value / this.limits[stages - 1].value;
    this.#failing = null;
    this.#most = Math.max(this.#most, this.#alarm.update(load));
    if (this.#alarmSample === null && this.#most >= 1 / this.alpha) {
      this.#alarmSample = this.#alarm.count;
    }
    this.#bounds.update(value);
    capped.forEach((row, stage) => {
      this.#byStage[stage] += pairwiseSum(row);
      this.#byStage[this.limits.length + stage] += answer.length;
    });
    known.forEach((is, i) => {
      this.#byLandmark[i] += capped[stages - 1][i];
      this.#byLandmark[count + i] += Number(is);
    });
    this.#fastLoad.update(load);
  }

  /**
   * Take what any frame shows without a float model.
   *
   * @param scores (at least one landmark,) peak heights, 0 to 1, of the landmarks that count.
   * @param movement mean distance between the last two stages' landmarks, NE units, if both are known.
   */
  addFrame(scores: ArrayLike<number>, movement: number | null = null): void {
    let height = 0;
    for (let i = 0; i < scores.length; i++) {
      height += scores[i];
    }
    height /= scores.length;
    this.#addProxy("peak height", height);
    this.#fastPeak.update(-height);
    if (movement !== null) {
      this.#addProxy("stage movement", movement);
    }
  }

  /** Take a frame's mean distance between its landmarks and those of its mirror image (`flipConsistency`). */
  addFlip(distance: number): void {
    this.#addProxy("flip", distance);
  }

  /** Take note that a frame could not be compared, or not logged. One that sees nothing must not say "ok". */
  addFailure(message: string): void {
    this.#failures += 1;
    this.#failing = message;
  }

  /** That of `report`, for every frame: it costs next to nothing. */
  get verdict(): Verdict {
    return this.#judge()[0];
  }

  /** Everything that is known now. */
  report(): MonitorReport {
    const [verdict, reason] = this.#judge();
    const { count: samples, estimate, lower, upper } = this.#bounds;
    return {
      verdict,
      reason,
      samples,
      alpha: this.alpha,
      evidence: this.#alarm.evidence(),
      mostEvidence: this.#most,
      alarmSample: this.#alarmSample,
      estimate: samples > 0 ? estimate : null,
      lower,
      upper,
      certified: samples > 0 && verdict !== "drifted" ? upper : null,
      limits: this.limits,
      golden: this.#golden,
      fastAlarms: this.#fastAlarms(),
      failures: this.#failures,
      stages: partMeans(
        this.limits.map((_, i) => `${i + 1}`),
        this.#byStage,
      ),
      landmarks: partMeans(this.landmarks, this.#byLandmark),
      proxies: PROXIES.map((name) => {
        const [count, mean, recent] = this.#proxies[name];
        return { name, mean: count > 0 ? mean : null, recent: count > 0 ? recent : null, count };
      }),
    };
  }

  /** Keep all that is known, under the subject, so that evidence survives a restart. Throws what the store throws. */
  async save(store: StateStore): Promise<void> {
    await store.save(this.#key, this.state());
  }

  /**
   * Go on from what `save` kept. A promise that begins anew at every restart is one for each restart.
   *
   * @returns whether anything was kept.
   * @throws DataError it is no state, or that of other limits or alpha; nothing has changed then.
   */
  async load(store: StateStore): Promise<boolean> {
    const content = await store.load(this.#key);
    if (content !== null) {
      this.restore(content, this.#key);
    }
    return content !== null;
  }

  /** What `save` keeps, JSON; the Python runtime's `DriftMonitor.load` reads it too. */
  state(): string {
    return JSON.stringify(this.#state());
  }

  /** Go on from what `state` gave, here or in Python; `where` is said in errors, which are DataErrors as of `load`. */
  restore(content: string, where: string): void {
    const state = decodeState(content, where);
    const mine = this.#state();
    for (const name of ["version", "subject", "limits", "landmarks", "alpha"] as const) {
      if (JSON.stringify(state[name]) !== JSON.stringify(mine[name])) {
        throw new DataError(
          `${where} is the state of another version, bundle, limits or alpha; remove it to start anew`,
        );
      }
    }
    const arrays = Object.entries(this.#arrays());
    const found = arrays.map(([name, array]) => decodeNumbers(state.arrays[name], array.length));
    const whole =
      Object.keys(state.arrays).length === arrays.length &&
      Object.keys(state.proxies).length === PROXIES.length &&
      PROXIES.every((name) => name in state.proxies);
    if (!whole || found.includes(null)) {
      throw new DataError(`${where} is no whole state of a drift monitor; remove it to start anew`);
    }
    arrays.forEach(([, array], i) => {
      array.set(found[i]!);
    });
    this.#golden = state.golden;
    this.#alarmSample = state.alarm_sample;
    this.#most = state.most_evidence;
    this.#alarm.count = this.#bounds.count = state.samples;
    this.#bounds.total = state.total;
    [this.#fastLoad, this.#fastPeak].forEach((alarm, i) => {
      [alarm.count, alarm.mean, alarm.excess, alarm.fired] = state.fast[i];
    });
    this.#proxies = state.proxies;
  }

  get #key(): string {
    return `drift monitor ${this.subject}`;
  }

  #state(): MonitorState {
    return {
      version: VERSION,
      subject: this.subject,
      limits: this.limits.map((limit) => limit.value),
      landmarks: this.landmarks,
      alpha: this.alpha,
      golden: this.#golden,
      alarm_sample: this.#alarmSample,
      most_evidence: this.#most,
      samples: this.#bounds.count,
      total: this.#bounds.total,
      fast: [fastState(this.#fastLoad), fastState(this.#fastPeak)],
      proxies: this.#proxies,
      arrays: Object.fromEntries(Object.entries(this.#arrays()).map(([name, array]) => [name, encodeNumbers(array)])),
    };
  }

  /** The arrays themselves, to be written into. */
  #arrays(): Record<string, Float64Array> {
    return {
      started: this.#alarm.started,
      above: this.#bounds.above,
      below: this.#bounds.below,
      by_stage: this.#byStage,
      by_landmark: this.#byLandmark,
    };
  }

  #judge(): [Verdict, string] {
    const evidence = this.#alarm.evidence();
    const enough = (1 / this.alpha).toFixed(0);
    if (this.#alarmSample !== null) {
      return [
        "drifted",
        "the mean disagreement with the float model is over its limit: the evidence reached " +
          `${enough} at sample ${this.#alarmSample}`,
      ];
    }
    if (this.#golden === "drifted") {
      return ["drifted", "a golden case disagrees with the float model more than its limit"];
    }
    if (evidence >= 1 / (WARNING_SHARE * this.alpha)) {
      return ["warning", `evidence ${evidence.toFixed(1)} of the ${enough} that would be an alarm`];
    }
    if (this.#golden === "warning") {
      return ["warning", "a golden case is near its limit"];
    }
    if (this.#failing !== null) {
      return ["warning", `the last comparison or its log entry failed (${this.#failures} in all): ${this.#failing}`];
    }
    const fast = this.#fastAlarms();
    return fast.length > 0 ? ["warning", `fast alarm (promises nothing): ${fast.join(", ")}`] : ["ok", ""];
  }

  #fastAlarms(): string[] {
    return [...(this.#fastLoad.fired ? ["disagreement"] : []), ...(this.#fastPeak.fired ? ["peak height"] : [])];
  }

  #addProxy(name: (typeof PROXIES)[number], value: number): void {
    const [before, mean, recent] = this.#proxies[name];
    const count = before + 1;
    const weight = Math.max(1 / count, RECENT);
    this.#proxies[name] = [count, mean + (value - mean) / count, recent + (value - recent) * weight];
  }
}

/** Of sums, then counts. */
function partMeans(names: readonly string[], sums: Float64Array): PartMean[] {
  return names.map((name, i) => {
    const count = sums[names.length + i];
    return { name, mean: count > 0 ? sums[i] / count : null, count };
  });
}

function fastState(alarm: PageHinkley): FastState {
  return [alarm.count, alarm.mean, alarm.excess, alarm.fired];
}
