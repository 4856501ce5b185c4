/** The shadow comparison: some frames are also run through the float model, beside the device's work. */

import type { Manifest } from "../bundle/manifest.js";
import type { Verdict } from "../check/self-check.js";
import { UsageError } from "../errors.js";
import type { ImageSource } from "../pixels/source.js";
import type { Detection, DetectOptions, Detector, Fallback, Trace } from "../stages/results.js";
import { disagreementOf, type Reference } from "./disagreement.js";
import { type LogEntry, type LogSink, logEntry, logLine } from "./log.js";
import type { DriftMonitor } from "./monitor.js";
import { stageMovement } from "./proxies.js";
import type { MonitorReport } from "./report.js";
import { Sampler } from "./sampler.js";
import { answerer, type StepTaken } from "./steps.js";

/** Seconds between compared frames: twice as long as one person stands before a camera, say (docs/drift.md). */
export const SPACING_S = 120;

// Samples between two entries of the log, where the verdict stays.
const LOG_EVERY = 50;
// A comparison waits so long for a moment in which nothing is detected, milliseconds; and looks for one so often.
const PATIENCE_MS = 2000;
const LOOK_MS = 20;

/** The session that is watched: a `Session`, or one in a worker. */
export interface Watchable extends Detector {
  readonly bundle: { readonly digest: string; readonly manifest: Pick<Manifest, "landmarks" | "geometry"> };
  readonly engine: string;
  readonly engineVersion: string;
  readonly stageLimit: number;
  trace(image: ImageSource, options?: DetectOptions): Promise<Trace>;
}

/** The float model's session, such as one of `Bundle.reference`; in a worker of its own it costs frames no time. */
export interface FloatSession extends Reference {
  readonly bundle: { readonly manifest: Pick<Manifest, "landmarks" | "geometry"> };
  readonly stageLimit: number;
}

export interface ShadowOptions {
  /** Share of the frames to compare; 0.01 if neither this nor a budget is given. */
  readonly rate?: number | undefined;
  /** Time to spend on comparing, instead of a rate. */
  readonly budgetMsPerMinute?: number | undefined;
  /**
   * No two compared frames are nearer than this, whatever rate or budget would allow: frames of one scene are not new
   * evidence, and the alarm's promise does not hold for them. 0 for pictures that have nothing to do with each other.
   */
  readonly spacingS?: number | undefined;
  /** Share of the frames whose earlier stages are decoded, for the proxy "stage movement"; 0.02 unless given. */
  readonly movementRate?: number | undefined;
  /** Numbers from 0 to below 1 that the frames are drawn with; `Math.random` unless given. */
  readonly random?: (() => number) | undefined;
  /** Where the verdict goes, every 50 samples and when it changes. */
  readonly log?: LogSink | undefined;
  /**
   * Resolves when there is time to compare. `requestIdleCallback` unless given, or a timer where there is none; and a
   * timer where what was given fails.
   */
  readonly idle?: (() => Promise<void>) | undefined;
}

/** What became of the frames. */
export interface ShadowCounts {
  /** That were detected. */
  readonly frames: number;
  /** That were to be compared. */
  readonly sampled: number;
  /** That were, those among them in which there was no garment. */
  readonly compared: number;
  /** That a newer one replaced while the float model was busy. */
  readonly replaced: number;
  /** Whose comparison raised an error. */
  readonly failed: number;
}

/** What answers and what learns from it: what one session answered must not count for another. */
interface Watched {
  readonly session: Watchable;
  readonly monitor: DriftMonitor;
  readonly fallback: Fallback | null;
}

/**
 * `detect` as the session does, and a monitor that learns from a sample of the frames.
 *
 * A sampled frame costs the caller a copy of the network's input and decoding the earlier stages. Everything else is
 * done when nothing is being detected and the platform is idle (after two seconds of neither, between two frames), for
 * one frame at a time, and a newer frame takes the place of one that waits. A reference on the same thread keeps that
 * thread while one of its pieces runs; in a worker (`createWorkerSession`) it does not. What goes wrong there is in the
 * monitor's report, and never thrown by `detect`.
 */
export class Shadow implements Detector {
  /** The float model. */
  readonly reference: FloatSession;
  readonly #bundle: Watchable["bundle"];
  readonly #log: LogSink | undefined;
  readonly #idle: () => Promise<void>;
  readonly #sampler: Sampler;
  readonly #movement: Sampler;
  #watched: Watched;
  #verdict: Verdict;
  #waiting: [Watched, Trace] | null = null;
  // Entries that the log does not have yet, and whether there is one that was never tried.
  readonly #steps: LogEntry[] = [];
  #untried = false;
  #unmeasured: boolean;
  #detecting = 0;
  #working: Promise<void> | null = null;
  #closing: Promise<void> | null = null;
  #counts: ShadowCounts = { frames: 0, sampled: 0, compared: 0, replaced: 0, failed: 0 };
  #logged: MonitorReport | null = null;

