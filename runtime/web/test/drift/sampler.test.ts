import assert from "node:assert/strict";
import { test } from "node:test";

import { Sampler, type SamplerOptions } from "../../src/drift/sampler.js";
import { UsageError } from "../../src/errors.js";
import { uniform } from "./streams.js";

/** Which of these frames are drawn, one every `interval` seconds. */
function drawn(options: SamplerOptions, frames: number, interval: number, cost?: number): number[] {
  let now = 0;
  const sampler = new Sampler({ random: uniform(), ...options, clock: () => now });
  if (cost !== undefined) {
    sampler.spent(cost);
  }
  const found = [];
  for (let frame = 0; frame < frames; frame++) {
    now += interval;
    if (sampler.draw()) {
      found.push(frame);
    }
  }
  return found;
}

const apart = (frames: number[]) => frames.slice(1).map((frame, i) => frame - frames[i]);

test("a rate is kept, at random", () => {
  const found = drawn({ rate: 0.01, spacingS: 0 }, 20_000, 0.03);
  assert.ok(found.length > 150 && found.length < 250);
  assert.ok(new Set(apart(found)).size > 50);
  assert.notDeepEqual(found, drawn({ rate: 0.01, spacingS: 0, random: Math.random }, 20_000, 0.03));
});

test("a budget is kept, whatever the frame rate", () => {
  for (const interval of [0.01, 0.1]) {
    const found = drawn({ budgetMsPerMinute: 600, spacingS: 0 }, Math.round(3600 / interval), interval, 0.04);
    assert.ok(Math.abs(found.length - 900) < 108, `${found.length}`);
  }
});

test("a budget spends nothing before it knows the cost", () => {
  assert.deepEqual(drawn({ budgetMsPerMinute: 60_000, spacingS: 0 }, 100, 1), []);
});

test("spacing keeps compared frames apart", () => {
  const found = drawn({ rate: 0.5, spacingS: 1 }, 1000, 0.1);
  assert.ok(Math.min(...apart(found)) >= 10);
  assert.ok(found.length > 60);
});

test("settings out of range are refused", () => {
  const wrong: [SamplerOptions, RegExp][] = [
    [{ rate: 0.5, budgetMsPerMinute: 100, spacingS: 0 }, /not both/],
    [{ spacingS: 0 }, /not neither/],
    [{ rate: 1.5, spacingS: 0 }, /rate is 1.5/],
    [{ rate: Number.NaN, spacingS: 0 }, /rate is NaN/],
    [{ budgetMsPerMinute: -1, spacingS: 0 }, /budget is -1/],
    [{ rate: 0.5, spacingS: -1 }, /spacingS is -1/],
  ];
  for (const [options, says] of wrong) {
    assert.throws(
      () => new Sampler(options),
      (error) => error instanceof UsageError && says.test(error.message),
    );
  }
});
