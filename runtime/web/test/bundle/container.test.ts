import assert from "node:assert/strict";
import { test } from "node:test";
import { isAllowed, readEntries } from "../../src/bundle/container.js";
import { BundleError } from "../../src/errors.js";
import { type Members, membersOf, packed, refusal, small, utf8 } from "./given.js";

const GOOD = small();

function refused(content: Uint8Array, message: RegExp): void {
  assert.throws(() => readEntries(content, "it"), refusal(message));
}

/** The good container with another field in its table's entry of card.md, the first of them. */
function withField(at: number, value: number): Uint8Array {
  const view = new DataView(GOOD.slice().buffer);
  view.setUint32(view.getUint32(GOOD.length - 6, true) + at, value, true);
  return new Uint8Array(view.buffer);
}

function beside(name: string, data = "x"): Uint8Array {
  return packed({ ...membersOf(GOOD), [name]: utf8(data) });
}

test("the layout is that of the Python runtime, byte for byte", () => {
  const members: Members = membersOf(GOOD);
  assert.deepEqual(Object.keys(members), [
    "card.md",
    "golden/0.png",
    "golden/golden.json",
    "manifest.json",
    "stages/1.onnx",
  ]);
  assert.deepEqual(packed(members), GOOD);
  assert.deepEqual(packed(Object.fromEntries(Object.entries(members).reverse())), GOOD);
  for (const offset of readEntries(GOOD, "it").layout.offsets.values()) {
    assert.equal(offset % 64, 0);
  }
});

test("it may lie anywhere in memory", () => {
  const shifted = new Uint8Array(GOOD.length + 3).subarray(3);
  shifted.set(GOOD);
  assert.equal(readEntries(shifted, "it").entries.size, 5);
});

test("every change of a byte outside the members is refused", () => {
  const { entries, layout } = readEntries(GOOD, "it");
  const inside = new Uint8Array(GOOD.length);
  for (const { name, size } of entries.values()) {
    inside.fill(1, layout.offsets.get(name), layout.offsets.get(name)! + size);
  }
  for (let at = 0; at < GOOD.length; at++) {
    for (const mask of inside[at] ? [] : [1, 16, 128, 255]) {
      const changed = GOOD.slice();
      changed[at] ^= mask;
      let read: ReturnType<typeof readEntries> | undefined;
      try {
        read = readEntries(changed, "it");
      } catch (error) {
        assert.ok(error instanceof BundleError, `${at}: ${error}`);
      }
      // A CRC-32 that is wrong in both headers alike is found when the member is read; in one of them only, here.
      assert.equal(read, undefined, `byte ${at} with ${mask}`);
    }
  }
});

test("every truncation is refused", () => {
  for (let size = 0; size < GOOD.length; size++) {
    refused(GOOD.subarray(0, size), /^it is not a bundle, or was cut short|^it: /);
    refused(GOOD.subarray(size + 1), /^it is not a bundle, or was cut short|^it: /);
  }
});

test("what is around it is refused", () => {
  refused(Uint8Array.from([...GOOD, 0]), /cut short/);
  refused(Uint8Array.from([0, ...GOOD]), /cut short/);
  refused(Uint8Array.from([...GOOD, ...GOOD]), /cut short/);
});

test("members are of the list, plain, small enough and there once", () => {
  refused(beside("../../evil.sh"), /member '\.\.\/\.\.\/evil\.sh' does not belong in a bundle/);
  refused(beside("card.md\n"), /'card\.md\\u\{a\}' does not belong/);
  refused(withField(8, 1), /zip headers are not those/);
  refused(withField(10, 8), /zip headers are not those/);
  refused(withField(20, 9), /zip headers are not those/);
  refused(
    packed({ ...membersOf(GOOD), "card.md": new Uint8Array(2 ** 24 + 1) }),
    /has 16777217 bytes; at most 16777216/,
  );
  refused(packed({ ...membersOf(GOOD), "signature.json": new Uint8Array(1025) }), /has 1025 bytes; at most 1024/);
  const twice = beside("golden/1.png");
  const name = utf8("golden/1.png");
  for (let at = twice.length - 1; at > 0; at--) {
    if (name.every((byte, i) => twice[at + i] === byte)) {
      twice[at + 7] = "0".charCodeAt(0);
    }
  }
  refused(twice, /'golden\/0\.png' occurs twice/);
});

test("sizes that cannot be are refused before anything is read", () => {
  const claims = (size: number) => {
    const content = beside("stages/2.onnx");
    const view = new DataView(content.buffer);
    const last = content.length - 22 - 46 - "stages/2.onnx".length;
    view.setUint32(last + 20, size, true);
    view.setUint32(last + 24, size, true);
    return content;
  };
  refused(claims(2 ** 29 + 1), /has 536870913 bytes; at most 536870912/);
  refused(claims(2 ** 29), /cut short/);
});

test("256 members, and no more", () => {
  const pictures = (count: number): Members =>
    Object.fromEntries(Array.from({ length: count }, (_, i) => [`golden/${i}.png`, utf8("")]));
  assert.equal(readEntries(packed(pictures(256)), "it").entries.size, 256);
  refused(packed(pictures(257)), /cut short/);
});

test("names of members", () => {
  for (const name of [
    "manifest.json",
    "stages/1.onnx",
    "stages/99.tflite",
    "stages/context.onnx",
    "whole.onnx",
    "golden/123456.png",
  ]) {
    assert.ok(isAllowed(name), name);
  }
  for (const name of [
    "",
    "stages/01.onnx",
    "stages/0.onnx",
    "stages/100.onnx",
    "golden/1234567.png",
    "golden/١.png",
    "Card.md",
  ]) {
    assert.ok(!isAllowed(name), name);
  }
});
