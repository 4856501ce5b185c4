import assert from "node:assert/strict";
import { test } from "node:test";
import type { LandmarkSchema } from "../../src/bundle/manifest.js";
import { checkSchema, landmarksOf } from "../../src/bundle/schema.js";
import { SchemaError } from "../../src/errors.js";

const GOOD: LandmarkSchema = {
  name: "three",
  landmarks: ["left", "right", "top"],
  flip: [1, 0, 2],
  categories: { all: [0, 1, 2], pair: [0, 1] },
  normalizers: { all: [0, 1] },
  groups: { tops: [2] },
};

test("a good one passes, and says what a category has", () => {
  checkSchema(GOOD);
  assert.deepEqual(landmarksOf(GOOD, "pair"), [0, 1]);
  for (const name of ["hats", "constructor", "__proto__"]) {
    assert.throws(
      () => landmarksOf(GOOD, name),
      new SchemaError(`category '${name}' is not in schema 'three'; expected one of: all, pair`),
    );
  }
});

for (const [change, message] of [
  [{ landmarks: [], flip: [] }, /no landmarks/],
  [{ landmarks: ["left", "left", "top"] }, /occurs twice/],
  [{ flip: [1, 0] }, /flip must pair/],
  [{ flip: [1, 0, 2, 3] }, /flip must pair/],
  [{ flip: [1, 2, 0] }, /flip must pair/],
  [{ flip: [0, 0, 2] }, /flip must pair/],
  [{ flip: [1, 0, 3] }, /flip must pair/],
  [{ flip: [1, 0, -1] }, /flip must pair/],
  [{ categories: {}, normalizers: {} }, /no categories/],
  [{ categories: { all: [] } }, /categories\.all must name landmarks of 0\.\.2, each once/],
  [{ categories: { all: [0, 0] } }, /categories\.all/],
  [{ categories: { all: [3] } }, /categories\.all/],
  [{ categories: { all: [-1] } }, /categories\.all/],
  [{ normalizers: { all: [0, 0] } }, /normalizers\.all/],
  [{ normalizers: { toString: [0, 1] } }, /normalizers for unknown categories toString/],
  [{ groups: { none: [] } }, /groups\.none/],
] as const) {
  test(`${JSON.stringify(change)} is refused`, () => {
    assert.throws(
      () => checkSchema({ ...GOOD, ...(change as Partial<LandmarkSchema>) }),
      (error) => error instanceof SchemaError && message.test(error.message),
    );
  });
}
