import assert from "node:assert/strict";
import { test } from "node:test";
import { UsageError } from "../../src/errors.js";
import { movedPx, stillPx } from "../../src/stages/convergence.js";

const fitted = { px: 2.5, max_ne_loss: 0.01, ne_loss: { estimate: 0, lower: 0, upper: 0 }, stages_run: 2, pictures: 9 };

test("only clear landmarks of the category count", () => {
  const before = Float32Array.of(0, 0, 10, 10, 20, 20);
  const after = Float32Array.of(3, 4, 10, 11, 80, 20);
  const scores = Float32Array.of(0.25, 0.9, 0.24);
  assert.equal(movedPx(before, after, scores, [true, true, true]), 5);
  assert.equal(movedPx(before, after, scores, [false, true, true]), 1);
  assert.equal(movedPx(before, before, scores, [true, true, true]), 0);
  assert.equal(movedPx(before, after, scores, [false, false, true]), Number.POSITIVE_INFINITY);
});

test("distances are float32 under the root, as numpy has them", () => {
  const moved = movedPx(Float32Array.of(0, 0), Float32Array.of(0.1, 0.2), Float32Array.of(1), [true]);
  assert.equal(moved, Math.sqrt(0.05000000447034836)); // float(np.einsum("ij,ij->i", apart, apart)[0])
});

test("pixels, or what was fitted", () => {
  assert.equal(stillPx(0, null), 0);
  assert.equal(stillPx("fitted", fitted), 2.5);
  assert.throws(() => stillPx("fitted", null), UsageError);
  for (const wrong of [-1, Number.NaN, "2", {}]) {
    assert.throws(() => stillPx(wrong as number, fitted), UsageError);
  }
});
