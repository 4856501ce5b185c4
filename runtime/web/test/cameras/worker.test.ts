import assert from "node:assert/strict";
import { test } from "node:test";

import type { MessageEnd } from "../../src/cameras/messages.js";
import { type Served, serveSession } from "../../src/cameras/worker.js";
import { createWorkerSession, type WorkerSession } from "../../src/cameras/worker-session.js";
import { checkGoldens } from "../../src/check/self-check.js";
import { DriftMonitor } from "../../src/drift/monitor.js";
import { Shadow } from "../../src/drift/shadow.js";
import { BundleError, DataError, FpmEdgeError, UsageError } from "../../src/errors.js";
import type { ImageSource } from "../../src/pixels/source.js";
import type { DetectOptions, StageOptions, StageResult } from "../../src/stages/results.js";
import { FakeReference, FakeSession, NAMES, PICTURE, SIZE } from "../drift/fakes.js";

// What a page and a worker have.
({}) as Worker satisfies MessageEnd;
({}) as MessagePort satisfies MessageEnd;
({}) as DedicatedWorkerGlobalScopeLike satisfies MessageEnd;
interface DedicatedWorkerGlobalScopeLike extends EventTarget {
  postMessage(message: unknown, transfer: Transferable[]): void;
  close(): void;
}

class Full extends FakeSession {
  readonly format = "onnx";
  readonly delegate = "none";
  readonly delegated = 0;
  readonly reference = new FakeReference();
  readonly seen: ImageSource[] = [];
  disposed = false;
  returned = 0;

  override async detect(image: ImageSource, options: DetectOptions = {}) {
    this.seen.push(image);
    return super.detect(image, options);
  }

  detectInput(pixels: Uint8Array, options: { stages?: number } = {}): Promise<StageResult[]> {
    if (pixels.length !== 3 * SIZE * SIZE) {
      throw new DataError(`the input has ${pixels.length} numbers`);
    }
    return this.reference.detectInput(pixels, options);
  }

  async *stages(_: ImageSource, options: StageOptions = {}) {
    this.asked.push({ ...options, kind: "stages" });
    try {
      for (const result of await this.reference.detectInput(PICTURE.data)) {
        yield result;
      }
    } finally {
      this.returned += 1;
    }
  }

  async dispose() {
    this.disposed = true;
  }
}

const pause = (ms = 0) => new Promise((resolve) => setTimeout(resolve, ms));

/** A page's end and a worker's, with a session behind it. */
async function connected(session = new Full()) {
  const { port1, port2 } = new MessageChannel();
  serveSession(() => session as unknown as Served, port2);
  return { session, remote: await createWorkerSession(port1) };
}

async function closing<T>(use: (parts: { session: Full; remote: WorkerSession }) => Promise<T>): Promise<T> {
  const parts = await connected();
  try {
    return await use(parts);
  } finally {
    await parts.remote.close();
    assert.equal(parts.session.disposed, true);
  }
}

test("a session in a worker is used as if it were here", () =>
  closing(async ({ session, remote }) => {
    assert.deepEqual(
      [remote.engine, remote.engineVersion, remote.stageLimit, remote.format, remote.delegate, remote.delegated],
      ["fake", "1.0", 2, "onnx", "none", 0],
    );
    assert.deepEqual([remote.bundle.digest, remote.schema.landmarks], ["d1g3st", NAMES]);
    assert.deepEqual(remote.geometry, session.bundle.manifest.geometry);
    const options = { category: "all", box: [1, 2, 3, 4], stages: 1 } as const;
    assert.deepEqual(await remote.detect(PICTURE, options), await session.detect(PICTURE, options));
    assert.deepEqual(session.asked[0], session.asked[1]);
    assert.deepEqual(await remote.trace(PICTURE), await session.trace(PICTURE));
    assert.deepEqual(await remote.detectInput(PICTURE.data), await session.detectInput(PICTURE.data));
    assert.equal((await remote.detectInput(PICTURE.data, { stages: 1 })).length, 1);
  }));

test("a picture's numbers are copied, of a larger buffer only they, and stay the caller's", () =>
  closing(async ({ session, remote }) => {
    const buffer = new Uint8Array(1_000_000).fill(7);
    const data = buffer.subarray(500, 500 + SIZE * SIZE * 3);
    await remote.detect({ ...PICTURE, data });
    assert.equal(data.length, SIZE * SIZE * 3);
    const [seen] = session.seen as unknown as { data: Uint8Array }[];
    assert.deepEqual([seen.data.length, seen.data.buffer.byteLength, seen.data[0]], [12288, 12288, 7]);
    await assert.rejects(remote.detect({ ...PICTURE, width: 7 }), DataError);
  }));