  /** @throws UsageError the two models do not fit, or a number is out of range. */
  constructor(session: Watchable, reference: FloatSession, monitor: DriftMonitor, options: ShadowOptions = {}) {
    const { budgetMsPerMinute, spacingS = SPACING_S, movementRate = 0.02, random, log, idle = platformIdle } = options;
    const { rate = budgetMsPerMinute === undefined ? 0.01 : undefined } = options;
    const [mine, its] = [session.bundle.manifest, reference.bundle.manifest];
    if (!areEqual(mine.landmarks, its.landmarks) || !areEqual(mine.geometry, its.geometry)) {
      throw new UsageError("the reference has other landmarks or geometry; give the float model of this bundle");
    }
    if (reference.stageLimit < session.stageLimit) {
      throw new UsageError(
        `the reference has ${reference.stageLimit} stages loaded, the session ${session.stageLimit}; load all`,
      );
    }
    if (!(movementRate >= 0 && movementRate <= 1)) {
      throw new UsageError(`movementRate is ${movementRate}; expected a share of the frames, 0 to 1`);
    }
    this.#bundle = session.bundle;
    this.reference = reference;
    this.#log = log;
    this.#idle = idle;
    this.#watched = { session, monitor, fallback: null };
    this.#verdict = monitor.verdict;
    this.#sampler = new Sampler({ rate, budgetMsPerMinute, spacingS, random });
    this.#movement = new Sampler({ rate: movementRate, spacingS: 0, random });
    this.#unmeasured = budgetMsPerMinute !== undefined;
    this.#wake();
  }

  /** `Session.detect`: its arguments, its answer, its errors. */
  async detect(image: ImageSource, options: DetectOptions = {}): Promise<Detection> {
    const watched = this.#watched;
    const { session, monitor, fallback } = watched;
    const sampled = this.#sampler.draw() && !this.#closing && fallback !== "float";
    const traced = this.#movement.draw() || sampled;
    const asked =
      fallback === "more stages" ? { ...options, stages: null, deadlineMs: null, convergePx: null } : options;
    let trace: Trace | null = null;
    let detection: Detection;
    this.#detecting += 1;
    try {
      trace = traced ? await session.trace(image, asked) : null;
      detection = trace?.detection ?? (await session.detect(image, asked));
    } finally {
      this.#detecting -= 1;
    }
    const scores = detection.scores.filter((_, i) => detection.labelled[i]);
    if (scores.length > 0) {
      monitor.addFrame(scores, trace && stageMovement(trace));
    }
    const taken = sampled && trace !== null && !this.#closing;
    this.#count({ frames: 1, sampled: Number(taken), replaced: Number(taken && this.#waiting !== null) });
    if (taken) {
      this.#waiting = [watched, trace!];
      this.#wake();
    }
    return fallback === null ? detection : { ...detection, fallback };
  }

  /** What answers. */
  get session(): Watchable {
    return this.#watched.session;
  }

  /** What is fed. */
  get monitor(): DriftMonitor {
    return this.#watched.monitor;
  }

  /** What answers have in `Detection.fallback`. */
  get fallback(): Fallback | null {
    return this.#watched.fallback;
  }

  /**
   * Of the monitor after the last comparison. A self-check that the monitor is told of later counts from the next
   * comparison on.
   */
  get verdict(): Verdict {
    return this.#verdict;
  }

  /** What became of the frames so far. */
  get counts(): ShadowCounts {
    return this.#counts;
  }

  /**
   * From the next call of `detect` on, let this session answer and feed this monitor.
   *
   * What the session before it answered goes to the monitor before.
   *
   * @param session of the same landmarks and geometry, with no more stages than the reference.
   * @param monitor that has seen nothing of another session.
   * @param fallback for `Detection.fallback`. With "more stages" all loaded stages run, and `stages`, `deadlineMs` and
   *   `convergePx` of a call are not heeded. With "float" nothing is compared.
   */
  switch(session: Watchable, monitor: DriftMonitor, fallback: Fallback | null): void {
    this.#watched = { session, monitor, fallback };
    this.#verdict = monitor.verdict;
    this.#logged = null;
  }

  /** Let the log have an entry of this step, and of what the monitor said before it. */
  record(step: StepTaken, report: MonitorReport): void {
    if (this.#log && !this.#closing) {
      this.#steps.push(this.#entry(report, step.before, step));
      this.#untried = true;
      this.#wake();
    }
  }

