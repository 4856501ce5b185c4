import assert from "node:assert/strict";
import { test } from "node:test";
import type { Piece } from "../../src/bundle/manifest.js";
import { type LiteRtCompiled, type LiteRtModule, type LiteRtTensor, liteRt } from "../../src/engines/litert.js";
import { BundleError, FpmEdgeError, MissingExtraError, UsageError } from "../../src/errors.js";
import { loadedLiteRt } from "../support/litert-in-node.js";
import { tiny } from "../support/tiny.js";

const litert = await loadedLiteRt();
const bundle = await tiny();
const reference = (await bundle.reference())!;
const [first] = reference.manifest.pieces.tflite as [Piece];
const model = await reference.read(first.member);
const image = (value: number) => ({ image: new Uint8Array(64 * 64 * 3).fill(value) });

test("what a piece gives is as its specs say, and stays as it is when the next one runs", async () => {
  const engine = liteRt(litert);
  assert.deepEqual([engine.name, engine.formats], ["litert-web", ["tflite"]]);
  const runner = await engine.load(first, model, 1);
  assert.deepEqual([runner.delegate, runner.delegated], ["none", 0]);
  const grey = await runner.run(image(128));
  assert.deepEqual(Object.keys(grey).sort(), ["features", "heatmap_1"]);
  assert.ok(grey.heatmap_1 instanceof Float32Array && grey.heatmap_1.length === 25 * 16 * 16);
  const before = grey.heatmap_1.slice();
  const white = await runner.run(image(255));
  assert.deepEqual(grey.heatmap_1, before);
  assert.notDeepEqual(white.heatmap_1, before);
  runner.dispose();
});

test("a run leaves nothing behind in WebAssembly's memory", async () => {
  const runner = await liteRt(litert).load(first, model);
  const heap = () => (litert.getGlobalLiteRt().liteRtWasm as unknown as { HEAPU8: Uint8Array }).HEAPU8.length;
  const before = heap();
  for (let run = 0; run < 2000; run++) {
    await runner.run(image(run % 256)); // 90 kB of tensors each
  }
  assert.equal(heap(), before);
  runner.dispose();
});

test("int8 is refused before anything is loaded, with what to do", async () => {
  const [piece] = bundle.manifest.pieces.tflite as [Piece];
  const load = liteRt(litert).load(piece, await bundle.read(piece.member));
  await assert.rejects(load, failing(UsageError, "heatmap_1 is int8, and LiteRT.js takes float32 and uint8 only"));
  await assert.rejects(load, failing(UsageError, "fpm-edge convert --edges uint8"));
});

test("a model that is damaged, or not as the manifest says, is a BundleError", async () => {
  const engine = liteRt(litert);
  await assert.rejects(engine.load(first, new Uint8Array(500)), failing(BundleError, "cannot load stages/1.tflite"));
  const renamed = { ...first, outputs: first.outputs.map((spec) => ({ ...spec, name: `${spec.name}x` })) };
  await assert.rejects(
    engine.load(renamed, model),
    failing(BundleError, "the model's outputs are features, heatmap_1"),
  );
  const [spec] = first.inputs as [Piece["inputs"][0]];
  const larger = { ...first, inputs: [{ ...spec, shape: [1, 64, 65, 3] }] };
  await assert.rejects(
    engine.load(larger, model),
    failing(BundleError, "the manifest says image uint8 (1, 64, 65, 3)"),
  );
});

test("more threads than it was loaded with are refused", async () => {
  await assert.rejects(liteRt(litert).load(first, model, 2), failing(UsageError, "LiteRT.js was loaded with 1"));
});

test("one thread unless more are asked for; what has several is left to the page", async () => {
  const { module, deleted, asked } = fakeLiteRt({ options: { accelerator: "wasm" } }, 4);
  (await liteRt(module).load(first, model)).dispose();
  assert.equal(deleted(), 1);
  (await liteRt(module).load(first, model, 4)).dispose();
  assert.equal(deleted(), 1);
  assert.deepEqual(
    asked.map((options) => options.cpuOptions?.numThreads),
    [1, 4],
  );
});

test("a module that was not loaded says so", async () => {
  const idle = {
    ...fakeLiteRt({}).module,
    getGlobalLiteRt(): never {
      throw new Error("LiteRT is not initialized.");
    },
  };
  await assert.rejects(liteRt(idle).load(first, model), failing(MissingExtraError, "await loadLiteRt(...) first"));
});

test("WebGPU takes all of a piece, or there is an error that is not the bundle's", async () => {
  const engine = liteRt(litert, { accelerator: "webgpu" });
  assert.equal(engine.name, "litert-web-gpu");
  await assert.rejects(engine.load(first, model), refused); // there is none here
  await assert.rejects(engine.load(first, new Uint8Array(500)), failing(BundleError, "cannot load"));
  for (const left of [{ isFullyAccelerated: false }, { options: { accelerator: "wasm" } }]) {
    const { module, deleted } = fakeLiteRt(left);
    await assert.rejects(liteRt(module, { accelerator: "webgpu" }).load(first, model), refused);
    assert.equal(deleted(), 2); // and that on the processor, which shows that the model is well
  }
  const { module } = fakeLiteRt({});
  const runner = await liteRt(module, { accelerator: "webgpu" }).load(first, model);
  assert.deepEqual([runner.delegate, runner.delegated], ["gpu", 1]);
});

function refused(error: unknown): boolean {
  failing(FpmEdgeError, "WebGPU is not there, or does not take all of its operations")(error);
  return !(error instanceof BundleError);
}

function failing(kind: new (message: string) => Error, words: string) {
  return (error: unknown) => {
    assert.ok(error instanceof kind, String(error));
    assert.ok(error.message.includes(words), error.message);
    return true;
  };
}

/** A module with WebGPU that takes all of the first piece, unless `changes` says otherwise. */
function fakeLiteRt(
  changes: Partial<LiteRtCompiled<LiteRtTensor>>,
  threads = 1,
): {
  module: LiteRtModule<LiteRtTensor>;
  deleted: () => number;
  asked: Parameters<LiteRtModule<LiteRtTensor>["loadAndCompile"]>[1][];
} {
  const asked: Parameters<LiteRtModule<LiteRtTensor>["loadAndCompile"]>[1][] = [];
  let deleted = 0;
  const details = (specs: Piece["inputs"]) =>
    specs.map(({ name, dtype, shape }) => ({ name, dtype, shape: Int32Array.from(shape) }));
  const compiled: LiteRtCompiled<LiteRtTensor> = {
    getInputDetails: () => details(first.inputs),
    getOutputDetails: () => details(first.outputs),
    run: async () => ({}),
    signatures: {},
    isFullyAccelerated: true,
    options: { accelerator: "webgpu" },
    delete: () => {
      deleted++;
    },
    ...changes,
  };
  class Tensor implements LiteRtTensor {
    data = async () => new Float32Array(0);
    delete() {}
  }
  return {
    module: {
      Tensor,
      loadAndCompile: async (_, options) => {
        asked.push(options);
        return compiled;
      },
      getGlobalLiteRt: () => ({ liteRtWasm: { getThreadCount: () => threads } }),
    },
    deleted: () => deleted,
    asked,
  };
}
