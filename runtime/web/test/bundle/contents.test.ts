import assert from "node:assert/strict";
import { test } from "node:test";
import { BundleContents } from "../../src/bundle/contents.js";
import type { GoldenCase } from "../../src/bundle/manifest.js";
import { type FpmEdgeError, UsageError } from "../../src/errors.js";
import { vector } from "../support/tiny.js";
import { MANIFEST, membersOf, packed, put, refusal, sealed, signed, small, unpacked, utf8, VECTORS } from "./given.js";

const open = (content: Uint8Array | ArrayBuffer | Blob) => BundleContents.open(content, "it");

test("what is in it", async () => {
  const bundle = await open(small());
  assert.equal(bundle.where, "it");
  assert.equal(bundle.manifest.name, "colours");
  assert.deepEqual(bundle.schema.landmarks, ["red", "green", "blue"]);
  assert.deepEqual([bundle.stages, bundle.formats, bundle.signature], [1, ["onnx"], null]);
  assert.deepEqual(bundle.members, Object.keys(membersOf(small())));
  assert.match(bundle.digest, /^[0-9a-f]{64}$/);
  assert.deepEqual(bundle.source, small());
  for (const [name, data] of Object.entries(membersOf(small()))) {
    assert.deepEqual(await bundle.read(name), data);
  }
  await bundle.check();
});

test("from all kinds of bytes, of which members are views", async () => {
  const shifted = new Uint8Array(small().length + 5).subarray(5);
  shifted.set(small());
  for (const source of [small(), small().buffer, new Blob([small()]), shifted]) {
    const bundle = await open(source);
    const card = await bundle.read("card.md");
    assert.equal(new TextDecoder().decode(card), "# Colours\n");
    assert.equal(card.buffer, bundle.source.buffer);
  }
  const shared = new Uint8Array(new SharedArrayBuffer(small().length));
  shared.set(small());
  const bundle = await open(shared);
  assert.notEqual(bundle.source.buffer, shared.buffer);
  await bundle.check();
});

test("what is no bytes is a mistake of the caller, and what cannot be read says so", async () => {
  for (const source of ["a.fpm", null, undefined, 7, [1, 2]]) {
    await assert.rejects(open(source as unknown as Uint8Array), UsageError);
  }
  const gone = new Blob([small()]);
  gone.arrayBuffer = () => Promise.reject(new DOMException("gone", "NotReadableError"));
  await assert.rejects(open(gone), refusal(/^it cannot be read: .*gone/));
});

test("a subclass is made of what it is opened as", async () => {
  class Mine extends BundleContents {
    twice(): number {
      return 2 * this.stages;
    }
  }
  assert.equal((await Mine.open(small(), "it")).twice(), 2);
});

test("golden cases and their inputs", async () => {
  const bundle = await open(small());
  const golden = (await bundle.golden())!;
  assert.deepEqual(golden.limits, [0.5]);
  const pixels = await bundle.goldenInput(golden.cases[0]);
  assert.equal(pixels.length, 32 * 48 * 3);
  assert.ok(pixels.every((byte) => byte === 7));
  const without = await open(await sealed({ "golden/golden.json": null, "golden/0.png": null }));
  assert.equal(await without.golden(), null);
  await without.check();
});

test("a member that is not there", async () => {
  await assert.rejects(
    (await open(small())).read("whole.onnx"),
    new UsageError(`the bundle has no member 'whole.onnx'; it has: ${Object.keys(membersOf(small())).join(", ")}`),
  );
});

test("every change of a byte is found, and every error is one of ours", async () => {
  const content = signed(VECTORS.signatures.good);
  for (let at = 0; at < content.length; at++) {
    const changed = content.slice();
    changed[at] ^= 1 << (at % 8);
    await assert.rejects(
      (async () => (await open(changed)).check())(),
      (error) => refusal(/^it[: ]/)(error) && (error as Error).message.length < 2500,
      `byte ${at}`,
    );
  }
});

test("a change after it was opened is found too", async () => {
  const content = small();
  const bundle = await open(content);
  content.fill(0, content.length / 2);
  await assert.rejects(bundle.check(), refusal(/^it: .* is damaged/));
});

test("other data with a right checksum does not have the digest", async () => {
  const bundle = await open(packed({ ...membersOf(small()), "card.md": utf8("# Evil\n") }));
  await assert.rejects(bundle.read("card.md"), refusal(/^it: member card\.md does not have the SHA-256/));
  assert.ok(await bundle.read("stages/1.onnx"));
});

