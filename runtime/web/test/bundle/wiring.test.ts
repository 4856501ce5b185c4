import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeManifest } from "../../src/bundle/manifest-check.js";
import { checkWiring, piecesFor } from "../../src/bundle/wiring.js";
import { vector } from "../support/tiny.js";
import { type Loose, MANIFEST, membersOf, put, refusal } from "./given.js";

/** Three stages in both formats: stage_1, context, stage_2, stage_3. */
function good(): Loose {
  return structuredClone(decodeManifest(membersOf(vector("tiny.fpm"))[MANIFEST]));
}

test("a good one passes, and says which pieces a stage needs", () => {
  const { pieces } = good();
  checkWiring(good());
  const names = (stage: number) => piecesFor(pieces.onnx, stage).map((piece) => piece.name);
  assert.deepEqual(names(1), ["stage_1"]);
  assert.deepEqual(names(2), ["stage_1", "context", "stage_2"]);
  assert.deepEqual(names(3), ["stage_1", "context", "stage_2", "stage_3"]);
});

test("pieces of other precisions may stand between", () => {
  const it = good();
  const [, context, second, third] = it.pieces.tflite;
  for (const spec of [context.outputs[0], second.inputs[1], third.outputs[0]]) {
    Object.assign(spec, { dtype: "float32", scale: null, zero_point: null });
  }
  checkWiring(it);
});

for (const [path, value, message] of [
  ["pieces", {}, /pieces is empty/],
  ["pieces", { onnx: [] }, /pieces is empty/],
  ["pieces.onnx", [], /pieces\.onnx is none; expected stage_1 to stage_3 in order/],
  ["stages", 0, /stages is 0; expected 1 to 99/],
  ["stages", 100, /stages is 100/],
  ["stages", 2, /expected stage_1 to stage_2 in order/],
  ["geometry.stride", 0, /geometry\.input_height is 64 with stride 0; expected a multiple/],
  ["geometry.stride", 5, /expected a multiple of the stride, at most 8192/],
  ["geometry.stride", 1e30, /expected a multiple of the stride, at most 8192/],
  ["geometry.input_width", 8196, /geometry\.input_width is 8196/],
  ["geometry.input_height", -64, /geometry\.input_height is -64/],
  ["geometry.input_height", 0, /geometry\.input_height is 0/],
  ["pieces.tflite", good().pieces.tflite.reverse(), /expected stage_1 to stage_3 in order/],
  ["pieces.tflite.2", good().pieces.tflite[1], /expected stage_1 to stage_3 in order/],
  ["pieces.tflite.4", good().pieces.tflite[1], /at most one context/],
  ["pieces.tflite.0.name", "stage_2", /pieces\.tflite is stage_2, context, stage_2/],
  [
    "pieces.tflite.0.member",
    "../../etc/passwd",
    /stage_1 is in member '\.\.\/\.\.\/etc\/passwd'; expected stages\/1\.tf/,
  ],
  ["pieces.tflite.0.member", "stages/1.onnx", /expected stages\/1\.tflite/],
  ["pieces.tflite.0.inputs", [], /without inputs/],
  ["pieces.tflite.0.inputs.0.dtype", "float32", /input image is float32 .*; expected uint8 \(1,64,64,3\)/],
  ["pieces.tflite.0.inputs.0.layout", "NCHW", /expected uint8 \(1,3,64,64\)/],
  ["pieces.tflite.0.inputs.0.shape.1", 32, /input image is uint8 \(1,32,64,3\)/],
  ["pieces.tflite.1.inputs.0.name", "heatmap_2", /input heatmap_2 is no output .*; expected image or heatmap_1 or f/],
  ["pieces.tflite.1.outputs.0.name", "image", /output image is an earlier tensor too/],
  ["pieces.tflite.1.outputs.0.name", "heatmap_1", /output heatmap_1 is an earlier tensor too/],
  ["pieces.tflite.2.inputs.0.scale", 0.5, /stage_2: input context is int8 .* scale 0\.5, .* as it was made/],
  ["pieces.tflite.2.inputs.0.zero_point", 1, /as it was made/],
  ["pieces.tflite.2.inputs.0.shape.3", 8, /as it was made/],
  ["pieces.tflite.2.inputs.0.layout", "NCHW", /as it was made/],
  ["pieces.tflite.2.inputs.0.dtype", "float32", /neither for float32/],
  ["pieces.tflite.1.outputs.0.scale", null, /expected scale and zero point in the range/],
  ["pieces.tflite.1.outputs.0.scale", 1e39, /of codes/],
  ["pieces.tflite.1.outputs.0.scale", 1.1754943508222874e-38, /of codes/],
  ["pieces.tflite.1.outputs.0.scale", -1, /of codes/],
  ["pieces.tflite.1.outputs.0.zero_point", 128, /of codes/],
  ["pieces.tflite.1.outputs.0.zero_point", null, /of codes/],
  ["pieces.tflite.1.outputs.0.shape", [1, 16, 16], /expected four sizes/],
  ["pieces.tflite.1.outputs.0.shape", [2, 16, 16, 16], /expected four sizes/],
  ["pieces.tflite.1.outputs.0.shape", [1, 16, 0, 16], /expected four sizes/],
  ["pieces.tflite.1.outputs.0.shape", [1, 16, 16, 8193], /expected four sizes/],
  ["pieces.tflite.3.outputs.0.name", "heatmap_4", /stage_3 is without heatmaps; expected an output heatmap_3/],
  ["pieces.tflite.3.outputs.0.shape", [1, 16, 16, 24], /expected \(1,16,16,25\) from geometry and landmarks/],
  ["pieces.tflite.3.outputs.0.layout", "NCHW", /expected \(1,25,16,16\) from geometry and landmarks/],
] as const) {
  test(`${path} as ${JSON.stringify(value).slice(0, 40)} is refused`, () => {
    const it = good();
    put(it, path, value);
    assert.throws(() => checkWiring(it), refusal(message));
    assert.throws(() => checkWiring(it), refusal(/^manifest\.json: .*; make the bundle again$/));
  });
}