test("errors come back as the same classes, and the next request is answered", () =>
  closing(async ({ session, remote }) => {
    session.fail = new UsageError("stages is 9; the session has 2");
    await assert.rejects(
      remote.detect(PICTURE),
      (error) => error instanceof UsageError && error.exitCode === 2 && error.message === session.fail!.message,
    );
    session.fail = new RangeError("something else");
    await assert.rejects(
      remote.trace(PICTURE),
      (error: Error) =>
        !(error instanceof FpmEdgeError) && error.name === "RangeError" && error.message === "something else",
    );
    await assert.rejects(remote.detectInput(new Uint8Array(5)), DataError);
    await assert.rejects(remote.detect(PICTURE, { category: (() => {}) as never }), { name: "DataCloneError" });
    session.fail = null;
    assert.ok(await remote.detect(PICTURE));
  }));

test("what loading throws is thrown, and setup reaches it", async () => {
  for (const [given, Kind] of [
    ["bundle", BundleError],
    ["usage", UsageError],
  ] as const) {
    const { port1, port2 } = new MessageChannel();
    serveSession(async (setup: { kind: string; bytes: ArrayBuffer }) => {
      assert.equal(setup.bytes.byteLength, 8);
      throw setup.kind === "bundle" ? new BundleError("damaged") : new UsageError("no such engine");
    }, port2);
    const bytes = new ArrayBuffer(8);
    const closed = new Promise((resolve) => {
      (port2 as unknown as MessagePort & NodeJS.EventEmitter).once("close", resolve);
    });
    await assert.rejects(createWorkerSession(port1, { kind: given, bytes }, [bytes]), Kind);
    assert.equal(bytes.byteLength, 0);
    await closed;
  }
});

test("stages come one by one, and what stops asking ends them", () =>
  closing(async ({ session, remote }) => {
    const stages: number[] = [];
    for await (const { stage, landmarks } of remote.stages(PICTURE, { stages: 2 })) {
      stages.push(stage);
      assert.equal(landmarks.length, 6);
    }
    assert.deepEqual([stages, session.returned], [[1, 2], 1]);
    for await (const { stage } of remote.stages(PICTURE)) {
      assert.equal(stage, 1);
      assert.ok(await remote.detect(PICTURE), "between two stages, others are answered");
      break;
    }
    assert.equal(session.returned, 2);
    session.reference.fail = new UsageError("no stages");
    await assert.rejects(remote.stages(PICTURE).next(), UsageError);
  }));

test("requests are answered in order, and waiting counts towards the deadline", () =>
  closing(async ({ session, remote }) => {
    let go = () => {};
    session.gate = new Promise((resolve) => {
      go = resolve;
    });
    const order: number[] = [];
    const first = remote.detect(PICTURE).then(() => order.push(1));
    const second = remote.detect(PICTURE, { deadlineMs: 20 }).then(() => order.push(2));
    const third = remote.detect(PICTURE, { deadlineMs: 60_000 }).then(() => order.push(3));
    await pause(40);
    assert.equal(session.asked.length, 1);
    go();
    await Promise.all([third, second, first]);
    assert.deepEqual(order, [1, 2, 3]);
    assert.equal(session.asked[1].deadlineMs, 0);
    assert.ok(session.asked[2].deadlineMs! <= 59_970);
  }));

test("of submitted frames the newest wins", () =>
  closing(async ({ session, remote }) => {
    let go = () => {};
    session.gate = new Promise((resolve) => {
      go = resolve;
    });
    const answers = Array.from({ length: 10 }, () => remote.submit(PICTURE));
    await pause(5);
    go();
    const found = await Promise.all(answers);
    assert.deepEqual(
      found.map((answer) => answer !== null),
      [true, ...Array(8).fill(false), true],
    );
    assert.deepEqual(remote.counts, { submitted: 10, done: 2, failed: 0, dropped: 8 });
  }));

test("frames that hold memory are given away or closed, whatever comes of them", async () => {
  const closed: string[] = [];
  // In Node there are no bitmaps, and a fake one cannot be transferred: sending fails, and it is closed all the same.
  const bitmap = (name: string) =>
    ({ [Symbol.toStringTag]: "ImageBitmap", close: () => closed.push(name) }) as unknown as ImageBitmap;
  await closing(async ({ remote }) => {
    await assert.rejects(remote.detect(bitmap("a")));
    const [first, second] = [remote.submit(bitmap("b")), remote.submit(bitmap("c"))];
    const third = remote.submit(bitmap("d"));
    await assert.rejects(first);
    assert.equal(await second, null);
    await assert.rejects(third);
  });
  assert.deepEqual([...new Set(closed)].sort(), ["a", "b", "c", "d"]);
  for (const kind of ["HTMLVideoElement", "HTMLCanvasElement"]) {
    await closing(async ({ remote }) => {
      const element = { [Symbol.toStringTag]: kind } as unknown as HTMLCanvasElement;
      await assert.rejects(remote.detect(element), { name: "ImageError" });
    });
  }
});

