import assert from "node:assert/strict";
import { test } from "node:test";
import type { Verdict } from "../../src/check/self-check.js";
import { CAP, DriftMonitor } from "../../src/drift/monitor.js";
import { decodeNumbers } from "../../src/drift/monitor-state.js";
import type { MonitorReport } from "../../src/drift/report.js";
import { DataError, UsageError } from "../../src/errors.js";
import { frame, type Stream, sample, uniform, vector } from "./streams.js";

const NAMES = ["a", "b", "c"];
const LIMITS = [0.004, 0.002];
const RELATIVE = 1e-9;

function streamMonitor(stream: Stream): DriftMonitor {
  const names = Array.from({ length: stream.landmarks }, (_, i) => `landmark ${i}`);
  return new DriftMonitor(stream.limits, names, { subject: "vectors" });
}

function said(report: MonitorReport): Record<string, unknown> {
  const means = (parts: MonitorReport["stages"]) => parts.map((part) => [part.mean, part.count]);
  const { limits, alpha, golden, failures, ...rest } = report;
  return {
    ...rest,
    stages: means(report.stages),
    landmarks: means(report.landmarks.slice(0, 5)),
    proxies: report.proxies.map((proxy) => [proxy.mean, proxy.recent, proxy.count]),
  };
}

/** Numbers within `RELATIVE`, everything else equal. */
function assertClose(found: unknown, expected: unknown, where: string): void {
  if (typeof expected === "number") {
    assert.ok(typeof found === "number", where);
    assert.ok(Math.abs(found - expected) <= RELATIVE * Math.abs(expected), `${where}: ${found}, expected ${expected}`);
  } else if (typeof expected === "object" && expected !== null) {
    assert.deepEqual(Object.keys(found as object).sort(), Object.keys(expected).sort(), where);
    for (const [key, value] of Object.entries(expected)) {
      assertClose((found as Record<string, unknown>)[key], value, `${where}.${key}`);
    }
  } else {
    assert.equal(found, expected, where);
  }
}

const streams = (JSON.parse(vector("drift.json")) as { streams: Stream[] }).streams;

for (const stream of streams) {
  test(`a stream is judged as by the Python runtime: ${stream.name}`, () => {
    const monitor = streamMonitor(stream);
    const random = uniform();
    let next = 0;
    for (let number = 0; number < stream.length; number++) {
      monitor.addShadow(sample(stream, number, random));
      monitor.addFrame(...frame(number, random));
      const expected = stream.seen[next];
      if (number + 1 === expected.samples) {
        next += 1;
        assertClose(said(monitor.report()), expected, `${stream.name}, sample ${number + 1}`);
        assert.equal(monitor.verdict, expected.verdict);
      }
    }
    assert.equal(next, stream.seen.length);
  });
}

test("states are those of the Python runtime, and it goes on from one", () => {
  const stream = streams[0];
  const python = vector("drift-state.json");
  const [whole, restored] = [streamMonitor(stream), streamMonitor(stream)];
  const random = uniform();
  for (let number = 0; number < stream.length; number++) {
    const [distances, seen] = [sample(stream, number, random), frame(number, random)];
    for (const monitor of number < 10_000 ? [whole] : [whole, restored]) {
      monitor.addShadow(distances);
      monitor.addFrame(...seen);
    }
    if (number + 1 === 10_000) {
      const numbers = (state: { arrays: Record<string, string> }) =>
        Object.fromEntries(
          Object.entries(state.arrays).map(([name, text]) => [name, decodeNumbers(text, atob(text).length / 8)]),
        );
      const [mine, its] = [JSON.parse(whole.state()), JSON.parse(python)];
      assertClose({ ...mine, arrays: numbers(mine) }, { ...its, arrays: numbers(its) }, "state");
      restored.restore(python, "drift-state.json");
      assert.equal(restored.report().samples, 10_000);
    }
  }
  assertClose(restored.report(), whole.report(), "after a restart");
});

