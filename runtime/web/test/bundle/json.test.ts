import assert from "node:assert/strict";
import { test } from "node:test";
import { any, decode, dict, type Field, float, int, list, nullable, text } from "../../src/bundle/fields.js";
import { refusal, utf8, VECTORS } from "./given.js";

function read<T>(raw: string | Uint8Array, field: Field<T>): T {
  return decode(typeof raw === "string" ? utf8(raw) : raw, field, "it", "do something");
}

/** What it is, in a list; null where it is refused. */
function tried(raw: string, field: Field<unknown>): unknown {
  try {
    const value = read(`[${raw}]`, list(field))[0];
    return [value === Number.POSITIVE_INFINITY ? "inf" : value];
  } catch (error) {
    refusal(/^it is not valid: .*; do something$/)(error);
    return null;
  }
}

for (const [raw, exact, real, anything] of VECTORS.scalars) {
  test(`${raw} is what it is in the Python runtime`, () => {
    const [digit, times] = raw.split("*");
    const whole = times ? digit.repeat(Number(times)) : raw;
    const isText = raw.includes('"') || raw.includes("'");
    assert.deepEqual(tried(whole, isText ? text : int), exact);
    assert.deepEqual(tried(whole, isText ? float : float), real);
    const plain = tried(whole, any);
    assert.deepEqual(JSON.stringify(plain), JSON.stringify(anything));
  });
}

test("the integer -0 is 0, the real number -0.0 is not", () => {
  assert.ok(Object.is(read("-0", int), 0));
  assert.ok(Object.is(read("-0", float), 0));
  assert.ok(Object.is(read("-0.0", float), -0));
});

test("a text is no number, and the other way round", () => {
  assert.throws(() => read("1", text), refusal(/Expected `str`, got `int`/));
  assert.throws(() => read('"1"', int), refusal(/Expected `int`, got `str`/));
  assert.throws(() => read("null", text), refusal(/Expected `str`, got `null`/));
});

test("objects have any key, and find no others", () => {
  const found = read('{"__proto__": 1, "a": 2, "": 3, "10": 4}', dict(int));
  assert.deepEqual(Object.entries(found).sort(), [
    ["", 3],
    ["10", 4],
    ["__proto__", 1],
    ["a", 2],
  ]);
  assert.equal((found as Record<string, unknown>).constructor, undefined);
});

test("white space is JSON's four kinds", () => {
  assert.deepEqual(read(" \t\n\r[ \t\n\r1 \t\n\r, \t\n\r2 \t\n\r] \t\n\r", list(int)), [1, 2]);
  for (const space of ["\f", "\v", "\u00a0", "\u2028", "\ufeff", "/**/"]) {
    assert.throws(() => read(`[${space}1]`, list(int)), refusal(/malformed/));
    assert.throws(() => read(`[1]${space}`, list(int)), refusal(/malformed/));
  }
});

test("keys that occur twice are found, also where one is escaped, deep in free content", () => {
  for (const raw of ['{"a": 1, "a": 1}', '{"b": [{"a": 1, "\\u0061": 2}]}']) {
    assert.throws(() => read(raw, any), refusal(/key 'a' occurs twice in one object/));
  }
});

test("messages name the place", () => {
  assert.throws(
    () => read('{"a": [1, 2, null]}', dict(list(int))),
    refusal(/Expected `int`, got `null` - at `\$\[\.\.\.\]\[2\]`/),
  );
  assert.throws(() => read("[[1], {}]", list(list(int))), refusal(/Expected `array`, got `object` - at `\$\[1\]`/));
  assert.throws(
    () => read('[null, "a"]', list(nullable(float))),
    refusal(/Expected `float`, got `str` - at `\$\[1\]`/),
  );
  assert.throws(() => read("[1, x]", any), refusal(/malformed at character 4 of 6/));
});

test("bytes that are not UTF-8 are refused, a mark at the start too", () => {
  for (const bytes of [[0xff], [0xc0, 0xaf], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80], [0xc3]]) {
    const raw = Uint8Array.from([0x22, ...bytes, 0x22]);
    assert.throws(() => read(raw, text), refusal(/it is not UTF-8/));
  }
  assert.throws(() => read(Uint8Array.from([0xef, 0xbb, 0xbf, 0x31]), int), refusal(/malformed/));
});

test("what is nested too deep, too long or has no end takes no stack and no time", () => {
  const many = 2_000_000;
  for (const raw of [
    "[".repeat(many),
    '{"a":'.repeat(many / 4),
    `"${"\\\\".repeat(many)}`,
    `"${'\\"'.repeat(many)}`,
    `"${"a".repeat(many)}`,
  ]) {
    assert.throws(() => read(raw, any), refusal(/not valid/));
  }
  assert.equal(read(`"${'\\"'.repeat(many)}"`, text).length, many);
  assert.equal(read(`${" ".repeat(many)}1`, int), 1);
  assert.throws(() => read("9".repeat(many), any), refusal(/out of range/));
  assert.ok(read(`${"[".repeat(800)}${"]".repeat(800)}`, any));
});
