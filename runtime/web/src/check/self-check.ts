/**
 * The self-check: does this device answer the golden cases of a bundle as the float model did?
 *
 * It measures the disagreement of `drift`, which needs no label.
 */

import type { BundleContents } from "../bundle/contents.js";
import type { GoldenCase, GoldenSet } from "../bundle/manifest.js";
import { BundleError, ModelError } from "../errors.js";
import { normalizedError } from "../pixels/metrics.js";

export type Verdict = "ok" | "warning" | "drifted";

/** A disagreement over this share of its limit is worth a warning. */
const WARNING_SHARE = 0.75;

/** `drifted` over the limit (or not finite), `warning` over three quarters of it, otherwise `ok`. */
export function verdictOf(value: number, limit: number): Verdict {
  return value <= limit ? (value > WARNING_SHARE * limit ? "warning" : "ok") : "drifted";
}

/** The part of `Session` that the self-check uses. */
export interface GoldenSession {
  readonly bundle: Pick<BundleContents, "manifest" | "golden" | "goldenInput">;
  detectInput(pixels: Uint8Array): Promise<readonly { readonly stage: number; readonly landmarks: Float32Array }[]>;
}

/** One stage over all self-check cases. */
export interface GoldenStage {
  /** Counts from 1. */
  readonly stage: number;
  /** Disagreement with the float model averaged over the cases, NE units; infinite where an answer is not finite. */
  readonly mean: number;
  /** The largest mean disagreement of a single case; this is what is held against the limit. */
  readonly worst: number;
  /** The bundle member of that case. */
  readonly worstCase: string;
  /** The largest mean disagreement of a case that counts as healthy. */
  readonly limit: number;
  /** Of `worst` against `limit`. */
  readonly verdict: Verdict;
}

/** What `checkGoldens` found. As JSON, a disagreement that is not finite is null, and its verdict `drifted`. */
export interface GoldenReport {
  readonly cases: number;
  readonly stages: readonly GoldenStage[];
  /** The worst of the stages' verdicts. */
  readonly verdict: Verdict;
  /** False only where a stage has drifted. */
  readonly ok: boolean;
  /** The stage furthest into (or over) its limit. */
  readonly worst: GoldenStage;
}

/**
 * Run every self-check case of the session's bundle and compare with the float model's stored landmarks.
 *
 * The disagreement of a case is the mean over its category's landmarks of the distance between the two models'
 * landmarks, coordinates divided by the input's width and height. A stage is held to its limit by its worst case. The
 * report has the stages that the session has loaded, which may be fewer than the bundle's.
 *
 * @throws BundleError the bundle has no self-check cases, or they do not fit its stages and landmarks.
 * @throws ModelError the session's answers are not those of stages 1, 2, … in order.
 */
export async function checkGoldens(session: GoldenSession): Promise<GoldenReport> {
  const golden = await session.bundle.golden();
  if (!golden?.cases.length) {
    throw new BundleError("the bundle has no golden cases; convert the model again with some");
  }
  const found: number[][] = [];
  for (const one of golden.cases) {
    found.push(await disagreement(session, one));
  }
  const stages = found[0]!.map((_, i) =>
    stageOf(
      golden,
      i,
      found.map((stages) => stages[i]!),
    ),
  );
  const order = ["ok", "warning", "drifted"];
  const worst = stages.reduce((most, entry) => (load(entry) > load(most) ? entry : most));
  const verdict = stages.reduce((most, entry) =>
    order.indexOf(entry.verdict) > order.indexOf(most.verdict) ? entry : most,
  ).verdict;
  return { cases: golden.cases.length, stages, verdict, ok: verdict !== "drifted", worst };
}

/** Stage i + 1, by its disagreements case by case. */
function stageOf(golden: GoldenSet, i: number, values: readonly number[]): GoldenStage {
  const limit = golden.limits[i]!;
  const worst = Math.max(...values);
  return {
    stage: i + 1,
    mean: mean(values),
    worst,
    worstCase: golden.cases[values.indexOf(worst)]!.member,
    limit,
    verdict: verdictOf(worst, limit),
  };
}

/** A stage's worst disagreement as a share of its limit. */
function load({ worst, limit }: GoldenStage): number {
  return limit > 0 ? worst / limit : worst === 0 ? 0 : Number.POSITIVE_INFINITY;
}

/** By loaded stage, the mean disagreement of one case, NE units; infinite where an answer is not finite. */
async function disagreement(session: GoldenSession, golden: GoldenCase): Promise<number[]> {
  const { bundle } = session;
  const { landmarks: schema, geometry, stages } = bundle.manifest;
  const results = await session.detectInput(await bundle.goldenInput(golden));
  const answered = results.map((result) => result.stage);
  if (!answered.length || answered.length > stages || answered.some((stage, i) => stage !== i + 1)) {
    throw new ModelError(
      `${golden.member}: the session answered with stages ${answered.join(", ") || "none"}; expected 1 to at most ${stages}`,
    );
  }
  const members = schema.categories[golden.category]!;
  return results.map(({ landmarks }, i) => {
    const predicted = members.flatMap((index) => [landmarks[2 * index]!, landmarks[2 * index + 1]!]);
    const expected = members.flatMap((index) => golden.landmarks[i]![index]!);
    return mean(Array.from(normalizedError(predicted, expected, [geometry.input_width, geometry.input_height])));
  });
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
