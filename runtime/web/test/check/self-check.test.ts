import assert from "node:assert/strict";
import { test } from "node:test";
import * as ort from "onnxruntime-node";
import { checkGoldens, type GoldenSession, verdictOf } from "../../src/check/self-check.js";
import { onnxRuntime } from "../../src/engines/onnxruntime.js";
import { BundleError, ModelError } from "../../src/errors.js";
import { tiny } from "../support/tiny.js";

const bundle = await tiny();

test("over the limit is drifted, over three quarters of it a warning", () => {
  const cases = [0, 0.75, 0.76, 1, 1.01, Number.POSITIVE_INFINITY, Number.NaN].map((value) => verdictOf(value, 1));
  assert.deepEqual(cases, ["ok", "ok", "warning", "warning", "drifted", "drifted", "drifted"]);
  assert.equal(verdictOf(0, 0), "ok");
});

test("the bundle passes, with the Python runtime's numbers", async () => {
  const session = await bundle.session({ engine: onnxRuntime(ort), threads: 1 });
  const report = await checkGoldens(session);
  // `check_goldens(open_bundle("tiny.fpm").session("onnxruntime")).to_dict()`
  const expected = [
    { mean: 0.027497, worst: 0.053664, worst_case: "golden/0.png", limit: 0.082495, verdict: "ok" },
    { mean: 0.005386, worst: 0.008814, worst_case: "golden/0.png", limit: 0.01685, verdict: "ok" },
    { mean: 0.015693, worst: 0.029213, worst_case: "golden/1.png", limit: 0.04582, verdict: "ok" },
  ];
  assert.deepEqual([report.cases, report.ok, report.verdict], [2, true, "ok"]);
  report.stages.forEach((stage, i) => {
    const one = expected[i]!;
    assert.deepEqual([stage.stage, stage.worstCase, stage.verdict], [i + 1, one.worst_case, one.verdict]);
    for (const key of ["mean", "worst", "limit"] as const) {
      assert.ok(Math.abs(stage[key] - one[key]) < 1e-4, `${key} of stage ${i + 1}`);
    }
  });
  assert.equal(report.worst.stage, 1);
  await session.dispose();
});

test("fewer loaded stages are checked alone", async () => {
  const session = await bundle.session({ engine: onnxRuntime(ort), stages: 2 });
  assert.equal((await checkGoldens(session)).stages.length, 2);
  await session.dispose();
});

/** A session that answers as the float model did, but for `change`. */
function answering(change: (landmarks: Float32Array, stage: number) => void, stages = [1, 2, 3]): GoldenSession {
  let number = 0;
  return {
    bundle,
    async detectInput() {
      const golden = (await bundle.golden())!.cases[number++]!;
      return stages.map((stage) => {
        const landmarks = Float32Array.from(golden.landmarks[Math.min(stage, 3) - 1]!.flat());
        change(landmarks, stage);
        return { stage, landmarks };
      });
    },
  };
}

test("a stage that drifts is the worst one, and drifts the whole", async () => {
  const well = await checkGoldens(answering(() => {}));
  assert.ok(well.ok && well.stages.every(({ worst }) => worst < 1e-7));
  const off = await checkGoldens(
    answering((landmarks, stage) => {
      if (stage === 2) {
        landmarks.forEach((value, i) => {
          landmarks[i] = value + 30;
        });
      }
    }),
  );
  assert.deepEqual([off.ok, off.verdict, off.worst.stage], [false, "drifted", 2]);
  assert.deepEqual(
    off.stages.map(({ verdict }) => verdict),
    ["ok", "drifted", "ok"],
  );
  const lost = await checkGoldens(answering((landmarks) => landmarks.fill(Number.NaN)));
  assert.equal(lost.verdict, "drifted");
  assert.equal(lost.stages[0]!.worst, Number.POSITIVE_INFINITY);
  assert.equal(JSON.parse(JSON.stringify(lost)).stages[0].mean, null);
});

test("a bundle without cases, and answers of other stages, are errors", async () => {
  const reference = (await bundle.reference())!;
  const session = { ...answering(() => {}), bundle: reference };
  await assert.rejects(checkGoldens(session), BundleError);
  for (const stages of [[], [2, 3], [1, 3], [1, 2, 3, 4]]) {
    await assert.rejects(checkGoldens(answering(() => {}, stages)), ModelError);
  }
});
