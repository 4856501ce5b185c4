import assert from "node:assert/strict";
import { test } from "node:test";
import { loadKeys, type TrustedKey } from "../../src/bundle/trusted-keys.js";
import { MissingExtraError, UsageError } from "../../src/errors.js";
import { utf8, VECTORS } from "./given.js";

const { keys } = VECTORS;
const RAW = Uint8Array.from(keys.raw.match(/../g)!, (digits) => Number.parseInt(digits, 16));
const DIGEST = "56475aa75463474c0285df5dbf2bcab73da651358839e9b77481b2eab107708c";

test("a key in each of its forms", async () => {
  const imported = await crypto.subtle.importKey("raw", RAW, "Ed25519", true, ["verify"]);
  const windows = keys.trusted.replaceAll("\n", "\r\n");
  for (const form of [
    keys.trusted,
    windows,
    `made by us\n${keys.trusted}`,
    utf8(keys.trusted),
    utf8(keys.trusted).buffer,
    RAW,
    RAW.buffer,
    imported,
  ]) {
    assert.deepEqual([...(await loadKeys([form])).keys()], [DIGEST]);
  }
  assert.equal((await loadKeys(new Set([keys.trusted, keys.other]))).size, 2);
});

const hidden = crypto.subtle.importKey("raw", RAW, "Ed25519", false, ["verify"]);
const agreed = crypto.subtle.generateKey("Ed25519", true, ["sign", "verify"]);

for (const [name, sources, message] of [
  ["none", [], /there is no trusted key/],
  ["a key alone", keys.trusted, /trustedKeys is one key; expected a list/],
  ["bytes alone", RAW, /is one key; expected a list/],
  ["memory alone", RAW.buffer, /is one key; expected a list/],
  ["an empty text", "", /is one key; expected a list/],
  ["a number", 7, /is one key; expected a list/],
  ["nothing in it", [""], /no public key in PEM form; expected Ed25519, as `fpm-edge keygen` writes it/],
  ["not PEM", [keys.trusted, "hello"], /no public key in PEM form/],
  ["a private key", [keys.private], /no public key in PEM form/],
  ["a key of a curve", [keys.curve], /a trusted key is of another kind/],
  [
    "a key of X25519, which is as long",
    [keys.trusted.replace("MCowBQYDK2VwAyEA", "MCowBQYDK2VuAyEA")],
    /of another kind/,
  ],
  ["a key cut short", [keys.trusted.replace(/.{8}\n-----END/, "\n-----END")], /of another kind|no public key/],
  ["letters that are none of base64", [keys.trusted.replace("MC", "!!")], /no public key in PEM form/],
  ["31 bytes", [RAW.subarray(1)], /no public key in PEM form/],
  ["undefined", [undefined], /neither PEM text nor an Ed25519 public key/],
] as const) {
  test(`${name}: refused`, async () => {
    await assert.rejects(
      loadKeys(sources as unknown as Iterable<TrustedKey>),
      (error) => error instanceof UsageError && message.test(error.message),
    );
  });
}

test("CryptoKeys that cannot be exported, or are private", async () => {
  for (const key of [await hidden, ((await agreed) as CryptoKeyPair).privateKey]) {
    await assert.rejects(loadKeys([key]), UsageError);
  }
});

test("a platform without Ed25519 says so", async (t) => {
  t.mock.method(crypto.subtle, "importKey", async () => {
    throw new DOMException("Unrecognized name.", "NotSupportedError");
  });
  await assert.rejects(
    loadKeys([keys.trusted]),
    (error) => error instanceof MissingExtraError && /Ed25519 .*Unrecognized name\..*newer browser/.test(error.message),
  );
});
