import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { DataError, UsageError } from "../../src/errors.js";
import { fitLetterbox } from "../../src/pixels/geometry.js";
import { letterbox } from "../../src/pixels/letterbox.js";
import { checkPicture, overBlack, type Picture } from "../../src/pixels/picture.js";
import { hashed, VECTORS } from "../support/pictures.js";

const digest = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex").slice(0, 16);

for (const { picture, input, box, sha256 } of VECTORS.letterboxes) {
  test(`the input of a ${picture.join(" ")} picture, ${box ? `box ${box.join(" ")}, ` : ""}is Pillow's`, () => {
    const whole = hashed(...picture);
    const fit = fitLetterbox([whole.width, whole.height], input, box);
    assert.equal(digest(letterbox(whole, fit, input)), sha256);
    // The same bytes where no word may begin, and into an array that was used before.
    const shifted = new Uint8Array(whole.data.length + 1).subarray(1);
    shifted.set(whole.data);
    const used = new Uint8Array(3 * input[0] * input[1]).fill(9);
    assert.equal(letterbox({ ...whole, data: shifted }, fit, input, used), used);
    assert.equal(digest(used), sha256);
  });
}

test("RGB and opaque RGBA give the same input", () => {
  const rgba = hashed(130, 77, 4, 3);
  const data = rgba.data.filter((_, i) => i % 4 !== 3);
  const rgb: Picture = { ...rgba, data, channels: 3 };
  for (const size of [
    [130, 77],
    [64, 64],
    [192, 192],
  ] as const) {
    const fit = fitLetterbox([130, 77], size);
    assert.deepEqual(letterbox(rgba, fit, size), letterbox(rgb, fit, size));
  }
});

test("geometries that come again, among many others, are not mixed up", () => {
  const pictures = Array.from({ length: 12 }, (_, i) => hashed(30 + i, 20 + 2 * i, 4, i));
  const run = () => pictures.map((p) => digest(letterbox(p, fitLetterbox([p.width, p.height], [16, 16]), [16, 16])));
  const once = run();
  assert.equal(new Set(once).size, 12);
  assert.deepEqual(run(), once);
});

test("no pixel is read but those that the box needs", () => {
  const picture = hashed(100, 80, 4, 1);
  const fit = fitLetterbox([100, 80], [16, 16], [40, 30, 60, 50]);
  const before = letterbox(picture, fit, [16, 16]);
  const data = picture.data.map((value, i) => {
    const [x, y] = [(i >> 2) % 100, Math.floor(i / 400)];
    return x < 38 || x > 61 || y < 28 || y > 51 ? 0 : value;
  });
  assert.deepEqual(letterbox({ ...picture, data }, fit, [16, 16]), before);
});

test("an array, or a letterbox, that does not fit is refused", () => {
  const picture = hashed(20, 10, 3, 0);
  const fit = fitLetterbox([20, 10], [16, 16]);
  assert.throws(() => letterbox(picture, fit, [16, 16], new Uint8Array(9)), UsageError);
  assert.throws(() => letterbox(picture, fit, [15, 16]), /fitLetterbox/);
  assert.throws(() => letterbox(hashed(20, 9, 3, 0), fit, [16, 16]), UsageError);
  assert.throws(() => letterbox(picture, { ...fit, box: [NaN, 0, 20, 10] }, [16, 16]), UsageError);
});

test("white stays white, wherever the edges of a box lie", () => {
  const picture = { data: new Uint8Array(140 * 140 * 3).fill(255), width: 140, height: 140, channels: 3 as const };
  for (const scale of [2, 21, 22, 22.5, 23]) {
    for (const edge of [0, 0.25, 0.5, 0.75, 1.5]) {
      const box = [edge, edge, edge + 4 * scale, edge + 4 * scale];
      const found = letterbox(picture, fitLetterbox([140, 140], [4, 4], box), [4, 4]);
      assert.deepEqual([...new Set(found)], [255], `${scale} to 1 from ${edge} on`);
    }
  }
});

test("a value over black is rounded as Pillow does", () => {
  for (let alpha = 0; alpha < 256; alpha++) {
    for (let value = 0; value < 256; value++) {
      assert.equal(overBlack(value, alpha), Math.round((value * alpha) / 255));
    }
  }
});

test("what is no picture is refused, and says why", () => {
  const data = new Uint8Array(24);
  const good = { data, width: 4, height: 2, channels: 3 };
  assert.equal(checkPicture(good), good);
  assert.ok(checkPicture({ ...good, data: new Uint8ClampedArray(32), channels: 4 }));
  const bad: [unknown, RegExp][] = [
    [null, /image's data is undefined/],
    [undefined, /undefined/],
    ["a.jpg", /undefined/],
    [{ ...good, data: [...data] }, /data is object/],
    [{ ...good, data: new Int8Array(24) }, /Int8Array/],
    [{ ...good, data: new Float32Array(24) }, /Float32Array/],
    [{ ...good, channels: 1 }, /1 channels/],
    [{ ...good, channels: undefined }, /undefined channels/],
    [{ ...good, width: 0 }, /0 × 2/],
    [{ ...good, width: 4.5 }, /4\.5 × 2/],
    [{ ...good, height: Number.NaN }, /4 × NaN/],
    [{ ...good, height: "2" }, /whole numbers/],
    [{ ...good, height: 3 }, /24 bytes; expected 36/],
    [{ ...good, channels: 4 }, /24 bytes; expected 32/],
  ];
  for (const [picture, message] of bad) {
    assert.throws(
      () => checkPicture(picture),
      (error) => error instanceof DataError && message.test(error.message),
    );
  }
});
