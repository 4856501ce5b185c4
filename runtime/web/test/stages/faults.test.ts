/** What a session does where the engine fails, or is asked by several at once. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { BundleError, FpmEdgeError, UsageError } from "../../src/errors.js";
import type { Picture } from "../../src/pixels/picture.js";
import { fakeEngine, zeros } from "../support/fakes.js";
import { tiny } from "../support/tiny.js";

const bundle = await tiny();
const grey: Picture = { data: new Uint8Array(64 * 64 * 3).fill(128), width: 64, height: 64, channels: 3 };

test("calls that overlap run one piece at a time, and mix nothing up", async () => {
  let running = 0;
  let most = 0;
  const engine = fakeEngine({
    async run(piece, inputs) {
      most = Math.max(most, ++running);
      await new Promise((resolve) => setTimeout(resolve, 1));
      running--;
      const outputs = zeros(piece);
      if (piece.name === "stage_1") {
        outputs.heatmap_1!.fill(-128);
        outputs.heatmap_1![inputs.image![0]!] = 100; // first landmark: where the picture's first value says
      }
      return outputs;
    },
  });
  const session = await bundle.session({ engine });
  most = 0;
  const answers = await Promise.all(
    [3, 9, 14].map((value) =>
      session.detect({ ...grey, data: new Uint8Array(64 * 64 * 3).fill(value) }, { stages: 1 }),
    ),
  );
  assert.equal(most, 1);
  assert.deepEqual(
    answers.map(({ landmarks }) => Math.round((landmarks[0]! + 0.5) / 4 - 0.5)),
    [3, 9, 14],
  );
});

test("an engine's error says what failed where, and the session goes on", async () => {
  let fails = false;
  const engine = fakeEngine({
    async run(piece) {
      if (fails && piece.name === "stage_2") {
        throw new RangeError("out of memory");
      }
      return undefined;
    },
  });
  const session = await bundle.session({ engine });
  fails = true;
  await assert.rejects(session.detect(grey), (error) => {
    assert.ok(error instanceof FpmEdgeError && error.cause instanceof RangeError);
    assert.equal(error.message, "fake 1.2 failed in stage_2 (stages/2.onnx): out of memory; try another engine");
    return true;
  });
  assert.equal((await session.detect(grey, { stages: 1 })).stagesRun, 1);
  fails = false;
  assert.equal((await session.detect(grey)).stagesRun, 3);
});

test("an error of our own, from an engine of one's own, stays as it is", async () => {
  const engine = fakeEngine({
    run: async () => {
      throw new UsageError("as it is");
    },
  });
  await assert.rejects(
    bundle.session({ engine }),
    (error) => error instanceof UsageError && error.message === "as it is",
  );
});

test("what was loaded is freed where loading fails, in the warm-up too", async () => {
  for (const fault of ["load", "run"]) {
    const loaded: string[] = [];
    const freed: string[] = [];
    const engine = fakeEngine({
      load(piece) {
        if (fault === "load" && piece.name === "stage_3") {
          throw new BundleError("damaged");
        }
        loaded.push(piece.name);
      },
      async run(piece) {
        if (piece.name === "stage_2") {
          throw "a string";
        }
        return undefined;
      },
      dispose: (piece) => freed.push(piece.name),
    });
    await assert.rejects(
      bundle.session({ engine }),
      fault === "load" ? BundleError : /failed in stage_2 .*: a string;/,
    );
    assert.ok(loaded.length >= 3);
    assert.deepEqual(freed, loaded);
  }
});

test("disposing waits for what runs, and then nothing is answered", async () => {
  const freed: string[] = [];
  let finished = false;
  let slow = false;
  const engine = fakeEngine({
    async run() {
      if (slow) {
        await new Promise((resolve) => setTimeout(resolve, 20));
        finished = true;
      }
      return undefined;
    },
    dispose: (piece) => {
      assert.ok(finished);
      freed.push(piece.name);
    },
  });
  const session = await bundle.session({ engine });
  slow = true;
  const running = session.detect(grey, { stages: 1 });
  await new Promise((resolve) => setTimeout(resolve, 5));
  await session.dispose();
  assert.equal(freed.length, 4);
  assert.equal((await running).stagesRun, 1);
  await assert.rejects(session.detect(grey), /disposed of; load another/);
  await session.dispose();
  assert.equal(freed.length, 4);
});

test("threads go to the engine, and absurd numbers do not", async () => {
  const asked: (number | undefined)[] = [];
  const engine = fakeEngine({ load: (_, threads) => asked.push(threads) });
  await bundle.session({ engine, stages: 1 });
  await bundle.session({ engine, stages: 1, threads: 7 });
  assert.deepEqual(asked, [undefined, 7]);
  for (const threads of [0, 257, 1.5, Number.NaN]) {
    await assert.rejects(bundle.session({ engine, threads }), UsageError);
  }
  await assert.rejects(bundle.session({ engine, stages: 4 }), /stages is 4; the bundle has 3/);
  assert.equal(asked.length, 2);
});

test("time between two stages counts towards the deadline, and what is not asked for does not run", async () => {
  let now = 0;
  const ran: string[] = [];
  const engine = fakeEngine({
    async run(piece) {
      ran.push(piece.name);
      now += 10;
      return undefined;
    },
  });
  const session = await bundle.session({ engine, clock: () => now });
  ran.length = 0;
  const stages: number[] = [];
  for await (const { stage } of session.stages(grey, { deadlineMs: 45 })) {
    stages.push(stage);
    now += 6; // 10 + 6 + 20 (context, stage 2) + 6 leave 3 for stage 3
  }
  assert.deepEqual(stages, [1, 2]);
  ran.length = 0;
  for await (const { stage } of session.stages(grey)) {
    assert.equal(stage, 1);
    break;
  }
  assert.deepEqual(ran, ["stage_1"]);
});

test("a picture that fails later fails the first answer, and nothing else", async () => {
  const session = await bundle.session({ engine: fakeEngine() });
  const file = new Blob([new Uint8Array(3)]);
  session.stages(file); // nobody asks
  await new Promise((resolve) => setTimeout(resolve, 1));
  await assert.rejects(session.stages(file).next(), FpmEdgeError);
});
