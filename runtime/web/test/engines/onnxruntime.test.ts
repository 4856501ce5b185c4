import assert from "node:assert/strict";
import { test } from "node:test";
import * as ortNode from "onnxruntime-node";
import * as ortWeb from "onnxruntime-web";
import type { Piece } from "../../src/bundle/manifest.js";
import { probe, probed } from "../../src/engines/onnx-overflow.js";
import { type OrtModule, onnxRuntime } from "../../src/engines/onnxruntime.js";
import { BundleError, FpmEdgeError, MissingExtraError, UsageError } from "../../src/errors.js";
import { tiny } from "../support/tiny.js";

const bundle = await tiny();
const pieces = bundle.manifest.pieces.onnx!;
const [first] = pieces as [Piece];
const model = await bundle.read(first.member);
const image = (value: number) => ({ image: new Uint8Array(64 * 64 * 3).fill(value) });

for (const [name, ort] of [
  ["onnxruntime-node", ortNode],
  ["onnxruntime-web", ortWeb],
] as const) {
  test(`${name}: what a piece gives is as its specs say, and stays as it is when the next one runs`, async () => {
    const engine = onnxRuntime(ort);
    assert.equal(engine.name, name);
    assert.match(engine.version, /^\d+\.\d+\.\d+/);
    const runner = await engine.load(first, model, 1);
    assert.deepEqual([runner.delegate, runner.delegated], ["none", 0]);
    const grey = await runner.run({ ...image(128), unknown: new Uint8Array(1) });
    assert.deepEqual(Object.keys(grey).sort(), ["features", "heatmap_1"]);
    assert.equal(grey.heatmap_1!.constructor, Int8Array);
    assert.equal(grey.features!.constructor, Uint8Array);
    assert.equal(grey.heatmap_1!.length, 25 * 16 * 16);
    const before = grey.heatmap_1!.slice();
    const white = await runner.run(image(255));
    assert.deepEqual(grey.heatmap_1, before);
    assert.notDeepEqual(white.heatmap_1, before);
    runner.dispose();
  });

  test(`${name}: a model that is damaged, or not as the manifest says, is a BundleError`, async () => {
    const engine = onnxRuntime(ort);
    const load = (piece: Piece, bytes: Uint8Array) => engine.load(piece, bytes);
    const cut = model.slice(0, model.length / 2);
    await assert.rejects(load(first, cut), failing(BundleError, `${name} cannot load stages/1.onnx: `));
    const renamed = { ...first, outputs: first.outputs.map((spec) => ({ ...spec, name: `${spec.name}x` })) };
    await assert.rejects(
      load(renamed, model),
      failing(BundleError, "outputs are features, heatmap_1; the manifest says features"),
    );
    const more = { ...first, outputs: first.outputs.slice(1) };
    await assert.rejects(load(more, model), failing(BundleError, "the model's outputs are"));
    const [spec] = first.inputs as [Piece["inputs"][0]];
    const larger = { ...first, inputs: [{ ...spec, shape: [1, 64, 65, 3] }] };
    await assert.rejects(
      load(larger, model),
      failing(BundleError, "are image uint8 (1, 64, 64, 3); the manifest says image uint8 (1, 64, 65, 3)"),
    );
    const retyped = { ...first, inputs: [{ ...spec, dtype: "float32" as const }] };
    await assert.rejects(load(retyped, model), failing(BundleError, "the manifest says image float32"));
  });

  test(`${name}: an accelerator takes all of a piece, or there is an error that is not the bundle's`, async () => {
    const engine = onnxRuntime(ort, { executionProvider: "webgpu" });
    assert.equal(engine.name, `${name}-webgpu`);
    await assert.rejects(engine.load(first, model), (error) => {
      failing(FpmEdgeError, "webgpu is not there, or does not take all of its operations")(error);
      return !(error instanceof BundleError);
    });
    await assert.rejects(engine.load(first, model.slice(0, 900)), failing(BundleError, "cannot load stages/1.onnx"));
  });

  test(`${name}: its products are exact here, or are made so`, async () => {
    const session = await ort.InferenceSession.create(probe());
    assert.equal(typeof (await probed(ort, session)), "boolean");
  });
}

