import assert from "node:assert/strict";
import { test } from "node:test";
import type { LandmarkSchema } from "../../src/bundle/manifest.js";
import { checkRecognition } from "../../src/bundle/recognition-check.js";
import { type Loose, put, refusal } from "./given.js";

const SCHEMA: LandmarkSchema = {
  name: "two",
  landmarks: ["a", "b"],
  flip: [0, 1],
  categories: { shirt: [0], skirt: [1], none: [0] },
  normalizers: {},
  groups: {},
};
const RULE = {
  weights: [
    [1, -1e6],
    [0, 0],
  ],
  biases: [0, 1e6],
  found: 1,
  nothing_found: 0,
  garments_lost: 0.5,
};
const CURVE = { scores: [0, 0.5, 1], confidences: [0, 0, 1], calibration_error: 0.01 };
const COUNTS = { source: "", pictures: 0, nothing_source: "", nothing: 0, folds: 0 };

/** Two stages of both. */
function good(): Loose {
  const shared = {
    categories: { names: ["shirt", "none"], stages: [RULE, RULE], ...COUNTS },
    confidences: { stages: [CURVE, CURVE], source: "", pictures: 0, points: 0 },
  };
  return JSON.parse(JSON.stringify(shared));
}

test("good ones pass, with either part or both", () => {
  checkRecognition(good(), SCHEMA, 2);
  checkRecognition({ ...good(), categories: null }, SCHEMA, 2);
  checkRecognition({ ...good(), confidences: null }, SCHEMA, 2);
  assert.throws(
    () => checkRecognition({ categories: null, confidences: null }, SCHEMA, 2),
    refusal(/^manifest\.json: recognition is empty; .*; make the bundle again$/),
  );
});

for (const [path, value, message] of [
  ["categories.names", [], /names is \[\]; expected categories of the schema, once each, and none/],
  ["categories.names", ["none"], /names is \[none\]/],
  ["categories.names", ["none", "shirt"], /names is \[none, shirt\]/],
  ["categories.names", ["shirt", "shirt", "none"], /names is/],
  ["categories.names", ["toString", "none"], /names is/],
  ["categories.names", ["none", "none"], /names none, and the schema has a category of that name/],
  ["categories.stages", [RULE], /categories\.stages has 1 entries; expected 2/],
  ["categories.pictures", -1, /counts fewer than no pictures/],
  ["categories.folds", -1, /counts fewer than no pictures/],
  ["categories.stages.1.weights", [[0, 0]], /stage 2: weights has 1 entries; expected 2/],
  ["categories.stages.0.biases", [0, 0, 0], /stage 1: biases has 3 entries; expected 2/],
  ["categories.stages.0.weights.1", [1], /stage 1: weights has 1 entries; expected 2/],
  ["categories.stages.0.weights.1.0", 1000000.1, /stage 1 holds 1000000\.1; expected numbers of at most 1000000/],
  ["categories.stages.0.biases.0", -2e6, /stage 1 holds -2000000/],
  ["categories.stages.0.found", 1.1, /stage 1 holds 1\.1; expected 0 to 1/],
  ["categories.stages.1.nothing_found", -1, /stage 2 holds -1; expected 0 to 1/],
  ["categories.stages.1.garments_lost", 2, /stage 2 holds 2; expected 0 to 1/],
  ["confidences.stages", [CURVE, CURVE, CURVE], /confidences\.stages has 3 entries; expected 2/],
  ["confidences.points", -1, /counts fewer/],
  ["confidences.stages.1.scores", [0, 1], /stage 2 has 2 scores, 3 confidences; expected 1 to 32 of each/],
  ["confidences.stages.1", { ...CURVE, scores: [], confidences: [] }, /has 0 scores/],
  ["confidences.stages.1", { ...CURVE, scores: Array(33), confidences: Array(33) }, /has 33 scores/],
  ["confidences.stages.0.scores", [0, 0.5, 0.5], /falls/],
  ["confidences.stages.0.confidences", [0, 0.2, 0.1], /falls/],
  ["confidences.stages.0.scores", [-0.1, 0.5, 1], /holds -0\.1; expected 0 to 1/],
  ["confidences.stages.0.confidences", [0, 0, 1.5], /holds 1\.5; expected 0 to 1/],
  ["confidences.stages.0.calibration_error", 2, /holds 2/],
] as const) {
  test(`${path} as ${JSON.stringify(value).slice(0, 40)} is refused`, () => {
    const it = good();
    put(it, path, value);
    assert.throws(() => checkRecognition(it, SCHEMA, 2), refusal(message));
  });
}
