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

test("large files of tiny fields, and graphs in graphs, end soon", () => {
  const tiny = Uint8Array.from({ length: 100_002 }, (_, i) => (i % 2 ? 1 : 8));
  assert.throws(() => onnxIsExternal(tiny), /over 50000 fields/);
  assert.equal(onnxIsExternal(tiny.subarray(0, 100_000)), false);
});
