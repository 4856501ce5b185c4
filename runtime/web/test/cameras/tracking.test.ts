import assert from "node:assert/strict";
import { test } from "node:test";

import { Smoother } from "../../src/cameras/smoothing.js";
import { Tracker } from "../../src/cameras/tracking.js";
import { DataError, UsageError } from "../../src/errors.js";
import type { Box, Detection, DetectOptions } from "../../src/stages/results.js";
import { FakeSession, PICTURE } from "../drift/fakes.js";
import { uniform, vector } from "../drift/streams.js";

const FRAME = { data: new Uint8Array(240 * 160 * 3), width: 240, height: 160, channels: 3 } as const;
const OFFSETS = [
  [-25, -15],
  [25, -15],
  [0, 20],
  [10, 5],
];

/** The garment of vectors/make_cameras.py. */
class Scripted {
  readonly #uniform = uniform();
  number = 0;

  async detect(_: unknown, __: DetectOptions = {}): Promise<Detection> {
    const x = 60 + 0.7 * this.number + (this.number >= 40 ? 90 : 0);
    const y = 80 - 0.3 * this.number;
    const landmarks: number[] = [];
    const scores: number[] = [];
    for (const [across, down] of OFFSETS) {
      landmarks.push(x + across + 2 * this.#uniform(), y + down + 2 * this.#uniform());
      // Python asks for the condition first.
      const unclear = this.#uniform() < 0.2;
      scores.push(unclear ? this.#uniform() : 0.9);
    }
    this.number += 1;
    const example = await new FakeSession().detect(PICTURE);
    return {
      ...example,
      landmarks: Float32Array.from(landmarks),
      scores: Float32Array.from(scores),
      labelled: [true, true, true, this.number < 60],
    };
  }
}

interface Stream {
  smoothing: Record<string, number>;
  cropping: Record<string, number> | null;
  frames: { landmarks: (number | null)[]; held: boolean[]; restarted: boolean; box: Box | null }[];
}

const camelCase = (settings: Record<string, number>) =>
  Object.fromEntries(
    Object.entries(settings).map(([name, value]) => [name.replace(/_./g, (part) => part[1].toUpperCase()), value]),
  );

function assertNear(found: ArrayLike<number>, expected: (number | null)[], where: string): void {
  assert.equal(found.length, expected.length, where);
  expected.forEach((value, i) => {
    const near = value === null ? Number.isNaN(found[i]) : Math.abs(found[i] - value) < 1e-3;
    assert.ok(near, `${where}, ${i}: ${found[i]}, expected ${value}`);
  });
}

(JSON.parse(vector("cameras.json")) as { streams: Stream[] }).streams.forEach((stream, number) => {
  test(`a video is tracked as by the Python runtime: ${number}`, async () => {
    const tracker = new Tracker(new Scripted(), {
      smoothing: camelCase(stream.smoothing),
      cropping: stream.cropping ? camelCase(stream.cropping) : undefined,
    });
    const times = uniform();
    let time = 0;
    for (const [i, expected] of stream.frames.entries()) {
      time += 0.01 + 0.1 * times();
      const found = await tracker.detect(FRAME, time);
      assertNear(found.landmarks, expected.landmarks, `frame ${i}`);
      assert.deepEqual([found.held, found.restarted], [expected.held, expected.restarted], `frame ${i}`);
      assert.equal(found.box === null, expected.box === null, `frame ${i}`);
      assertNear(found.box ?? [], [...(expected.box ?? [])], `box ${i}`);
    }
  });
});

test("the session is asked as usual, and a failed frame leaves the track as it was", async () => {
  const session = new FakeSession();
  const tracker = new Tracker(session, { category: "all", cropping: {} });
  const first = await tracker.detect(PICTURE, 1, { stages: 1, deadlineMs: 5 });
  assert.deepEqual(session.asked[0], { kind: "detect", category: "all", box: null, stages: 1, deadlineMs: 5 });
  assert.deepEqual(first.landmarks, first.detection.landmarks);
  session.fail = new DataError("no picture");
  await assert.rejects(tracker.detect(PICTURE, 2), DataError);
  session.fail = null;
  await assert.rejects(tracker.detect(PICTURE, 1), /expected later times/);
  assert.ok((await tracker.detect(PICTURE, 2)).box);
  tracker.reset();
  const again = await tracker.detect(PICTURE, 0);
  assert.deepEqual([again.box, again.restarted], [null, true]);
});

test("what cannot be meant is refused", () => {
  for (const cropping of [
    { margin: -0.1 },
    { follow: 0 },
    { follow: 1.1 },
    { clear: Number.NaN },
    { wholeEvery: -1 },
  ]) {
    assert.throws(() => new Tracker(new FakeSession(), { cropping }), UsageError);
  }
  for (const name of ["stillHz", "hzPerSpeed", "speedHz", "clear", "holdS", "cut"]) {
    for (const value of [-1, Number.NaN, Number.POSITIVE_INFINITY]) {
      assert.throws(() => new Smoother({ [name]: value }), new RegExp(`${name} is .*; expected a number`));
    }
  }
  assert.throws(() => new Smoother({ cut: 0 }), /over 0/);
  new Smoother({ clear: 0, holdS: 0, hzPerSpeed: 0 });
  const smoother = new Smoother();
  smoother.update([1, 2, 3, 4], [1, 1], 1, 100);
  for (const time of [1, 0.5, Number.NaN, Number.POSITIVE_INFINITY]) {
    assert.throws(() => smoother.update([1, 2, 3, 4], [1, 1], time, 100), UsageError);
  }
  for (const side of [0, -1, Number.NaN]) {
    assert.throws(() => smoother.update([1, 2, 3, 4], [1, 1], 2, side), UsageError);
  }
  assert.throws(() => smoother.update([1, 2], [1], 2, 100), DataError);
});

test("places that are no numbers are not clear, and answers are not changed by later frames", () => {
  const smoother = new Smoother();
  const first = smoother.update([10, 20, 30, 40], [1, 1], 0, 100);
  const second = smoother.update([Number.NaN, 20, 31, 40], [1, 1], 0.1, 100);
  assert.deepEqual(
    [second.held, [...second.landmarks.slice(0, 2)]],
    [
      [true, false],
      [10, 20],
    ],
  );
  assert.deepEqual([...first.landmarks], [10, 20, 30, 40]);
});
