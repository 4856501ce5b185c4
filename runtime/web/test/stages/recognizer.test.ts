import assert from "node:assert/strict";
import { test } from "node:test";
import type { LandmarkSchema, Recognition } from "../../src/bundle/manifest.js";
import { SchemaError } from "../../src/errors.js";
import { confidencesOf, probabilities, Recognizer } from "../../src/stages/recognizer.js";

const landmarks: LandmarkSchema = {
  name: "two",
  landmarks: ["left", "right"],
  flip: [1, 0],
  categories: { both: [0, 1], lone: [1] },
  normalizers: {},
  groups: {},
};
const shares = { found: 1, nothing_found: 1, garments_lost: 0 };
const rule = {
  weights: [
    [4, 4],
    [-4, 4],
    [-4, -4],
  ],
  biases: [-2, 0, 1],
  ...shares,
};
const curve = { scores: [0.25, 0.5, 1], confidences: [0.125, 0.5, 0.75], calibration_error: 0 };
const recognition: Recognition = {
  categories: {
    names: ["both", "lone", "none"],
    stages: [rule],
    source: "",
    pictures: 9,
    nothing_source: "",
    nothing: 9,
    folds: 3,
  },
  confidences: { stages: [curve], source: "", pictures: 9, points: 9 },
};

test("the category that is found, given, or not to be found", () => {
  const recognizer = new Recognizer({ landmarks, recognition });
  const at = (left: number, right: number, category: string | null = null) => {
    const { category: found, labelled } = recognizer.at(1, Float32Array.of(left, right), category);
    return [found, labelled];
  };
  assert.deepEqual(at(1, 1), ["both", [true, true]]);
  assert.deepEqual(at(0, 1), ["lone", [false, true]]);
  assert.deepEqual(at(0, 0), ["none", [false, false]]);
  assert.deepEqual(at(0, 0, "lone"), ["lone", [false, true]]);
  assert.deepEqual(at(0, 0, "any"), [null, [true, true]]);
  assert.equal(recognizer.at(1, Float32Array.of(1, 1), "both").score, null);
  const bare = new Recognizer({ landmarks, recognition: null });
  assert.deepEqual(bare.at(1, Float32Array.of(1, 1), null), {
    category: null,
    score: null,
    labelled: [true, true],
    confidences: null,
  });
});

test("a category that cannot be asked for", () => {
  const recognizer = new Recognizer({ landmarks, recognition });
  for (const category of ["both", "lone", "any", null]) {
    recognizer.check(category);
  }
  for (const category of ["none", "toString", "__proto__", ""]) {
    assert.throws(() => recognizer.check(category), SchemaError, category);
  }
  assert.throws(() => recognizer.check("hat"), /'hat' is not in schema 'two'; expected one of: both, lone; or any/);
});

test("shares add up to 1, and do not overflow", () => {
  const [both, lone, none] = probabilities(rule, Float32Array.of(0.5, 0.5)) as [number, number, number];
  assert.ok(Math.abs(both + lone + none - 1) < 1e-15);
  const heights = [2, 0, -3].map(Math.exp);
  assert.ok(Math.abs(both - heights[0]! / (heights[0]! + heights[1]! + heights[2]!)) < 1e-15);
  const steep = {
    ...rule,
    weights: [
      [1e6, 0],
      [0, 0],
      [-1e6, 0],
    ],
  };
  assert.deepEqual(probabilities(steep, Float32Array.of(1, 0)), [1, 0, 0]);
});

test("a curve is linear between its knots and constant beyond them", () => {
  const at = (...scores: number[]) => [...confidencesOf(curve, Float32Array.from(scores))];
  assert.deepEqual(at(0, 0.25, 0.375, 0.5, 0.75, 1), [0.125, 0.125, 0.3125, 0.5, 0.625, 0.75]);
  const one = { scores: [0.5], confidences: [0.25], calibration_error: 0 };
  const steep = { scores: [0, 1e-320], confidences: [0, 1], calibration_error: 0 };
  assert.deepEqual([...confidencesOf(steep, Float32Array.of(0, 0.5))], [0, 1]);
  assert.deepEqual([...confidencesOf(one, Float32Array.of(0, 0.5, 1))], [0.25, 0.25, 0.25]);
});