function watched(samples = 0, shift = 0, alpha = 0.01): DriftMonitor {
  const monitor = new DriftMonitor(LIMITS, NAMES, { alpha });
  const random = uniform();
  for (let i = 0; i < samples; i++) {
    monitor.addShadow(Array.from({ length: 2 }, () => NAMES.map(() => 0.004 * random() ** 3 + shift)));
  }
  return monitor;
}

const golden = (verdict: Verdict) => ({ verdict });
const rows = (value: number, stages = 2) => Array.from({ length: stages }, () => NAMES.map(() => value));

test("before any sample nothing is claimed", () => {
  const report = watched().report();
  assert.deepEqual([report.verdict, report.samples, report.estimate, report.certified], ["ok", 0, null, null]);
  assert.deepEqual([report.lower, report.upper, report.evidence], [0, CAP, 1]);
  assert.ok(!/NaN|Infinity/.test(Object.values(report).join()));
});

test("a shift is an alarm that stays until reset", () => {
  const monitor = watched(300, 0.005);
  const { verdict, alarmSample, reason, certified } = monitor.report();
  assert.equal(verdict, "drifted");
  assert.ok(alarmSample !== null && alarmSample < 40);
  assert.match(reason, new RegExp(`reached 100 at sample ${alarmSample}$`));
  assert.equal(certified, null);
  for (let i = 0; i < 3000; i++) {
    monitor.addShadow(rows(0));
  }
  const { evidence, mostEvidence } = monitor.report();
  assert.equal(monitor.verdict, "drifted");
  assert.ok(evidence < 1 && mostEvidence > 100);
  monitor.reset();
  assert.deepEqual([monitor.report().verdict, monitor.report().samples], ["ok", 0]);
});

test("the alarm needs as much evidence as alpha says", () => {
  assert.equal(watched(6, 0.005, 1e-6).verdict, "ok");
  assert.equal(watched(12, 0.005, 0.1).verdict, "drifted");
});

test("each frame is held to the limit of the stage that answered", () => {
  const [first, second] = [new DriftMonitor(LIMITS, NAMES), new DriftMonitor(LIMITS, NAMES)];
  for (let i = 0; i < 300; i++) {
    first.addShadow(rows(0.003, 1));
    second.addShadow(rows(0.003));
  }
  assert.deepEqual([first.verdict, second.verdict], ["ok", "drifted"]);
  assert.equal(first.report().stages[1].mean, null);
});

test("distances are capped and absent landmarks left out", () => {
  const monitor = new DriftMonitor(LIMITS, NAMES);
  const absent = Number.NaN;
  monitor.addShadow([
    [0, absent, 0],
    [9, absent, 0.05],
  ]);
  const report = monitor.report();
  assert.equal(report.estimate, (CAP + 0.05) / 2);
  assert.deepEqual(
    report.landmarks.map((part) => [part.mean, part.count]),
    [
      [CAP, 1],
      [null, 0],
      [0.05, 1],
    ],
  );
});

test("goldens, failures and fast alarms count", () => {
  const monitor = watched(10);
  monitor.addGolden(golden("warning"));
  assert.equal(monitor.verdict, "warning");
  monitor.addGolden(golden("drifted"));
  assert.deepEqual([monitor.report().verdict, monitor.report().certified], ["drifted", null]);
  assert.equal(monitor.anew({ golden: "drifted" }).verdict, "drifted");
  assert.equal(monitor.anew().verdict, "ok");
  monitor.addGolden(golden("ok"));
  assert.equal(monitor.verdict, "ok");
  monitor.addFailure("RangeError: no memory");
  assert.match(monitor.report().reason, /\(1 in all\): RangeError: no memory/);
  monitor.addShadow(rows(0));
  assert.deepEqual([monitor.verdict, monitor.report().failures], ["ok", 1]);
  for (let i = 0; i < 220; i++) {
    monitor.addFrame([i < 200 ? 0.9 : 0.1]);
  }
  assert.deepEqual(monitor.report().fastAlarms, ["peak height"]);
  assert.match(monitor.report().reason, /promises nothing/);
});

