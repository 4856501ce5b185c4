import assert from "node:assert/strict";
import { test } from "node:test";
import { isOneColour } from "../../src/pixels/blank.js";
import { hashed, VECTORS } from "../support/pictures.js";

test("pictures of nearly one colour are those of the Python runtime", () => {
  assert.deepEqual(new Set(VECTORS.blank.map((known) => known[5])), new Set([true, false]));
  for (const [width, height, channels, seed, strength, blank] of VECTORS.blank) {
    const picture = hashed(width, height, channels, seed, "some");
    const data = picture.data.map((value, i) =>
      strength === 256 || (channels === 4 && i % 4 === 3) ? value : 100 + Math.floor((value * strength) / 256),
    );
    assert.equal(isOneColour({ ...picture, data }), blank, `${width} × ${height}, ${strength}`);
  }
});

test("what lies in two pixels of a hundred counts", () => {
  const data = new Uint8Array(300).fill(50);
  const picture = { data, width: 10, height: 10, channels: 3 } as const;
  data[1] = 200;
  assert.ok(isOneColour(picture));
  data.fill(200, 0, 6);
  assert.ok(!isOneColour(picture));
  // The ranks that are looked at are the nearest ones, so that of 200 pixels two may be otherwise.
  const larger = { data: new Uint8Array(600).fill(50).fill(0, 0, 6), width: 20, height: 10, channels: 3 } as const;
  assert.ok(isOneColour(larger));
  larger.data.fill(0, 0, 9);
  assert.ok(!isOneColour(larger));
});
