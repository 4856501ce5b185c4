import assert from "node:assert/strict";
import { test } from "node:test";
import { refuseExternalData } from "../../src/bundle/external.js";
import { onnxIsExternal } from "../../src/bundle/external-onnx.js";
import { refusal, unpacked, VECTORS } from "./given.js";

VECTORS.models.forEach(([member, content, wrong], i) => {
  test(`model ${i}, ${member}: ${wrong ?? "passes"}`, () => {
    const check = () => refuseExternalData(member, unpacked(content));
    if (wrong === null) {
      check();
    } else if (wrong.includes("index out of range")) {
      assert.throws(check, refusal(/is not an ONNX model: it ends in a number/));
    } else {
      assert.throws(check, { name: "BundleError", message: wrong });
    }
  });
});

test("any bytes are passed or refused", () => {
  const model = unpacked(VECTORS.models[1][1]);
  let state = 1;
  for (let round = 0; round < 3000; round++) {
    const mutant = model.slice(0, round % 3 ? model.length : round % model.length);
    for (let change = 0; change < 3; change++) {
      state = (Math.imul(1664525, state) + 1013904223) >>> 0;
      mutant[state % mutant.length] = state >>> 24;
    }
    for (const member of ["stages/1.onnx", "stages/1.tflite"]) {
      try {
        refuseExternalData(member, mutant);
      } catch (error) {
        refusal(/./)(error);
      }
    }
  }
});

/** A field of bytes, of fewer than 128. */
function field(number: number, content: readonly number[]): number[] {
  const tag = (number << 3) | 2;
  return [...(tag < 128 ? [tag] : [(tag & 127) | 128, tag >> 7]), content.length, ...content];
}

// By which fields a tensor is reached from the model: graphs, nodes, attributes, functions, training, sparse tensors.
for (const path of [
  [7, 5],
  [7, 15, 1],
  [7, 15, 2],
  [7, 1, 5, 5],
  [7, 1, 5, 10],
  [7, 1, 5, 6, 5],
  [7, 1, 5, 11, 5],
  [7, 1, 5, 22, 1],
  [7, 1, 5, 23, 2],
  [7, 1, 5, 6, 1, 5, 6, 5],
  [20, 1, 5],
  [20, 2, 5],
  [25, 7, 5, 5],
  [25, 11, 5],
]) {
  test(`a tensor at ${path.join(".")} is looked at`, () => {
    const holding = (tensor: readonly number[]) =>
      Uint8Array.from(path.reduceRight<readonly number[]>((inner, number) => field(number, inner), tensor));
    assert.equal(onnxIsExternal(holding([0x70, 1])), true); // data_location: EXTERNAL
    assert.equal(onnxIsExternal(holding([0x6a, 0])), true); // external_data, empty
    assert.equal(onnxIsExternal(holding([0x70, 0])), false);
    assert.throws(() => onnxIsExternal(holding([0x70, 0]).subarray(0, -1)));
  });
}

test("large files of tiny fields, and graphs in graphs, end soon", () => {
  const tiny = Uint8Array.from({ length: 100_002 }, (_, i) => (i % 2 ? 1 : 8));
  assert.throws(() => onnxIsExternal(tiny), /over 50000 fields/);
  assert.equal(onnxIsExternal(tiny.subarray(0, 100_000)), false);
});
