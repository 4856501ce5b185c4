/** Which disagreement with the float model still counts as healthy, by stage. */

import type { GoldenSet, Manifest } from "../bundle/manifest.js";
import { UsageError } from "../errors.js";

/** NE units over what was measured at conversion: a thousandth of the picture, 3 % of an NE of 0.03. */
export const TOLERANCE = 0.001;

/** The largest mean disagreement of a stage that counts as healthy. */
export interface DriftLimit {
  /** NE units. */
  readonly value: number;
  /**
   * "measured": the upper 95 % bound that was measured at conversion, plus the tolerance. "goldens": the limit of the
   * self-check, which is for single cases and therefore wider. "given": by the caller.
   */
  readonly source: "measured" | "goldens" | "given";
}

/** The part of a bundle that says its limits. */
export interface LimitedBundle {
  readonly manifest: Pick<Manifest, "measured" | "stages">;
  golden(): Promise<Pick<GoldenSet, "limits"> | null>;
}

/**
 * (stages,) the limits that a bundle's own measurements give.
 *
 * An int8 file never agrees with float in everything, so a limit begins at what was measured when it was made; the
 * upper bound, because that was measured on few pictures.
 *
 * @throws UsageError the tolerance is negative, or the bundle has neither measurements nor goldens.
 * @throws BundleError its goldens are damaged.
 */
export async function driftLimits(bundle: LimitedBundle, tolerance: number = TOLERANCE): Promise<DriftLimit[]> {
  if (!(tolerance >= 0)) {
    throw new UsageError(`tolerance is ${tolerance}; expected NE units, 0 or more`);
  }
  const { measured, stages } = bundle.manifest;
  const bounds = (measured?.stages ?? []).map((stage) => stage.disagreement.upper + tolerance);
  if (bounds.length === stages && bounds.every((bound) => bound > 0)) {
    return bounds.map((value) => ({ value, source: "measured" }));
  }
  const golden = await bundle.golden();
  if (golden?.limits.every((limit) => limit > 0)) {
    return golden.limits.map((value) => ({ value, source: "goldens" }));
  }
  throw new UsageError(
    "the bundle says neither what was measured on it nor has self-check cases, so there is no limit for its drift; " +
      "convert the model again, or give limits",
  );
}
