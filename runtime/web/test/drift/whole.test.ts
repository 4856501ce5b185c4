/** A real device and a real float model, each behind messages as in a worker: all of the room at once. */

import assert from "node:assert/strict";
import { test } from "node:test";
import * as ort from "onnxruntime-node";

import { serveSession } from "../../src/cameras/worker.js";
import { createWorkerSession, type WorkerSession } from "../../src/cameras/worker-session.js";
import { checkGoldens } from "../../src/check/self-check.js";
import { disagreementOf } from "../../src/drift/disagreement.js";
import { DriftMonitor } from "../../src/drift/monitor.js";
import { flipConsistency } from "../../src/drift/proxies.js";
import { Shadow } from "../../src/drift/shadow.js";
import { onnxRuntime } from "../../src/engines/onnxruntime.js";
import { goldenInputs, scene, tiny } from "../support/tiny.js";

const bundle = await tiny();
const inputs = await goldenInputs(bundle);
const pictures = [0, 1].flatMap((golden) =>
  [64, 80, 97, 120].map((side) => scene(inputs, [150, 140, golden, 20, 10, side])),
);

/** The session in which the setup asks for "device" or "float". */
function worker(setup: "device" | "float"): Promise<WorkerSession> {
  const { port1, port2 } = new MessageChannel();
  serveSession(async (which: string) => {
    const opened = which === "float" ? (await bundle.reference())! : bundle;
    return opened.session({ engine: onnxRuntime(ort), threads: 1 });
  }, port2);
  return createWorkerSession(port1, setup);
}

test("int8 is watched by float32 and is as it was converted", async () => {
  const [device, float] = await Promise.all([worker("device"), worker("float")]);
  const monitor = await DriftMonitor.ofBundle(device.bundle);
  monitor.addGolden(await checkGoldens(device));
  const lines: string[] = [];
  const shadow = new Shadow(device, float, monitor, { rate: 1, spacingS: 0, log: (line) => void lines.push(line) });
  const means: number[] = [];
  for (const picture of pictures) {
    const found = await shadow.detect(picture, { category: "any" });
    assert.deepEqual(found.landmarks, (await device.detect(picture, { category: "any" })).landmarks);
    await shadow.flush();
    const last = (await disagreementOf(await device.trace(picture, { category: "any" }), float)).at(-1)!;
    means.push(last.reduce((sum, distance) => sum + Math.min(distance, 0.25), 0) / last.length);
  }
  await shadow.close();
  const report = monitor.report();
  assert.deepEqual(shadow.counts, { frames: 8, sampled: 8, compared: 8, replaced: 0, failed: 0 });
  assert.deepEqual([report.verdict, report.golden, report.samples], ["ok", "ok", 8]);
  assert.ok(Math.abs(report.estimate! - means.reduce((sum, mean) => sum + mean, 0) / 8) < 1e-12);
  assert.ok(report.estimate! > 0 && report.estimate! < 0.05);
  assert.equal(report.proxies[1].count, 8);
  assert.equal(JSON.parse(lines.at(-1)!).entry.subject, bundle.digest);

  const flip = await flipConsistency(device, pictures[0], "any");
  assert.ok(flip !== null && flip > 0 && flip < 0.5);
  await Promise.all([device.close(), float.close()]);
});

test("a device that answers another picture has drifted, and the float model never has", async () => {
  const [device, float] = await Promise.all([worker("device"), worker("float")]);
  const broken: WorkerSession = Object.create(device, {
    bundle: { value: device.bundle },
    engine: { value: device.engine },
    engineVersion: { value: device.engineVersion },
    stageLimit: { value: device.stageLimit },
    trace: {
      // What a fault in the engine's memory might do: answers of the frame before.
      value: async () => {
        const [right, wrong] = [await device.trace(pictures[0]), await device.trace(pictures[6])];
        return { ...right, landmarks: wrong.landmarks, detection: wrong.detection };
      },
    },
  });
  const verdicts: string[] = [];
  for (const session of [broken, float]) {
    const monitor = new DriftMonitor([0.02, 0.02, 0.02], bundle.schema.landmarks);
    const shadow = new Shadow(session, float, monitor, { rate: 1, spacingS: 0 });
    for (let i = 0; i < 20; i++) {
      await shadow.detect(pictures[i % 8], { category: "any" });
      await shadow.flush();
    }
    await shadow.close();
    verdicts.push(monitor.verdict);
  }
  assert.deepEqual(verdicts, ["drifted", "ok"]);
  await Promise.all([device.close(), float.close()]);
});