  /** Wait until nothing waits to be compared; false if that took longer. */
  async flush(timeoutMs?: number): Promise<boolean> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<boolean>((resolve) => {
      if (timeoutMs !== undefined) {
        timer = setTimeout(resolve, timeoutMs, false);
      }
    });
    try {
      return await Promise.race([this.#settled().then(() => true), late]);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Finish the comparison that runs, drop what waits, and write the log's last entry. `detect` goes on without comparing. */
  close(): Promise<void> {
    this.#waiting = null;
    this.#closing ??= this.#settled().then(async () => {
      await this.#guarded(this.monitor, () => this.#write(true));
    });
    return this.#closing;
  }

  #wake(): void {
    if (this.#hasWork) {
      this.#working ??= this.#work().finally(() => {
        this.#working = null;
        this.#wake(); // what came since the last look
      });
    }
  }

  async #settled(): Promise<void> {
    while (this.#working) {
      await this.#working;
    }
  }

  get #hasWork(): boolean {
    return this.#unmeasured || this.#untried || this.#waiting !== null;
  }

  async #work(): Promise<void> {
    while (this.#hasWork) {
      await this.#quiet();
      if (this.#untried) {
        this.#untried = false;
        await this.#guarded(this.monitor, () => this.#writeSteps());
      }
      if (this.#unmeasured) {
        this.#unmeasured = false;
        await this.#guarded(this.monitor, () => this.#measureCost());
      }
      const job = this.#waiting;
      this.#waiting = null;
      if (job) {
        await this.#do(...job);
      }
    }
  }

  /** Until the platform is idle and nothing is being detected, but not for ever. */
  async #quiet(): Promise<void> {
    const end = performance.now() + PATIENCE_MS;
    await this.#rest();
    while (this.#detecting > 0 && performance.now() < end) {
      await pause(0); // whatever `idle` is, what is being detected gets its turn
      await this.#rest();
    }
  }

  async #rest(): Promise<void> {
    try {
      await this.#idle();
    } catch {
      await pause(LOOK_MS);
    }
  }

  async #do(watched: Watched, trace: Trace): Promise<void> {
    const { monitor } = watched;
    const start = performance.now();
    const failed = await this.#guarded(monitor, async () => {
      const disagreement = await disagreementOf(trace, this.reference);
      // A frame in which the float model sees no garment either shows nothing about where landmarks are.
      if (!disagreement.every((row) => row.every(Number.isNaN))) {
        monitor.addShadow(disagreement);
      }
    });
    await this.#guarded(monitor, () => this.#write());
    this.#sampler.spent((performance.now() - start) / 1e3);
    this.#count({ failed: Number(failed), compared: Number(!failed) });
    if (watched === this.#watched) {
      this.#verdict = monitor.verdict;
    }
  }

  #count(more: Partial<ShadowCounts>): void {
    const counts = { ...this.#counts };
    for (const [name, number] of Object.entries(more)) {
      counts[name as keyof ShadowCounts] += number;
    }
    this.#counts = counts;
  }

  /** Do it; whether it failed, which the monitor then knows. */
  async #guarded(monitor: DriftMonitor, work: () => Promise<void>): Promise<boolean> {
    try {
      await work();
      return false;
    } catch (error) {
      // Whatever it is: nobody waits for this, and detecting must go on.
      monitor.addFailure(error instanceof Error ? `${error.name}: ${error.message}` : String(error));
      return true;
    }
  }

  /** The log's next entry, if it is time; one that could not be written is tried again with the next. */
  async #write(last = false): Promise<void> {
    if (!this.#log) {
      return;
    }
    await this.#writeSteps();
    const watched = this.#watched;
    const before = this.#logged;
    const report = watched.monitor.report();
    if (last || !before || report.verdict !== before.verdict || report.samples >= before.samples + LOG_EVERY) {
      await this.#log(logLine(this.#entry(report, named(watched))));
      if (watched === this.#watched) {
        this.#logged = report;
      }
    }
  }

  async #writeSteps(): Promise<void> {
    while (this.#log && this.#steps.length > 0) {
      await this.#log(logLine(this.#steps[0]));
      this.#steps.shift();
    }
  }

  #entry(report: MonitorReport, engine: string, step?: StepTaken): LogEntry {
    const about = { subject: this.#bundle.digest, engine, frames: this.#counts.frames };
    return logEntry(report, step ? { ...about, step } : about);
  }

  async #measureCost(): Promise<void> {
    const { input_height, input_width } = this.reference.bundle.manifest.geometry;
    const black = new Uint8Array(3 * input_height * input_width);
    const start = performance.now();
    await this.reference.detectInput(black);
    this.#sampler.spent((performance.now() - start) / 1e3);
  }
}

function named({ session, fallback }: Watched): string {
  return answerer(`${session.engine} ${session.engineVersion}`, fallback);
}

function platformIdle(): Promise<void> {
  return new Promise((resolve) => {
    if (typeof requestIdleCallback === "function") {
      requestIdleCallback(() => resolve(), { timeout: PATIENCE_MS });
    } else {
      setTimeout(resolve, LOOK_MS);
    }
  });
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Whether two values of JSON are equal, whatever the order of their keys. */
function areEqual(one: unknown, other: unknown): boolean {
  if (typeof one !== "object" || typeof other !== "object" || one === null || other === null) {
    return one === other;
  }
  const keys = Object.keys(one) as never[];
  return keys.length === Object.keys(other).length && keys.every((key) => areEqual(one[key], other[key]));
}
