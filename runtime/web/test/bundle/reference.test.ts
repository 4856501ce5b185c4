import assert from "node:assert/strict";
import { test } from "node:test";
import { BundleContents, REFERENCE } from "../../src/bundle/contents.js";
import { checkedReference } from "../../src/bundle/reference.js";
import { put, refusal, sealed, signed, small, VECTORS } from "./given.js";

async function referenceIn(content: Uint8Array): Promise<BundleContents> {
  const bundle = await BundleContents.open(content, "it");
  return checkedReference(bundle, (inner) => BundleContents.open(inner, "inner"), `it: ${REFERENCE}`);
}

test("one that fits, signed or not", async () => {
  for (const inner of [small(), signed(VECTORS.signatures.good)]) {
    const reference = await referenceIn(await sealed({ [REFERENCE]: inner }));
    assert.equal(reference.manifest.name, "colours");
    assert.equal(reference.signature, null);
  }
});

test("the order of keys does not matter", async () => {
  const inner = await sealed({}, (manifest) => {
    manifest.landmarks.categories = { warm: [0], all: [0, 1, 2] };
  });
  assert.ok(await referenceIn(await sealed({ [REFERENCE]: inner })));
});

for (const [name, changes] of [
  ["names", { "landmarks.name": "other" }],
  ["categories", { "landmarks.categories.cold": [1] }],
  ["indices", { "landmarks.categories.warm": [1] }],
  ["strides", { "geometry.stride": 16, "pieces.onnx.0.outputs.0.shape": [1, 4, 2, 3] }],
] as const) {
  test(`other ${name} do not fit`, async () => {
    const inner = await sealed({}, (manifest) => {
      for (const [path, value] of Object.entries(changes)) {
        put(manifest, path, value);
      }
    });
    const content = await sealed({ [REFERENCE]: inner });
    await assert.rejects(referenceIn(content), refusal(/has other landmarks, geometry or stages/));
  });
}

test("one that is no bundle, or has one of its own", async () => {
  await assert.rejects(
    referenceIn(await sealed({ [REFERENCE]: "PK" })),
    refusal(/^it: reference\/float\.fpm: inner is not a bundle/),
  );
  const nested = await sealed({ [REFERENCE]: await sealed({ [REFERENCE]: small() }) });
  await assert.rejects(referenceIn(nested), refusal(/it: reference\/float\.fpm has a reference of its own/));
});
