import assert from "node:assert/strict";
import { test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

import { disagreementOf } from "../../src/drift/disagreement.js";
import { DriftMonitor } from "../../src/drift/monitor.js";
import { Shadow, type ShadowOptions } from "../../src/drift/shadow.js";
import { stepTaken } from "../../src/drift/steps.js";
import { UsageError } from "../../src/errors.js";
import { FakeReference, FakeSession, MANIFEST, NAMES, PICTURE, SIZE } from "./fakes.js";

const NOW: Partial<ShadowOptions> = { rate: 1, spacingS: 0, idle: async () => {} };

function watched(options: ShadowOptions = {}) {
  const session = new FakeSession();
  const reference = new FakeReference();
  const monitor = new DriftMonitor([0.01, 0.01], NAMES, { subject: "d1g3st" });
  const shadow = new Shadow(session, reference, monitor, { ...NOW, ...options });
  return { session, reference, monitor, shadow };
}

test("the answer is the session's, and what it is compared with feeds the monitor", async () => {
  const { session, monitor, shadow } = watched();
  session.off = 0.32;
  const found = await shadow.detect(PICTURE, { category: "all", box: [1, 2, 30, 40] });
  assert.deepEqual(found, await session.detect(PICTURE));
  assert.deepEqual(session.asked[0], { kind: "trace", category: "all", box: [1, 2, 30, 40] });
  assert.equal(await shadow.flush(), true);
  const report = monitor.report();
  assert.equal(report.samples, 1);
  assert.ok(Math.abs(report.estimate! - 0.32 / SIZE) < 1e-6);
  assert.deepEqual(
    report.proxies.map((proxy) => proxy.count),
    [1, 1, 0],
  );
  assert.deepEqual(shadow.counts, { frames: 1, sampled: 1, compared: 1, replaced: 0, failed: 0 });
});

test("a device that answers elsewhere has drifted, and every answer is the same", async () => {
  const { session, shadow } = watched();
  session.off = 6;
  for (let i = 0; i < 12; i++) {
    await shadow.detect(PICTURE);
    await shadow.flush();
  }
  assert.equal(shadow.verdict, "drifted");
  assert.equal((await shadow.detect(PICTURE)).fallback, null);
});

test("detecting never waits, and the newest frame wins", async () => {
  const { session, reference, monitor, shadow } = watched();
  reference.hold();
  for (let i = 0; i < 20; i++) {
    session.off = i / 100;
    await shadow.detect(PICTURE);
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.deepEqual(shadow.counts, { frames: 20, sampled: 20, compared: 0, replaced: 18, failed: 0 });
  assert.equal(await shadow.flush(5), false);
  reference.go();
  assert.equal(await shadow.flush(1000), true);
  assert.equal(shadow.counts.compared, 2);
  assert.ok(Math.abs(monitor.report().estimate! - (0 + 0.19) / 2 / SIZE) < 1e-6);
});

test("a comparison waits until nothing is being detected", async () => {
  const { session, reference, shadow } = watched({ idle: () => new Promise((resolve) => setTimeout(resolve, 1)) });
  await shadow.detect(PICTURE);
  let open = () => {};
  session.gate = new Promise((resolve) => {
    open = resolve;
  });
  const second = shadow.detect(PICTURE);
  await new Promise((resolve) => setTimeout(resolve, 30));
  assert.equal(reference.calls, 0);
  open();
  await second;
  await shadow.flush();
  assert.ok(reference.calls >= 1);
});

test("an idle that never waits leaves what is being detected its turn", async () => {
  const { session, reference, shadow } = watched({ idle: async () => {} });
  const start = performance.now();
  const first = shadow.detect(PICTURE);
  session.gate = new Promise((resolve) => setTimeout(resolve, 30));
  const second = shadow.detect(PICTURE);
  await Promise.all([first, second]);
  await shadow.flush();
  assert.ok(performance.now() - start < 1000);
  assert.ok(reference.calls >= 1);
});

test("where idle fails, comparisons are made all the same", async () => {
  const error = new Error("no such scheduler");
  const failing = [
    () => Promise.reject(error),
    (() => {}) as unknown as () => Promise<void>,
    () => {
      throw error;
    },
  ];
  for (const idle of failing) {
    const { shadow } = watched({ idle });
    await shadow.detect(PICTURE);
    assert.equal(await shadow.flush(1000), true);
    assert.deepEqual([shadow.counts.compared, shadow.counts.failed], [1, 0]);
  }
});

test("what fails beside is seen and not thrown", async () => {
  const { reference, monitor, shadow } = watched();
  reference.fail = new RangeError("the accelerator is gone");
  await shadow.detect(PICTURE);
  await shadow.flush();
  assert.deepEqual([shadow.counts.failed, shadow.counts.compared], [1, 0]);
  assert.equal(shadow.verdict, "warning");
  assert.match(monitor.report().reason, /RangeError: the accelerator is gone/);
  reference.fail = null;
  await shadow.detect(PICTURE);
  await shadow.flush();
  assert.deepEqual([shadow.counts.failed, shadow.counts.compared, shadow.verdict], [1, 1, "ok"]);
});

test("an error of detect is detect's, and the frame does not count", async () => {
  const { session, shadow } = watched();
  session.fail = new UsageError("stages is 9");
  await assert.rejects(shadow.detect(PICTURE), /stages is 9/);
  assert.equal(shadow.counts.frames, 0);
  session.fail = null;
  await shadow.detect(PICTURE);
  await shadow.flush();
  assert.equal(shadow.counts.compared, 1);
});

test("what a session answered never counts for the next one", async () => {
  const { session, reference, monitor, shadow } = watched();
  const next = monitor.anew();
  reference.hold();
  await shadow.detect(PICTURE);
  await new Promise((resolve) => setImmediate(resolve));
  await shadow.detect(PICTURE);
  shadow.switch(session, next, "more stages");
  reference.go();
  await shadow.flush();
  assert.deepEqual([monitor.report().samples, next.report().samples], [2, 0]);
  const found = await shadow.detect(PICTURE, { stages: 1, deadlineMs: 0, convergePx: 1, category: "all" });
  assert.deepEqual([found.stagesRun, found.fallback], [2, "more stages"]);
  assert.equal(session.asked.at(-1)!.category, "all");
  await shadow.flush();
  assert.deepEqual([monitor.report().samples, next.report().samples], [2, 1]);
  shadow.switch(session, next, "float");
  await shadow.detect(PICTURE);
  await shadow.flush();
  assert.deepEqual([next.report().samples, shadow.counts.sampled], [1, 3]);
});

test("closing ends comparing, and detecting goes on", async () => {
  const { reference, shadow } = watched();
  reference.hold();
  await shadow.detect(PICTURE);
  await new Promise((resolve) => setImmediate(resolve));
  await shadow.detect(PICTURE);
  const closed = shadow.close();
  reference.go();
  await closed;
  await shadow.close();
  assert.equal(shadow.counts.compared, 1);
  await shadow.detect(PICTURE);
  await shadow.flush();
  assert.deepEqual([shadow.counts.frames, shadow.counts.sampled, reference.calls], [3, 2, 1]);
});

test("the log has changes of the verdict, every fiftieth sample, the steps and the end", async () => {
  const lines: string[] = [];
  const { session, shadow, monitor } = watched({ log: (line) => void lines.push(line) });
  for (let i = 0; i < 70; i++) {
    session.off = i < 60 ? 0 : 20;
    await shadow.detect(PICTURE);
    await shadow.flush();
  }
  shadow.record(stepTaken("engine", "it drifted", "fake 1.0", null, "no other"), monitor.report());
  await shadow.flush();
  await shadow.close();
  const entries = lines.map((line) => JSON.parse(line).entry);
  assert.deepEqual(
    entries.map((entry) => [entry.samples, entry.verdict, entry.step?.step]),
    [
      [1, "ok", undefined],
      [51, "ok", undefined],
      ...entries.slice(2, -2).map((entry) => [entry.samples, entry.verdict, undefined]),
      [70, "drifted", "engine"],
      [70, "drifted", undefined],
    ],
  );
  assert.equal(entries[2].samples > 60 && entries.length <= 6, true);
  assert.deepEqual([entries[0].subject, entries[0].engine, entries[0].frames], ["d1g3st", "fake 1.0", 1]);
});

test("a log that cannot be written is seen, and steps are written with the next entry", async () => {
  const lines: string[] = [];
  let full = true;
  const { shadow, monitor } = watched({
    log: async (line) => {
      if (full) throw new Error("the disk is full");
      lines.push(line);
    },
  });
  shadow.record(stepTaken("report", "it drifted", "fake 1.0", "fake 1.0"), monitor.report());
  await shadow.flush();
  assert.match(monitor.report().reason, /the disk is full/);
  await shadow.detect(PICTURE);
  await shadow.flush();
  assert.deepEqual([shadow.counts.compared, shadow.counts.failed, shadow.verdict], [1, 0, "warning"]);
  full = false;
  await shadow.detect(PICTURE);
  await shadow.flush();
  assert.deepEqual(
    lines.map((line) => JSON.parse(line).entry.step?.step),
    ["report", undefined],
  );
  assert.equal(shadow.verdict, "ok");
});

test("a budget measures the float model at the start, and then compares", async () => {
  const { reference, shadow, monitor } = watched({ rate: undefined, budgetMsPerMinute: 60_000 });
  await shadow.flush();
  assert.deepEqual([reference.calls, monitor.report().samples], [1, 0]);
  for (let i = 0; i < 200 && shadow.counts.sampled === 0; i++) {
    await new Promise((resolve) => setTimeout(resolve, 1));
    await shadow.detect(PICTURE);
  }
  assert.ok(shadow.counts.sampled > 0);
});

test("without being told otherwise a scene is compared once", async () => {
  const { shadow } = watched({ spacingS: undefined });
  for (let i = 0; i < 5; i++) {
    await shadow.detect(PICTURE);
  }
  await shadow.flush();
  assert.deepEqual([shadow.counts.frames, shadow.counts.sampled, shadow.counts.compared], [5, 1, 1]);
});

test("models that do not fit are refused", () => {
  const { session, reference, monitor } = watched();
  reference.stageLimit = 1;
  assert.throws(() => new Shadow(session, reference, monitor), /1 stages loaded, the session 2/);
  const other = { ...MANIFEST, geometry: { ...MANIFEST.geometry, stride: 4 } };
  const wrong = Object.assign(new FakeReference(), { bundle: { manifest: other } });
  assert.throws(() => new Shadow(session, wrong, monitor), /other landmarks or geometry/);
  assert.throws(() => new Shadow(session, new FakeReference(), monitor, { movementRate: 2 }), /movementRate is 2/);
  assert.throws(() => new Shadow(session, new FakeReference(), monitor, { rate: 2 }), /rate is 2/);
  assert.throws(() => new Shadow(session, new FakeReference(), monitor, { rate: 1, budgetMsPerMinute: 1 }), /not both/);
});

test("the landmarks that count are those both models say the garment has", async () => {
  const session = new FakeSession();
  const reference = new FakeReference();
  const counted = async () => {
    const [row] = await disagreementOf(await session.trace(PICTURE, { stages: 1 }), reference);
    return [...row].map((distance) => !Number.isNaN(distance));
  };
  session.labelled = [true, true, false];
  reference.labelled = [false, true, true];
  assert.deepEqual(await counted(), [true, true, false], "given: the device's");
  session.categoryScore = reference.categoryScore = 0.9;
  assert.deepEqual(await counted(), [false, true, false], "found: those of both");
  session.labelled = [true, false, false];
  assert.deepEqual(await counted(), [false, true, true], "found, and nothing in common: the float model's");
  reference.labelled = [false, false, false];
  assert.deepEqual(await counted(), [false, false, false], "no garment");
});

test("frames without a garment are compared and show nothing", async () => {
  const { session, reference, monitor, shadow } = watched();
  session.labelled = reference.labelled = [false, false, false];
  session.categoryScore = reference.categoryScore = 0.9;
  await shadow.detect(PICTURE);
  await shadow.flush();
  assert.deepEqual([shadow.counts.compared, monitor.report().samples, monitor.report().proxies[0].count], [1, 0, 0]);
});

test("nothing grows, however many frames", async (t) => {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  const { session, shadow } = watched({ rate: 0.01, random: Math.random, log: () => {} });
  const run = async (frames: number) => {
    for (let i = 0; i < frames; i++) {
      await shadow.detect(PICTURE);
      await new Promise((resolve) => setImmediate(resolve)); // as a camera's frames leave others their turn
    }
    await shadow.flush();
    session.asked.length = 0; // the fake's notes
    collect();
    return process.memoryUsage().heapUsed;
  };
  const before = await run(5_000);
  const after = await run(30_000);
  t.diagnostic(`${after - before} bytes`);
  assert.equal(shadow.counts.frames, 35_000);
  assert.ok(shadow.counts.compared > 200);
  assert.ok(after - before < 1_000_000, `${after - before} bytes`);
});
