import assert from "node:assert/strict";
import { test } from "node:test";
import { DataError } from "../../src/errors.js";
import {
  cellsToInput,
  fitLetterbox,
  inputToCells,
  roundHalfEven,
  toInput,
  toPicture,
} from "../../src/pixels/geometry.js";
import { VECTORS } from "../support/pictures.js";

const POINTS = Float32Array.from(VECTORS.points);

test("letterboxes, and points there and back, are the Python runtime's to the last bit", () => {
  for (const known of VECTORS.letterboxes) {
    const [width, height] = known.picture;
    const fit = fitLetterbox([width, height], known.input, known.box);
    assert.deepEqual([...fit.box, fit.width, fit.height, fit.left, fit.top, fit.scaleX, fit.scaleY], known.fit);
    assert.deepEqual([...toPicture(fit, POINTS)], known.toPicture);
    assert.deepEqual([...toInput(fit, POINTS)], known.toInput);
  }
});

test("cells and pixels of the input are the Python runtime's to the last bit", () => {
  for (const [stride, input, cells] of VECTORS.cells) {
    assert.deepEqual([...cellsToInput(POINTS, stride)], input);
    assert.deepEqual([...inputToCells(POINTS, stride)], cells);
  }
});

test("cells lie at half-pixel centres", () => {
  assert.deepEqual([...cellsToInput(Float32Array.of(0, 1, 0.5, 63), 8)], [3.5, 11.5, 7.5, 507.5]);
});

test("halving by hand", () => {
  const fit = fitLetterbox([200, 100], [100, 100]);
  assert.deepEqual([fit.width, fit.height, fit.left, fit.top], [100, 50, 0, 25]);
  assert.deepEqual([...toInput(fit, Float32Array.of(0, 0, 0.5, 0.5))], [-0.25, 24.75, 0, 25]);
});

test("a half is rounded to the even number", () => {
  assert.deepEqual([0.5, 1.5, 2.5, -0.5, -1.5, 0.49, 2.51].map(roundHalfEven), [0, 2, 2, 0, -2, 0, 3]);
  assert.equal(fitLetterbox([64, 5], [32, 32]).height, 2);
});

test("a box is clipped to the picture; null is all of it", () => {
  assert.deepEqual(fitLetterbox([400, 300], [64, 64], [-50, -1, 100, 900]).box, [0, 0, 100, 300]);
  assert.deepEqual(fitLetterbox([400, 300], [64, 64], null), fitLetterbox([400, 300], [64, 64]));
});

test("a box without a pixel, or not of four finite numbers, is refused", () => {
  for (const box of VECTORS.refused) {
    assert.throws(() => fitLetterbox([400, 300], [64, 64], box), /covers no pixel of a 400 × 300 picture/);
  }
  for (const box of [[0, 0, NaN, 10], [0, 0, Infinity, 10], [-Infinity, 0, 4, 10], [0, 0, 10], [0, 0, 9, 9, 9], []]) {
    assert.throws(
      () => fitLetterbox([400, 300], [64, 64], box),
      (error) => error instanceof DataError && /not four finite numbers/.test(error.message),
    );
  }
});
