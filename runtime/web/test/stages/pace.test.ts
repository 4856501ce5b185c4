import assert from "node:assert/strict";
import { test } from "node:test";
import { Pace } from "../../src/stages/pace.js";

test("the prediction is the nearest-rank 95 % quantile of the last 64 times", () => {
  const pace = new Pace();
  assert.equal(pace.predict("stage_1"), 0);
  pace.record("stage_1", 3);
  assert.equal(pace.predict("stage_1"), 3);
  for (let time = 1; time <= 100; time++) {
    pace.record("stage_2", 101 - time); // 100 … 1: 64 … 1 are left
  }
  assert.equal(pace.predict("stage_2"), 61); // the 61st of 64
  for (const [count, rank] of [
    [19, 19],
    [20, 19],
    [21, 20],
    [40, 38],
  ] as const) {
    const some = new Pace();
    for (let time = count; time >= 1; time--) {
      some.record("a", time);
    }
    assert.equal(some.predict("a"), rank, `${count} times`);
  }
  assert.equal(pace.predict("stage_1"), 3);
});