for (const [name, make, message] of [
  ["no manifest", async () => packed({ "card.md": utf8("x") }), /^it: manifest\.json is missing/],
  ["no JSON", async () => packed({ [MANIFEST]: utf8("{") }), /^it: manifest\.json is not valid/],
  ["no digest", async () => sealed({}, (made) => put(made, "digests", {})), /differ in card\.md, golden\/0\.png, /],
  ["a strange digest", async () => sealed({}, ({ digests }) => put(digests, "x", "0")), /differ in x; get/],
  [
    "a digest of it",
    async () => sealed({}, (made) => put(made, "digests", { [MANIFEST]: "" })),
    /differ in manifest\.json;/,
  ],
  [
    "no piece",
    async () => sealed({ "stages/1.onnx": null }),
    /stages\/1\.onnx, which manifest\.json names, is missing/,
  ],
  ["a piece too many", async () => sealed({ "stages/2.onnx": "x" }), /member stages\/2\.onnx is no piece/],
  ["no cases", async () => sealed({ "golden/golden.json": null }), /golden inputs but no golden\/golden\.json/],
  ["wrong wiring", async () => sealed({}, (made) => put(made, "stages", 2)), /expected stage_1 to stage_2/],
] as const) {
  test(`${name}: refused at once`, async () => {
    await assert.rejects(open(await make()), refusal(message));
  });
}

const CASE = {
  member: "golden/0.png",
  category: "all",
  landmarks: [
    [
      [1, 2],
      [3, 4],
      [5, 6],
    ],
  ],
};

for (const [path, value, message] of [
  ["limits", [0.5, 1], /limits are \[0\.5,1\]; expected one for each of 1 stages/],
  ["limits", [-1], /limits are \[-1\]/],
  ["cases", [CASE, CASE], /an input is used by two cases/],
  ["cases.0.member", "../../etc/passwd", /input '\.\.\/\.\.\/etc\/passwd' is not in the bundle/],
  ["cases.0.member", MANIFEST, /is not in the bundle/],
  ["cases.0.category", "hats", /category 'hats' is not in schema 'colours'; expected one of: all, warm/],
  ["cases.0.category", "constructor", /category 'constructor' is not in/],
  ["cases.0.landmarks", [...CASE.landmarks, []], /it has not 1 stages of 3 landmarks/],
  ["cases.0.landmarks", [CASE.landmarks[0].slice(1)], /it has not 1 stages of 3 landmarks/],
] as const) {
  test(`golden ${path} as ${JSON.stringify(value).slice(0, 40)} is refused`, async () => {
    const golden = { cases: [structuredClone(CASE)], limits: [0.5] };
    put(golden, path, value);
    const bundle = await open(await sealed({ "golden/golden.json": JSON.stringify(golden) }));
    await assert.rejects(bundle.golden(), refusal(message));
    await assert.rejects(bundle.check(), refusal(/; make the bundle again$/));
  });
}

test("an input that is no input", async () => {
  const picture = unpacked(VECTORS.pictures[0][1]);
  for (const data of [picture, picture.subarray(0, 40), utf8("")]) {
    const bundle = await open(await sealed({ "golden/0.png": data }));
    const { cases } = (await bundle.golden())!;
    await assert.rejects(
      bundle.goldenInput(cases[0] as GoldenCase),
      refusal(/golden\/0\.png is not a readable PNG: its? /),
    );
  }
});

test("a model that needs other files is never handed out", async () => {
  const [, model] = VECTORS.models.find(([, , wrong]) => wrong?.includes("other files"))!;
  const bundle = await open(await sealed({ "stages/1.onnx": unpacked(model) }));
  await assert.rejects(bundle.read("stages/1.onnx"), refusal(/^it: stages\/1\.onnx has data in other files/));
});

test("messages can be printed, whatever is quoted in them", async () => {
  const name = `\u001b[2J\u202e${"a".repeat(500_000)}`;
  const content = await sealed({}, (made) => put(made, "pieces.onnx.0.name", name));
  await assert.rejects(open(content), (error) => {
    const { message } = error as FpmEdgeError;
    return refusal(/\\u\{1b\}\[2J\\u\{202e\}a+ \[\.\.\.\] a/)(error) && message.length < 2500;
  });
});

test("a real bundle", async () => {
  const bundle = await open(vector("tiny.fpm"));
  assert.deepEqual([...bundle.formats].sort(), ["onnx", "tflite"]);
  await bundle.check();
});