test("closing answers what is in work, refuses what waits, and ends the worker", async () => {
  const { session, remote } = await connected();
  let go = () => {};
  session.gate = new Promise((resolve) => {
    go = resolve;
  });
  const running = remote.detect(PICTURE);
  const waiting = remote.detect(PICTURE);
  await pause();
  const closed = remote.close();
  go();
  assert.ok(await running);
  await assert.rejects(waiting, UsageError);
  await closed;
  await remote.close();
  assert.equal(session.disposed, true);
  await assert.rejects(remote.detect(PICTURE), /closed; make another/);
  await assert.rejects(remote.submit(PICTURE), UsageError);
});

test("a worker that hangs is ended, and no call waits for ever", async ({ mock }) => {
  const { session, remote } = await connected();
  session.gate = new Promise(() => {});
  const running = remote.detect(PICTURE);
  const waiting = remote.detect(PICTURE);
  await pause();
  mock.timers.enable({ apis: ["setTimeout"] });
  const closed = remote.close();
  await assert.rejects(remote.detect(PICTURE), UsageError);
  mock.timers.tick(5000);
  await closed;
  await assert.rejects(running, /closed before it answered/);
  await assert.rejects(waiting, UsageError);
  await assert.rejects(remote.detectInput(PICTURE.data), UsageError);
  await assert.rejects(remote.bundle.golden(), UsageError);
});

test("pictures are answered in their order, those that take a while to be read too", () =>
  closing(async ({ session, remote }) => {
    const canvas = { [Symbol.toStringTag]: "OffscreenCanvas" } as unknown as ImageSource;
    // In Node nothing reads a canvas; what is sent of one is here a buffer, or an error.
    const read = [() => new ArrayBuffer(1), () => Promise.reject(new Error("of another origin"))];
    globalThis.createImageBitmap = (async () => {
      await pause(5);
      return read.shift()!();
    }) as never;
    try {
      const asked = [canvas, PICTURE, canvas, PICTURE].map((image) => remote.detect(image));
      await assert.rejects(asked[2], /of another origin/);
      await Promise.all([asked[0], asked[1], asked[3]]);
    } finally {
      delete (globalThis as Partial<typeof globalThis>).createImageBitmap;
    }
    assert.deepEqual(
      session.seen.map((image) => image instanceof ArrayBuffer),
      [true, false, false],
    );
  }));

/** A worker that says nothing, and what happens to it. */
class Silent extends EventTarget {
  terminated = 0;
  postMessage(): void {}
  terminate(): void {
    this.terminated += 1;
  }
}

test("a worker that cannot be loaded is an error, and is ended", async () => {
  const worker = new Silent();
  const made = createWorkerSession(worker);
  await pause();
  worker.dispatchEvent(Object.assign(new Event("error"), { message: "SyntaxError: oops" }));
  await assert.rejects(made, (error) => error instanceof FpmEdgeError && /SyntaxError: oops/.test(error.message));
  assert.equal(worker.terminated, 1);
});

test("messages that are not of the session are left alone", async () => {
  const { port1, port2 } = new MessageChannel();
  const session = new Full();
  serveSession(() => session as unknown as Served, port2);
  for (const message of [null, "hello", { type: "hello" }, { fpmEdge: 99 }]) {
    port1.postMessage(message);
    port2.postMessage(message);
  }
  const remote = await createWorkerSession(port1);
  assert.ok(await remote.detect(PICTURE));
  await remote.close();
});

test("the self-check and a monitor's limits work through the worker", async () => {
  const session = new Full();
  const answers = await session.detectInput(PICTURE.data);
  const landmarks = answers.map(({ landmarks: points }) => NAMES.map((_, i) => [points[2 * i], points[2 * i + 1]]));
  Object.assign(session.bundle, {
    manifest: { ...session.bundle.manifest, stages: 2, measured: null },
    golden: async () => ({ cases: [{ member: "golden/0.png", category: "all", landmarks }], limits: [0.01, 0.02] }),
    goldenInput: async ({ member }: { member: string }) => (member === "golden/0.png" ? PICTURE.data : null),
  });
  const { remote } = await connected(session);
  assert.equal((await checkGoldens(remote)).verdict, "ok");
  const monitor = await DriftMonitor.ofBundle(remote.bundle);
  assert.deepEqual(
    [monitor.subject, monitor.limits.map((limit) => limit.value), monitor.landmarks],
    ["d1g3st", [0.01, 0.02], NAMES],
  );
  await remote.close();
});

test("device and float model may each be in a worker", async () => {
  const [device, float] = [await connected(), await connected()];
  device.session.off = 0.64;
  const monitor = new DriftMonitor([0.02, 0.02], NAMES);
  const shadow = new Shadow(device.remote, float.remote, monitor, { rate: 1, spacingS: 0 });
  for (let i = 0; i < 3; i++) {
    await shadow.detect(PICTURE);
    await shadow.flush();
  }
  await shadow.close();
  assert.equal(monitor.report().samples, 3);
  assert.ok(Math.abs(monitor.report().estimate! - 0.01) < 1e-6);
  await Promise.all([device.remote.close(), float.remote.close()]);
});