test("a state that does not fit is refused and changes nothing", () => {
  const state = watched(5).state();
  const others: [DriftMonitor, string, RegExp][] = [
    [new DriftMonitor([0.004, 0.003], NAMES), state, /another version, bundle, limits or alpha/],
    [new DriftMonitor(LIMITS, NAMES, { subject: "other" }), state, /another version/],
    [new DriftMonitor(LIMITS, NAMES, { alpha: 0.05 }), state, /another version/],
    [new DriftMonitor(LIMITS, ["a", "b"]), state, /another version/],
    [watched(), state.slice(0, -40), /is no state of a drift monitor: wrong JSON/],
    [watched(), "[]", /is no state/],
    [watched(), state.replace('"samples":5', '"samples":"5"'), /wrong samples/],
    [watched(), state.replace('"golden":null', '"golden":"fine"'), /wrong golden/],
    [watched(), state.replace('"version":1', '"version":1,"more":1'), /wrong more/],
    [watched(), state.replace('"flip"', '"flop"'), /no whole state/],
    [watched(), state.replace('"started":"', '"started":"AAAA'), /no whole state/],
    [watched(), state.replace('"above":"', '"above":"!'), /no whole state/],
  ];
  for (const [monitor, content, says] of others) {
    assert.throws(
      () => monitor.restore(content, "here"),
      (error) => error instanceof DataError && says.test(error.message) && error.message.startsWith("here"),
      `${says}`,
    );
    assert.equal(monitor.report().samples, 0);
    assert.equal(monitor.state(), monitor.anew().state());
  }
});

test("what is no disagreement is refused", () => {
  const [none, full] = [Number.NaN, Number.POSITIVE_INFINITY];
  const bad = [
    [],
    rows(0, 3),
    [[0, 0, 0, 0]],
    [[0, 0, 0], []],
    rows(none),
    [
      [0, none, 0],
      [0, 0, 0],
    ],
    [
      [0, 0, 0],
      [0, none, 0],
    ],
    rows(-0.1),
    rows(-full),
  ];
  for (const disagreement of bad) {
    const monitor = watched();
    assert.throws(() => monitor.addShadow(disagreement), DataError);
    assert.equal(monitor.report().samples, 0);
  }
});

test("settings out of range are refused", () => {
  for (const limits of [[], [0, 0.1], [0.3, 0.1], [Number.NaN]]) {
    assert.throws(() => new DriftMonitor(limits, NAMES), UsageError);
  }
  for (const alpha of [0, 1, Number.NaN]) {
    assert.throws(() => new DriftMonitor(LIMITS, NAMES, { alpha }), UsageError);
  }
});

test("limits come from what was measured, else from the goldens", async () => {
  const bundle = {
    manifest: { stages: 2, measured: null as never },
    golden: async () => ({ limits: [0.01, 0.02] }),
    digest: "abc",
    schema: { landmarks: NAMES },
  };
  const goldens = await DriftMonitor.ofBundle(bundle);
  assert.deepEqual(goldens.limits, [
    { value: 0.01, source: "goldens" },
    { value: 0.02, source: "goldens" },
  ]);
  assert.deepEqual([goldens.subject, goldens.landmarks, goldens.alpha], ["abc", NAMES, 0.01]);
  const stages = [0.002, 0.003].map((upper) => ({ disagreement: { upper } }));
  const measured = { ...bundle, manifest: { stages: 2, measured: { stages } as never } };
  const given = await DriftMonitor.ofBundle(measured, { tolerance: 0.5 / 1024, alpha: 0.1 });
  assert.deepEqual(given.limits, [
    { value: 0.002 + 0.5 / 1024, source: "measured" },
    { value: 0.003 + 0.5 / 1024, source: "measured" },
  ]);
  assert.equal(given.alpha, 0.1);
  await assert.rejects(DriftMonitor.ofBundle(measured, { tolerance: -1 }), UsageError);
  await assert.rejects(DriftMonitor.ofBundle({ ...bundle, golden: async () => null }), /neither|no limit/);
});
