/**
 * What a drift monitor said over time, in lines that `fpm-edge drift-log` reads once they are in a file.
 *
 * One line an entry: `{"crc": CRC-32 of the entry's bytes, "entry": {...}}`. A line that was torn or altered is known
 * by its missing end or its wrong CRC; the reader skips it.
 */

import { crc32 } from "../bundle/crc32.js";
import type { Verdict } from "../check/self-check.js";
import { UsageError } from "../errors.js";
import type { MonitorReport } from "./report.js";
import { type StepTaken, timeNow } from "./steps.js";
import type { StateStore } from "./store.js";

const SMALLEST = 4096;

/** What was known at a time. Names are those of the file; `MonitorReport` says what they mean. */
export interface LogEntry {
  /** ISO 8601, UTC. */
  readonly time: string;
  /** What is watched: the bundle's digest. */
  readonly subject: string;
  /** What answers, with its version. */
  readonly engine: string;
  readonly verdict: Verdict;
  readonly reason: string;
  /** Frames that were detected since the shadow was made. */
  readonly frames: number;
  readonly samples: number;
  readonly alpha: number;
  readonly evidence: number;
  readonly estimate: number | null;
  readonly lower: number;
  readonly upper: number;
  /** That of the last stage. */
  readonly limit: number;
  readonly fast_alarms: readonly string[];
  readonly failures: number;
  /** Mean disagreements. */
  readonly stages: readonly (number | null)[];
  /** The recent mean. */
  readonly peak_height: number | null;
  /** What a drift policy did about it. */
  readonly step?: StepTaken;
}

/** Takes a line, with its end. What it throws is in the monitor's report, and the line is tried again if it can be. */
export type LogSink = (line: string) => void | Promise<void>;

/** An entry of now. */
export function logEntry(
  report: MonitorReport,
  about: { readonly subject: string; readonly engine: string; readonly frames: number; readonly step?: StepTaken },
): LogEntry {
  const { verdict, reason, samples, alpha, evidence, estimate, lower, upper, failures } = report;
  const { subject, engine, frames, step } = about;
  return {
    time: timeNow(),
    subject,
    engine,
    verdict,
    reason,
    frames,
    samples,
    alpha,
    evidence,
    estimate,
    lower,
    upper,
    limit: report.limits[report.limits.length - 1].value,
    fast_alarms: report.fastAlarms,
    failures,
    stages: report.stages.map((stage) => stage.mean),
    peak_height: report.proxies[0].recent,
    ...(step && { step }),
  };
}

/** The line of an entry. */
export function logLine(entry: LogEntry): string {
  const raw = JSON.stringify(entry);
  return `{"crc":${crc32(new TextEncoder().encode(raw))},"entry":${raw}}\n`;
}

/** A log in a store. */
export interface StoredLog {
  /** For the option `log` of a `Shadow`. */
  readonly append: LogSink;
  /** All that is kept, oldest first: what to offer as a file to `fpm-edge drift-log`. */
  read(): Promise<string>;
}

/**
 * A log that survives restarts and never grows without bound: a full text becomes the older one, replacing the one
 * before, so that there are at most two. One page or process writes a log.
 *
 * @param name under which it is kept.
 * @param most characters of each of the two texts.
 * @throws UsageError `most` is below 4096.
 */
export function storedLog(store: StateStore, name = "drift log", most = 1_000_000): StoredLog {
  if (!(most >= SMALLEST)) {
    throw new UsageError(`a drift log of ${most} characters was asked for; it needs at least ${SMALLEST}`);
  }
  const older = `${name}.1`;
  let last: Promise<unknown> = Promise.resolve();
  const write: LogSink = async (line) => {
    if (line.length > most) {
      throw new UsageError(`an entry of ${line.length} characters does not fit a drift log of ${most}`);
    }
    const before = (await store.load(name)) ?? "";
    if (before.length + line.length <= most) {
      return store.save(name, before + line);
    }
    await store.save(older, before);
    return store.save(name, line);
  };
  return {
    append(line) {
      const written = last.then(() => write(line));
      last = written.catch(() => {});
      return written;
    },
    async read() {
      return ((await store.load(older)) ?? "") + ((await store.load(name)) ?? "");
    },
  };
}
