import assert from "node:assert/strict";
import { test } from "node:test";
import { BundleContents } from "../../src/bundle/contents.js";
import { decodeSignature, moment, signedBytes } from "../../src/bundle/signature.js";
import { refusal, signed, small, utf8, VECTORS } from "./given.js";

const { keys, signatures, signed_at: SIGNED_AT } = VECTORS;
const DAY = 24 * 60 * 60;

function open(signature: string | null, trustedKeys?: string[], now?: number): Promise<BundleContents> {
  return BundleContents.open(signature === null ? small() : signed(signature), "it", { trustedKeys, now });
}

test("a trusted key opens", async () => {
  for (const trusted of [[keys.trusted], [keys.other, keys.trusted]]) {
    const { signature, digest, members } = await open(signatures.good, trusted);
    assert.equal(signature?.sequence, 7);
    assert.deepEqual([signature?.created, signature?.expires, signature?.manifest], [SIGNED_AT, null, digest]);
    assert.ok(members.includes("signature.json"));
  }
});

test("without keys nothing is vouched for", async () => {
  assert.equal((await open(signatures.good)).signature, null);
  assert.equal((await open(signatures.forged)).signature, null);
  assert.equal((await open(signatures.expiring, undefined, 1e12)).signature, null);
});

test("without keys it must be about this manifest all the same", async () => {
  await assert.rejects(
    open(signatures["of another manifest"]),
    refusal(/^it: signature\.json is about another bundle/),
  );
});

for (const [name, message] of [
  ["of another manifest", /is about another bundle/],
  ["by another key", /it is signed with key [0-9a-f]{64}, which is not trusted; trusted: 56475aa7/],
  ["forged", /damaged or forged/],
  ["without the prefix", /damaged or forged/],
  ["in its second form", /damaged or forged/],
] as const) {
  test(`${name}: refused`, async () => {
    await assert.rejects(open(signatures[name], [keys.trusted]), refusal(message));
  });
}

test("unsigned, of another key", async () => {
  await assert.rejects(open(null, [keys.trusted]), refusal(/^it: it is not signed, and trusted keys were given/));
  await assert.rejects(open(signatures.good, [keys.other]), refusal(/which is not trusted/));
});

test("an untrusted manifest is not even parsed", async () => {
  const content = small();
  const text = new TextDecoder("latin1").decode(content);
  content[text.indexOf('"schema_version": 1') + '"schema_version": '.length] = "9".charCodeAt(0);
  await assert.rejects(
    BundleContents.open(content, "it", { trustedKeys: [keys.trusted] }),
    refusal(/damaged \(CRC-32\)/),
  );
  await assert.rejects(open(signatures.expiring, [keys.other]), refusal(/not trusted/));
});

test("every bit of the signature counts", async () => {
  const { signature } = JSON.parse(signatures.good);
  for (let digit = 0; digit < 128; digit += 5) {
    const other = ((Number.parseInt(signature[digit], 16) + 1) % 16).toString(16);
    const forged = signature.slice(0, digit) + other + signature.slice(digit + 1);
    await assert.rejects(
      open(signatures.good.replace(signature, forged), [keys.trusted]),
      refusal(/damaged or forged/),
    );
  }
});

test("every field is signed", async () => {
  for (const [from, to] of [
    [`"created":${SIGNED_AT}`, `"created":${SIGNED_AT - 1}`],
    [`"expires":${SIGNED_AT + DAY}`, `"expires":${SIGNED_AT + 2 * DAY}`],
    [`"expires":${SIGNED_AT + DAY}`, '"expires":null'],
    ['"sequence":0', '"sequence":1'],
  ] as const) {
    const changed = signatures.expiring.replace(from, to);
    assert.notEqual(changed, signatures.expiring);
    await assert.rejects(open(changed, [keys.trusted], SIGNED_AT), refusal(/damaged or forged/));
  }
});

test("expiry, by the clock that is given", async () => {
  for (const now of [SIGNED_AT - 300, SIGNED_AT, SIGNED_AT + DAY - 0.5]) {
    assert.ok((await open(signatures.expiring, [keys.trusted], now)).signature);
  }
  const expired = refusal(/its signature expired on 2026-09-22 14:13:20 UTC; get a newer one/);
  await assert.rejects(open(signatures.expiring, [keys.trusted], SIGNED_AT + DAY), expired);
  for (const now of [SIGNED_AT - 301, 0, Number.NaN]) {
    const early = refusal(/signed in the future, on 2026-09-21 14:13:20 UTC; set the clock/);
    await assert.rejects(open(signatures.expiring, [keys.trusted], now), early);
    assert.ok((await open(signatures.good, [keys.trusted], now)).signature, "it never expires, so no clock is asked");
  }
});

test("the device's clock is the default", async (t) => {
  t.mock.timers.enable({ apis: ["Date"], now: (SIGNED_AT + 2) * 1000 });
  assert.ok((await open(signatures.expiring, [keys.trusted])).signature);
  t.mock.timers.setTime((SIGNED_AT + 2 * DAY) * 1000);
  await assert.rejects(open(signatures.expiring, [keys.trusted]), refusal(/expired on/));
});

test("there is one encoding of each content", () => {
  const { good } = signatures;
  assert.equal(decodeSignature(utf8(good)).statement.sequence, 7);
  const line = good.slice(good.indexOf('{"manifest"'), good.indexOf('},"signature"') + 1);
  const bytes = signedBytes(decodeSignature(utf8(good)).statement);
  assert.equal(new TextDecoder().decode(bytes), `fpm-edge bundle signature, version 1\n${line}`);
  for (const [changed, message] of [
    [`${good} `, /not in the one form/],
    [good.replace(",", ", "), /not in the one form/],
    [good.replace('"created"', '"cre\\u0061ted"'), /not in the one form/],
    [good.replace('"sequence":7', '"sequence":-0'), /not in the one form/],
    [
      good.replace('"sequence":7', '"sequence":-1'),
      /Expected `int` from 0 to 9007199254740991 - at `\$\.statement\.sequence`/,
    ],
    [good.replace('"sequence":7', '"sequence":9007199254740992'), /from 0 to 9007199254740991/],
    [good.replace(`${SIGNED_AT}`, `${SIGNED_AT}.0`), /Expected `int`, got `float` - at `\$\.statement\.created`/],
    [good.replace(`${SIGNED_AT}`, "253402300800"), /from 0 to 253402300799/],
    [good.replace('"expires":null', `"expires":${SIGNED_AT}`), /it expires before it was created/],
    [good.replace('"expires":null', '"expires":null,"expires":null'), /occurs twice/],
    [good.replace('"sequence":7', '"sequence":7,"a":1'), /unknown field/],
    [good.replace(/[0-9a-f]"}$/, '"}'), /Expected `str` matching/],
    [good.replace(/[a-f](?=[0-9a-f]*"}$)/, (digit) => digit.toUpperCase()), /Expected `str` matching/],
    ["[]", /Expected `object`, got `array`/],
    ["", /malformed/],
  ] as const) {
    assert.throws(() => decodeSignature(utf8(changed)), refusal(message));
    assert.throws(
      () => decodeSignature(utf8(changed)),
      refusal(/^signature\.json is not valid: .*; sign the bundle again$/),
    );
  }
});

test("moments are for people", () => {
  assert.equal(moment(0), "1970-01-01 00:00:00 UTC");
  assert.equal(moment(253402300799), "9999-12-31 23:59:59 UTC");
});
