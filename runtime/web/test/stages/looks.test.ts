import assert from "node:assert/strict";
import { test } from "node:test";
import { fitLetterbox } from "../../src/pixels/geometry.js";
import type { Found } from "../../src/stages/frame.js";
import { clearness, secondRegion } from "../../src/stages/looks.js";

const INPUT = [64, 64] as const;

/** Landmarks at these points of the input, all clear. */
function found(points: readonly number[], category: string | null = null, labelled?: readonly boolean[]): Found {
  const count = points.length / 2;
  return {
    landmarks: Float32Array.from(points),
    scores: new Float32Array(count).fill(0.5),
    doubts: new Map(),
    recognized: { category, score: null, labelled: labelled ?? Array(count).fill(true), confidences: null },
  };
}

test("the region is the landmarks' box and 30 % of its longer side, inside what was seen", () => {
  const fit = fitLetterbox([256, 256], INPUT);
  const some = found([19.5, 19.5, 29.5, 19.5, 19.5, 24.5]); // 80 … 120 × 80 … 100 of the picture
  assert.deepEqual(secondRegion(some, fit, INPUT), [68, 68, 132, 112]);
  const corner = found([0, 0, 10, 0, 0, 5]);
  assert.deepEqual(secondRegion(corner, fit, INPUT)!.slice(0, 2), [0, 0]);
});

test("no region: too few clear landmarks, too small, or not larger than before", () => {
  const fit = fitLetterbox([256, 256], INPUT);
  assert.equal(secondRegion(found([19.5, 19.5, 29.5, 19.5]), fit, INPUT), null);
  const dim = found([19.5, 19.5, 29.5, 19.5, 19.5, 24.5]);
  dim.scores[2] = 0.2;
  assert.equal(secondRegion(dim, fit, INPUT), null);
  assert.equal(secondRegion(found([20, 20, 21, 20, 20, 21]), fit, INPUT), null); // 6.4 pixels
  assert.equal(secondRegion(found([3, 3, 60, 3, 3, 60]), fit, INPUT), null);
});

test("where it took the picture for one without a garment, all clear landmarks count", () => {
  const fit = fitLetterbox([256, 256], INPUT);
  const points = [19.5, 19.5, 29.5, 19.5, 19.5, 24.5];
  const none = [false, false, false];
  assert.ok(secondRegion(found(points, "none", none), fit, INPUT));
  assert.equal(secondRegion(found(points, "skirt", none), fit, INPUT), null);
});

test("clearness is numpy's float32 mean, to the last bit", () => {
  // float((s * s).mean()) of s = np.sin(np.arange(count) ** 2).astype(np.float32)
  const MEANS: Readonly<Record<number, number>> = {
    1: 0.0,
    5: 0.30671069025993347,
    7: 0.36209937930107117,
    8: 0.4305424690246582,
    9: 0.47675418853759766,
    24: 0.5010256171226501,
    63: 0.4872780442237854,
    128: 0.505827009677887,
    129: 0.5043362975120544,
    150: 0.515259325504303,
    294: 0.5026339888572693,
    1000: 0.5021706819534302,
  };
  for (const [count, mean] of Object.entries(MEANS)) {
    const scores = Float32Array.from({ length: Number(count) }, (_, i) => Math.sin(i ** 2));
    const squares = scores.map((value) => value * value);
    assert.equal(clearness({ ...found(new Array(2 * Number(count)).fill(0)), scores: squares }), mean, count);
  }
  assert.equal(clearness(found([1, 1, 2, 2], "none", [false, false])), 0);
});