test("what is asked of ONNX Runtime", async () => {
  for (const [sum, exact] of [
    [64 * 255 * 127, true],
    [64 * 32767, false],
  ] as const) {
    const { ort, asked } = fakeOrt({ node: "1.30.0" }, sum);
    await onnxRuntime(ort).load(first, model, 3);
    const { session } = asked[1]!.extra as { session: Record<string, unknown> };
    assert.deepEqual(session, { intra_op: { allow_spinning: "0" }, ...(!exact && { x64quantprecision: "1" }) });
    assert.equal(asked[1]!.intraOpNumThreads, 3);
    assert.equal("executionProviders" in asked[1]!, false);
  }
  const { ort, asked } = fakeOrt({ web: "1.30.0" });
  const provider = { name: "webnn", deviceType: "npu" };
  const runner = await onnxRuntime(ort, { executionProvider: provider }).load(first, model);
  assert.deepEqual([runner.delegate, runner.delegated], ["npu", 1]);
  assert.deepEqual(asked[1]!.executionProviders, [provider]);
  assert.equal((asked[1]!.extra as { session: Record<string, unknown> }).session.disable_cpu_ep_fallback, "1");
});

test("on the web, threads are one number for the page", async () => {
  const fresh = fakeOrt({ web: "1.30.0" }).ort;
  await onnxRuntime(fresh).load(first, model, 2);
  assert.equal(fresh.env.wasm.numThreads, 2);
  await onnxRuntime(fresh).load(first, model, 2);
  await onnxRuntime(fresh).load(first, model);
  await assert.rejects(
    onnxRuntime(fresh).load(first, model, 3),
    failing(UsageError, "threads is 3, and onnxruntime-web has 2 (ort.env.wasm.numThreads)"),
  );
  const single = fakeOrt({ web: "1.30.0" }, undefined, 1);
  await assert.rejects(onnxRuntime(single.ort).load(first, model, 2), failing(UsageError, "cross-origin isolated"));
  assert.equal(single.released(), 2);
});

test("an engine that does not start is missing, no bad bundle; whether it can be tried again is up to it", async () => {
  const { ort } = fakeOrt({ web: "1.30.0" });
  const { create } = ort.InferenceSession;
  let there = false;
  const late: OrtModule = {
    ...ort,
    InferenceSession: {
      create: (...given) => (there ? create(...given) : Promise.reject(new Error("404: no such file"))),
    },
  };
  const engine = onnxRuntime(late);
  await assert.rejects(engine.load(first, model), failing(MissingExtraError, "404: no such file"));
  there = true;
  await engine.load(first, model);
});

test("a version that does not say the types of tensors is refused", async () => {
  const { ort } = fakeOrt({ web: "1.20.0" }, undefined, undefined, false);
  await assert.rejects(onnxRuntime(ort).load(first, model), failing(MissingExtraError, "update it to 1.22"));
});

function failing(kind: new (message: string) => Error, words: string) {
  return (error: unknown) => {
    assert.ok(error instanceof kind, String(error));
    assert.ok(error.message.includes(words), error.message);
    return true;
  };
}

/** A module that remembers how sessions are made; all of them are of the first piece, or of the probe. */
function fakeOrt(
  versions: { web?: string; node?: string },
  sum = 64 * 255 * 127,
  threads?: number,
  describes = true,
): { ort: OrtModule; asked: Record<string, unknown>[]; released: () => number } {
  const asked: Record<string, unknown>[] = [];
  let released = 0;
  const metadata = (specs: Piece["inputs"]) =>
    specs.map(({ name, dtype, shape }) => ({ name, isTensor: true as const, type: dtype, shape }));
  const ort: OrtModule = {
    env: { versions: { common: "1.30.0", ...versions }, wasm: {} },
    Tensor: class {
      data = null;
    },
    InferenceSession: {
      async create(_model, options) {
        asked.push(options as Record<string, unknown>);
        ort.env.wasm.numThreads = threads ?? (ort.env.wasm.numThreads || 1);
        return {
          ...(describes && { inputMetadata: metadata(first.inputs), outputMetadata: metadata(first.outputs) }),
          run: async () => ({ y: { data: new Int32Array(64).fill(sum) } }),
          release: async () => {
            released++;
          },
        };
      },
    },
  };
  return { ort, asked, released: () => released };
}
