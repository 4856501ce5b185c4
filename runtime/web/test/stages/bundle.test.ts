import assert from "node:assert/strict";
import { test } from "node:test";
import * as ort from "onnxruntime-node";
import { liteRt } from "../../src/engines/litert.js";
import { onnxRuntime } from "../../src/engines/onnxruntime.js";
import { BundleError, UsageError } from "../../src/errors.js";
import { openBundle } from "../../src/stages/bundle.js";
import { fakeEngine } from "../support/fakes.js";
import { loadedLiteRt } from "../support/litert-in-node.js";
import { goldenInputs, tiny, vector } from "../support/tiny.js";

const content = vector("tiny.fpm");

test("from bytes, a file or an address", async () => {
  const asked: unknown[] = [];
  const fetch = async (address: string | URL) => {
    asked.push(address);
    return new Response(content as Uint8Array<ArrayBuffer>);
  };
  const address = new URL("https://127.0.0.1/tiny.fpm");
  for (const [source, where] of [
    [content, "bundle in memory"],
    [content.slice().buffer, "bundle in memory"],
    [new Blob([content as Uint8Array<ArrayBuffer>]), "bundle in memory"],
    ["models/tiny.fpm", "models/tiny.fpm"],
    [address, "https://127.0.0.1/tiny.fpm"],
  ] as const) {
    const bundle = await openBundle(source, { fetch });
    assert.deepEqual([bundle.where, bundle.stages, [...bundle.formats].sort()], [where, 3, ["onnx", "tflite"]]);
  }
  assert.deepEqual(asked, ["models/tiny.fpm", address]);
});

test("what cannot be fetched says why", async () => {
  const answering = (response: () => Response) => openBundle("a.fpm", { fetch: async () => response() });
  await assert.rejects(
    answering(() => new Response("no", { status: 404, statusText: "Not Found" })),
    (error) => {
      assert.ok(error instanceof BundleError);
      assert.equal(error.message, "a.fpm: it cannot be fetched (the server answered 404 Not Found); check the address");
      return true;
    },
  );
  await assert.rejects(
    answering(() => {
      throw new TypeError("Failed to fetch");
    }),
    /a\.fpm: it cannot be fetched \(Failed to fetch\)/,
  );
  await assert.rejects(openBundle("not an address"), BundleError);
  await assert.rejects(
    answering(() => new Response("<html>")),
    (error) => error instanceof BundleError && error.message.startsWith("a.fpm"),
  );
});

test("the float model inside is a bundle, and is checked with it", async () => {
  const bundle = await tiny();
  await bundle.check();
  const reference = (await bundle.reference())!;
  assert.equal(reference.manifest.quantization.precision, "float32");
  assert.equal(await reference.reference(), null);
  const session = await reference.session({ engine: onnxRuntime(ort), threads: 1 });
  const [input] = await goldenInputs(bundle);
  const golden = (await bundle.golden())!.cases[0]!;
  for (const { stage, landmarks } of await session.detectInput(input!)) {
    const expected = golden.landmarks[stage - 1]!.flat();
    landmarks.forEach((value, i) => {
      assert.ok(Math.abs(value - expected[i]!) < 0.01, `stage ${stage}`);
    });
  }
  await session.dispose();
});

test("an engine gets the format that it reads best, or the one asked for", async () => {
  const bundle = await tiny();
  assert.equal((await bundle.session({ engine: fakeEngine() })).format, "onnx");
  assert.equal((await bundle.session({ engine: fakeEngine(), format: "tflite" })).format, "tflite");
  const engine = onnxRuntime(ort);
  await assert.rejects(bundle.session({ engine, format: "tflite" }), (error) => {
    assert.ok(error instanceof UsageError);
    assert.match(
      error.message,
      /^engine onnxruntime-node reads onnx and the bundle has .*, of which tflite is asked for/,
    );
    return true;
  });
});

test("LiteRT.js and ONNX Runtime agree on the float model", async () => {
  const bundle = await tiny();
  const reference = (await bundle.reference())!;
  const one = await reference.session({ engine: onnxRuntime(ort) });
  const other = await reference.session({ engine: liteRt(await loadedLiteRt(), { version: "2.5.3" }) });
  assert.deepEqual([other.engine, other.engineVersion, other.format], ["litert-web", "2.5.3", "tflite"]);
  for (const data of await goldenInputs(bundle)) {
    const picture = { data, width: 64, height: 64, channels: 3 } as const;
    const [first, second] = [await one.detect(picture), await other.detect(picture)];
    first.landmarks.forEach((value, i) => {
      assert.ok(Math.abs(value - second.landmarks[i]!) < 0.01);
    });
  }
});

test("in a check, all of the reference is read as well", async () => {
  const bundle = await tiny();
  const reference = (await bundle.reference())!;
  reference.check = async () => {
    throw new BundleError("it was");
  };
  bundle.reference = async () => reference;
  await assert.rejects(bundle.check(), /it was/);
});
