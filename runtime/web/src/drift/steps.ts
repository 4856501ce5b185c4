/** The steps of a drift policy, and the record of one that was taken. What takes them is `guard`'s `Guard`. */

import type { Fallback } from "../stages/results.js";

export const STEPS = ["report", "more stages", "engine", "float", "raise"] as const;

export type Step = (typeof STEPS)[number];

// Characters of a reason or a note.
const LONGEST = 500;

/** One step of a drift policy, taken or skipped. */
export interface StepTaken {
  /** ISO 8601, UTC. */
  readonly time: string;
  readonly step: Step;
  /** Why the verdict was "drifted". */
  readonly reason: string;
  /** What answered until then, such as "onnxruntime-web 1.30.0" or "onnxruntime-web 1.30.0, all stages". */
  readonly before: string;
  /** What answers since; null where the step was skipped. */
  readonly after: string | null;
  /** Why it was skipped, or what else is to be said of it. */
  readonly note: string;
}

/** A step of this moment; long texts are cut, and what cannot be printed is left out. */
export function stepTaken(step: Step, reason: string, before: string, after: string | null, note = ""): StepTaken {
  return { time: timeNow(), step, reason: short(reason), before, after, note: short(note) };
}

/** What answers, in words; `engine` is its name and version. */
export function answerer(engine: string, fallback: Fallback | null): string {
  return fallback === "float"
    ? `float model in ${engine}`
    : engine + (fallback === "more stages" ? ", all stages" : "");
}

/** ISO 8601, UTC, whole seconds, as Python writes it. */
export function timeNow(): string {
  return `${new Date().toISOString().slice(0, 19)}+00:00`;
}

function short(text: string): string {
  const printable = text.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, " ");
  return printable.length <= LONGEST ? printable : `${printable.slice(0, LONGEST - 3)}...`;
}
