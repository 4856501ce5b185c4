import assert from "node:assert/strict";
import { test } from "node:test";
import { crc32 } from "node:zlib";

import { logEntry, logLine } from "../../src/drift/log.js";
import { DriftMonitor } from "../../src/drift/monitor.js";
import { answerer, stepTaken } from "../../src/drift/steps.js";

test("a line is the entry and the checksum of its bytes", () => {
  const monitor = new DriftMonitor([0.004, 0.002], ["a"]);
  monitor.addShadow([[0.001], [0.0005]]);
  monitor.addFrame([0.5]);
  monitor.addFailure("Ä “quoted” error\nof two lines");
  const step = stepTaken("float", "why", "onnx 1", "float model in onnx 1");
  const line = logLine(logEntry(monitor.report(), { subject: "abc", engine: "onnx 1", frames: 7, step }));
  assert.ok(line.endsWith("}\n") && line.indexOf("\n") === line.length - 1);
  const { crc, entry } = JSON.parse(line);
  const raw = line.slice(line.indexOf('"entry":') + 8, -2);
  assert.equal(crc, (crc32 as (data: Uint8Array) => number)(Buffer.from(raw)));
  assert.deepEqual(Object.keys(entry), [
    ...["time", "subject", "engine", "verdict", "reason", "frames", "samples", "alpha", "evidence", "estimate"],
    ...["lower", "upper", "limit", "fast_alarms", "failures", "stages", "peak_height", "step"],
  ]);
  assert.match(entry.time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00$/);
  assert.deepEqual([entry.limit, entry.stages, entry.peak_height], [0.002, [0.001, 0.0005], 0.5]);
  assert.deepEqual(Object.keys(entry.step), ["time", "step", "reason", "before", "after", "note"]);
});

test("texts of a step are cut, and what cannot be printed is left out", () => {
  const step = stepTaken("engine", `a\u001b[31m\n${"x".repeat(600)}`, "one", null, "\u2028ok");
  assert.equal(step.reason.length, 500);
  assert.ok(step.reason.startsWith("a [31m x") && step.reason.endsWith("xxx..."));
  assert.equal(step.note, " ok");
});

test("what answers, in words", () => {
  assert.equal(answerer("onnx 1", null), "onnx 1");
  assert.equal(answerer("onnx 1", "engine"), "onnx 1");
  assert.equal(answerer("onnx 1", "more stages"), "onnx 1, all stages");
  assert.equal(answerer("onnx 1", "float"), "float model in onnx 1");
});
