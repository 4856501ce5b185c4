/**
 * Which garment it is, which landmarks count, and how sure they are, from one stage's scores.
 *
 * All in float64, in an order that any language can follow (docs/bundle-format.md): a sum starts with the bias and takes
 * the landmarks in turn, each weight times its score rounded before it is added.
 */

import type { CategoryRule, ConfidenceCurve, LandmarkSchema, Manifest } from "../bundle/manifest.js";
import { ANY, NOTHING } from "../bundle/recognition-check.js";
import { SchemaError } from "../errors.js";

/** What the scores of one stage say. */
export interface Recognized {
  /** Given or found; `NOTHING` where there is no garment, null where it is not known. */
  readonly category: string | null;
  /** Probability of the category that was found, 0 to 1; null where it was given or is not known. */
  readonly score: number | null;
  /** Which landmarks the category has; all where it is not known, none for `NOTHING`. */
  readonly labelled: readonly boolean[];
  /** See `Detection`; null where the bundle has no curves. */
  readonly confidences: Float32Array | null;
}

/** The rules of one bundle. */
export class Recognizer {
  readonly #schema: LandmarkSchema;
  readonly #names: readonly string[];
  readonly #rules: readonly CategoryRule[];
  readonly #curves: readonly ConfidenceCurve[];
  readonly #everything: readonly boolean[];
  readonly #labelled: ReadonlyMap<string, readonly boolean[]>;

  constructor(manifest: Pick<Manifest, "landmarks" | "recognition">) {
    const { landmarks: schema, recognition } = manifest;
    this.#schema = schema;
    this.#names = recognition?.categories?.names ?? [];
    this.#rules = recognition?.categories?.stages ?? [];
    this.#curves = recognition?.confidences?.stages ?? [];
    const mask = (counts: (index: number) => boolean) => Object.freeze(schema.landmarks.map((_, i) => counts(i)));
    this.#everything = mask(() => true);
    this.#labelled = new Map([
      [NOTHING, mask(() => false)],
      ...Object.entries(schema.categories).map(([name, of]) => [name, mask((i) => of.includes(i))] as const),
    ]);
  }

  /** @throws SchemaError there is no such category to ask for. */
  check(category: string | null): void {
    if (category !== null && category !== ANY && !Object.hasOwn(this.#schema.categories, category)) {
      const known = Object.keys(this.#schema.categories).sort().join(", ");
      throw new SchemaError(
        `category '${category}' is not in schema '${this.#schema.name}'; expected one of: ${known}; or ${ANY}, for all ` +
          "landmarks",
      );
    }
  }

  /**
   * What a stage's scores say.
   *
   * @param stage from 1.
   * @param scores of each landmark, 0 to 1.
   * @param category as for `Session.detect`; null to find it, if the bundle has a rule.
   */
  at(stage: number, scores: Float32Array, category: string | null): Recognized {
    const curve = this.#curves[stage - 1];
    const confidences = curve ? confidencesOf(curve, scores) : null;
    if (category !== null && Object.hasOwn(this.#schema.categories, category)) {
      return { category, score: null, labelled: this.#labelled.get(category)!, confidences };
    }
    const rule = this.#rules[stage - 1];
    if (category !== null || !rule) {
      return { category: null, score: null, labelled: this.#everything, confidences };
    }
    const shares = probabilities(rule, scores);
    const score = Math.max(...shares);
    const name = this.#names[shares.indexOf(score)]!;
    return { category: name, score, labelled: this.#labelled.get(name)!, confidences };
  }
}

/** The softmax over categories, adding up to 1. */
export function probabilities(rule: CategoryRule, scores: Float32Array): number[] {
  const heights = rule.biases.map((bias, c) => {
    const weights = rule.weights[c]!;
    let height = bias;
    for (let i = 0; i < weights.length; i++) {
      height += weights[i]! * scores[i]!;
    }
    return height;
  });
  const highest = Math.max(...heights);
  const parts = heights.map((height) => Math.exp(height - highest));
  const whole = parts.reduce((sum, part) => sum + part, 0);
  return parts.map((part) => part / whole);
}

/** The curve's probabilities at these scores: linear between knots, constant before the first and after the last. */
export function confidencesOf(curve: ConfidenceCurve, scores: Float32Array): Float32Array {
  const { scores: xs, confidences: ys } = curve;
  const last = xs.length - 1;
  return scores.map((score) => {
    if (score >= xs[last]!) {
      return ys[last]!;
    }
    const next = xs.findIndex((x) => x > score);
    if (next === 0) {
      return ys[0]!;
    }
    const [x, y] = [xs[next - 1]!, ys[next - 1]!];
    // Where knots are next to each other the slope is infinite; on a knot it does not matter.
    return score === x ? y : ((ys[next]! - y) / (xs[next]! - x)) * (score - x) + y;
  });
}
