/** What a manifest may say about recognising garments; what is refused names the field. */

import { BundleError } from "../errors.js";
import type { Categories, ConfidenceCurve, LandmarkSchema, Recognition } from "./manifest.js";

/** The category of a picture without a garment. */
export const NOTHING = "none";

/** What to ask for where every landmark counts and no category is to be found. */
export const ANY = "any";

/** The most knots of a curve. */
export const MOST_KNOTS = 32;

// Of weights and biases, so that no sum of them leaves float64.
const LARGEST = 1e6;

/** Throw BundleError, naming the first field that cannot be used with this schema and so many stages. */
export function checkRecognition(recognition: Recognition, schema: LandmarkSchema, stages: number): void {
  const { categories, confidences } = recognition;
  if (!categories && !confidences) {
    refuse("recognition", "is empty; expected categories, confidences or both");
  }
  if (categories) {
    checkRules(categories, schema, stages);
  }
  if (confidences) {
    const where = "recognition.confidences";
    checkLength(`${where}.stages`, confidences.stages, stages);
    checkCounts(where, confidences.pictures, confidences.points);
    confidences.stages.forEach((curve, i) => {
      checkCurve(`${where}, stage ${i + 1}`, curve);
    });
  }
}

function checkRules(rules: Categories, schema: LandmarkSchema, stages: number): void {
  const where = "recognition.categories";
  const { names } = rules;
  const known = names.slice(0, -1);
  if (
    names.at(-1) !== NOTHING ||
    known.length === 0 ||
    new Set(known).size !== known.length ||
    !known.every((name) => Object.hasOwn(schema.categories, name))
  ) {
    const found = names.join(", ");
    refuse(`${where}.names`, `is [${found}]; expected categories of the schema, once each, and ${NOTHING}`);
  }
  if (known.includes(NOTHING)) {
    refuse(`${where}.names`, `names ${NOTHING}, and the schema has a category of that name`);
  }
  checkLength(`${where}.stages`, rules.stages, stages);
  checkCounts(where, rules.pictures, rules.nothing, rules.folds);
  rules.stages.forEach((rule, i) => {
    const here = `${where}, stage ${i + 1}`;
    checkLength(`${here}: weights`, rule.weights, names.length);
    checkLength(`${here}: biases`, rule.biases, names.length);
    for (const row of rule.weights) {
      checkLength(`${here}: weights`, row, schema.landmarks.length);
    }
    for (const value of [rule.biases, ...rule.weights].flat()) {
      if (!(Math.abs(value) <= LARGEST)) {
        refuse(here, `holds ${value}; expected numbers of at most ${LARGEST}`);
      }
    }
    checkShares(here, rule.found, rule.nothing_found, rule.garments_lost);
  });
}

function checkCurve(here: string, { scores, confidences, calibration_error }: ConfidenceCurve): void {
  if (scores.length < 1 || scores.length > MOST_KNOTS || confidences.length !== scores.length) {
    const found = `${scores.length} scores, ${confidences.length} confidences`;
    refuse(here, `has ${found}; expected 1 to ${MOST_KNOTS} of each`);
  }
  checkShares(here, ...scores, ...confidences, calibration_error);
  if (scores.some((score, i) => score <= scores[i - 1]) || confidences.some((value, i) => value < confidences[i - 1])) {
    refuse(here, "falls; expected scores that grow, confidences that never fall");
  }
}

function checkLength(what: string, rows: readonly unknown[], expected: number): void {
  if (rows.length !== expected) {
    refuse(what, `has ${rows.length} entries; expected ${expected}`);
  }
}

function checkCounts(where: string, ...counts: readonly number[]): void {
  if (Math.min(...counts) < 0) {
    refuse(where, "counts fewer than no pictures");
  }
}

function checkShares(here: string, ...shares: readonly number[]): void {
  for (const share of shares) {
    if (!(share >= 0 && share <= 1)) {
      refuse(here, `holds ${share}; expected 0 to 1`);
    }
  }
}

function refuse(what: string, why: string): never {
  throw new BundleError(`manifest.json: ${what} ${why}; make the bundle again`);
}
