import assert from "node:assert/strict";
import { test } from "node:test";
import { DataError } from "../../src/errors.js";
import { normalizedError } from "../../src/pixels/metrics.js";
import { VECTORS } from "../support/pictures.js";

test("errors are the Python runtime's to the last bit", () => {
  const [predicted, truth, sizes, errors] = VECTORS.metrics;
  const answered = Float32Array.from(predicted, (value) => value ?? Number.NaN);
  const found = normalizedError(answered, Float32Array.from(truth), sizes);
  assert.deepEqual(
    [...found].map((value) => (Number.isFinite(value) ? value : null)),
    errors,
  );
});

test("one size is for all points", () => {
  const found = normalizedError([30, 40, 0, 0, 5, 5], [0, 0, 10, 0, 5, 5], [100, 200]);
  assert.deepEqual([...found], [Math.sqrt(0.3 ** 2 + 0.2 ** 2), 0.1, 0]);
});

test("an answer that is not finite is infinitely wrong", () => {
  assert.deepEqual(
    [...normalizedError([NaN, 0, Infinity, 0, 1, 1], [1, 1, 1, 1, 1, 1], [10, 10])],
    [Infinity, Infinity, 0],
  );
});

test("what does not fit is refused", () => {
  assert.throws(() => normalizedError([1, 2, 3, 4], [1, 2], [10, 10]), DataError);
  assert.throws(() => normalizedError([1, 2, 3, 4], [1, 2, 3, 4], []), DataError);
  assert.throws(() => normalizedError([1, 2, 3, 4], [1, 2, 3, 4], [10, 10, 10]), DataError);
  assert.throws(
    () => normalizedError([1, 2, 3, 4, 5, 6], [1, 2, 3, 4, 5, 6], [10, 10, 10, 10]),
    /6 predicted, 6 true numbers, 4 sizes/,
  );
  assert.throws(() => normalizedError([1, 2], [1, 2], [10, 0]), /size 0 of a picture is not positive/);
  assert.throws(() => normalizedError([1, 2], [1, 2], [NaN, 5]), DataError);
});
