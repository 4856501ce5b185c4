import assert from "node:assert/strict";
import { test } from "node:test";
import type { TensorSpec } from "../../src/bundle/manifest.js";
import { arranged, converted, emptyTensor, isConvertible, type TensorData } from "../../src/bundle/tensors.js";
import { VECTORS } from "./given.js";

const CODES: TensorSpec = {
  name: "x",
  dtype: "int8",
  shape: [1, 2, 2, 1],
  layout: "NHWC",
  scale: 0.5,
  zero_point: -10,
};
const REAL: TensorSpec = { ...CODES, dtype: "float32", scale: null, zero_point: null };
const FINE: TensorSpec = { ...CODES, dtype: "int16", scale: 0.002, zero_point: 0 };

function tensor(spec: TensorSpec, bytes: readonly number[]): TensorData {
  const empty = emptyTensor(spec.dtype, bytes.length / emptyTensor(spec.dtype, 1).BYTES_PER_ELEMENT);
  new Uint8Array(empty.buffer).set(bytes);
  return empty;
}

for (const [source, target, from, to] of VECTORS.tensors) {
  test(`${source.dtype} becomes ${target.dtype} as in the Python runtime`, () => {
    assert.deepEqual(converted(tensor(source, from), source, target), tensor(target, to));
  });
}

test("half goes to even, and what no code can hold saturates", () => {
  const real = Float32Array.of(0.25, 0.75, -0.25, 1e30, -1e30, Number.POSITIVE_INFINITY);
  assert.deepEqual(converted(real, REAL, CODES), Int8Array.of(-10, -8, -10, 127, -128, 127));
});

test("a tensor that fits is passed on untouched", () => {
  const codes = new Int8Array(4);
  assert.equal(converted(codes, CODES, CODES), codes);
  assert.equal(arranged(codes, CODES, CODES), codes);
});

test("what fits", () => {
  assert.ok(isConvertible(CODES, CODES));
  assert.ok(isConvertible(CODES, REAL));
  assert.ok(isConvertible(REAL, CODES));
  assert.ok(isConvertible(CODES, FINE));
  assert.ok(!isConvertible(CODES, { ...CODES, scale: 0.25 }));
  assert.ok(!isConvertible(CODES, { ...CODES, zero_point: 0 }));
  assert.ok(!isConvertible(CODES, { ...REAL, shape: [1, 2, 1, 2] }));
  assert.ok(!isConvertible(CODES, { ...REAL, layout: "NCHW" }));
});

test("an image becomes planes where the piece wants them first", () => {
  const image = Uint8Array.from({ length: 2 * 3 * 3 }, (_, i) => i);
  const spec: TensorSpec = { ...REAL, name: "image", dtype: "uint8", shape: [1, 3, 2, 3], layout: "NCHW" };
  const planes = arranged(image, null, spec);
  assert.deepEqual([...planes], [0, 3, 6, 9, 12, 15, 1, 4, 7, 10, 13, 16, 2, 5, 8, 11, 14, 17]);
  assert.equal(arranged(image, null, { ...spec, layout: "NHWC" }), image);
});
