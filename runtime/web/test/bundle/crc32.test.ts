import assert from "node:assert/strict";
import { test } from "node:test";
import { crc32 } from "../../src/bundle/crc32.js";
import { utf8 } from "./given.js";

/** Bit by bit, as the standard says it. */
function plain(bytes: Uint8Array): number {
  let crc = -1;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) {
      crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
    }
  }
  return ~crc >>> 0;
}

test("the check value of the standard", () => {
  assert.equal(crc32(utf8("123456789")), 0xcbf43926);
});

test("bytes of every length, wherever they start", () => {
  const bytes = Uint8Array.from({ length: 80 }, (_, i) => (i * i * 7 + 200) & 255);
  for (let start = 0; start < 9; start++) {
    for (let end = start; end <= bytes.length; end++) {
      const part = bytes.subarray(start, end);
      assert.equal(crc32(part), plain(part));
    }
  }
});
