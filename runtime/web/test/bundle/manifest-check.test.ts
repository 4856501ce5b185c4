import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeGolden, decodeManifest, schemaVersionFor } from "../../src/bundle/manifest-check.js";
import { vector } from "../support/tiny.js";
import { MANIFEST, membersOf, refusal, small, utf8, VECTORS } from "./given.js";

const RAW = new TextDecoder().decode(membersOf(small())[MANIFEST]);

/** Without the difference between objects that have a prototype and those that have none. */
const plain = (value: unknown) => JSON.parse(JSON.stringify(value));

/** Where a message says that it is; that of an unknown key names its object here, and the key itself there. */
const placeOf = (message: string) => /`(\$[^`]*)`/.exec(message)?.[1] ?? "";

for (const [place, size, text, wrong] of VECTORS.manifests) {
  const changed = RAW.slice(0, place) + text + RAW.slice(place + size);
  test(`${RAW.slice(place, place + size)} as ${text.slice(0, 60)}`, () => {
    if (wrong === null) {
      assert.deepEqual(plain(decodeManifest(utf8(changed))), {
        convergence: null,
        recognition: null,
        ...plain(JSON.parse(changed)),
      });
      return;
    }
    assert.throws(
      () => decodeManifest(utf8(changed)),
      (error) => {
        const { message } = error as Error;
        if (!/unknown field|occurs twice|malformed|Invalid enum value 'caffe'/.test(wrong)) {
          assert.equal(placeOf(message), placeOf(wrong));
        }
        const kind =
          /unknown field|occurs twice|malformed|missing required field|got `\w+`|schema version \d|names? [^;]*/;
        if (!/recursion|truncated|trailing/.test(wrong)) {
          assert.ok(message.includes(kind.exec(wrong)?.[0] ?? ""), `${message} | ${wrong}`);
        }
        return refusal(/; (make the bundle again|update fpm-edge, or .*)$/)(error);
      },
    );
  });
}

test("fields that may be left out have their defaults, no prototype's keys and no memory of each other", () => {
  const raw = JSON.parse(RAW);
  for (const name of ["calibration", "measured", "max_ne_drift", "max_part_drift", "convergence", "model"]) {
    delete raw[name];
  }
  delete raw.landmarks.normalizers;
  delete raw.landmarks.groups;
  delete raw.geometry.channels;
  delete raw.geometry.resize;
  delete raw.quantization.exceptions;
  const made = decodeManifest(utf8(JSON.stringify(raw)));
  assert.deepEqual(plain(made), { recognition: null, convergence: null, ...JSON.parse(RAW), model: {} });
  assert.equal(made.quantization.exceptions.constructor, undefined);
  assert.throws(() => Object.assign(made.model, { a: 1 }), TypeError);
});

test("what is said about recognition is checked", () => {
  const raw = RAW.replace('"schema_version": 1', '"schema_version": 3, "recognition": {}');
  assert.throws(() => decodeManifest(utf8(raw)), refusal(/recognition is empty/));
});

test("what a real manifest says is all there", () => {
  const raw = membersOf(vector("tiny.fpm"))[MANIFEST];
  assert.deepEqual(plain(decodeManifest(raw)), { recognition: null, ...JSON.parse(new TextDecoder().decode(raw)) });
});

test("the lowest version that can say it", () => {
  const { quantization, pieces } = decodeManifest(utf8(RAW));
  const version = (change: object) =>
    schemaVersionFor({ quantization, pieces, convergence: null, recognition: null, ...change });
  assert.equal(version({}), 1);
  assert.equal(version({ quantization: { ...quantization, precision: "dynamic-range" } }), 2);
  assert.equal(version({ quantization: { ...quantization, exceptions: { stage_1: "int16x8" } } }), 2);
  assert.equal(version({ convergence: {} }), 2);
  assert.equal(version({ recognition: {} }), 3);
  const [piece] = pieces.onnx!;
  const outputs = piece.outputs.map((spec) => ({ ...spec, dtype: "uint8" }));
  assert.equal(version({ recognition: {}, pieces: { onnx: [{ ...piece, outputs }] } }), 4);
  const others = outputs.map((spec) => ({ ...spec, name: "context" }));
  assert.equal(version({ pieces: { onnx: [{ ...piece, outputs: others }] } }), 1);
});

test("golden cases", () => {
  const golden = { cases: [{ member: "golden/0.png", category: "all", landmarks: [[[1, 2.5]]] }], limits: [0.5] };
  assert.deepEqual(plain(decodeGolden(utf8(JSON.stringify(golden)))), golden);
  for (const [from, to, message] of [
    [
      "[1,2.5]",
      "[1]",
      /golden\/golden\.json is not valid: Expected `array` of length 2 - at `\$\.cases\[0\]\.landmarks\[0\]\[0\]`/,
    ],
    ["[0.5]", "[1e999]", /Number out of range - at `\$\.limits\[0\]`/],
    ["[0.5]", "[NaN]", /malformed/],
    ['"limits"', '"limit"', /unknown field - at `\$\.limit`/],
  ] as const) {
    assert.throws(() => decodeGolden(utf8(JSON.stringify(golden).replace(from, to))), refusal(message));
  }
});
