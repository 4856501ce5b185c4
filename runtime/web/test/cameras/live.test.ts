import assert from "node:assert/strict";
import { test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

import { Live } from "../../src/cameras/live.js";
import { takenOff } from "../../src/cameras/waiting.js";
import { UsageError } from "../../src/errors.js";
import { FakeSession, PICTURE } from "../drift/fakes.js";

/** A session that answers when `go` is called. */
function held() {
  const session = new FakeSession();
  let go = () => {};
  session.gate = new Promise((resolve) => {
    go = resolve;
  });
  return { session, go, live: new Live(session) };
}

test("the answer is the session's", async () => {
  const session = new FakeSession();
  const live = new Live(session);
  assert.equal(live.latest(), null);
  const found = await live.submit(PICTURE, { category: "all", stages: 1 });
  assert.equal(found!.stagesRun, 1);
  assert.equal(live.latest(), found);
  assert.deepEqual(session.asked, [{ kind: "detect", category: "all", stages: 1 }]);
  assert.deepEqual(live.counts, { submitted: 1, done: 1, failed: 0, dropped: 0 });
});

test("the newest frame wins, the others are told, and answers come in order", async () => {
  const { session, go, live } = held();
  const order: number[] = [];
  const answers = Array.from({ length: 20 }, (_, i) =>
    live.submit({ ...PICTURE }, { stages: 1 + (i % 2) }).then((found) => {
      if (found) order.push(i);
      return found;
    }),
  );
  assert.deepEqual(await Promise.all(answers.slice(1, 19)), Array(18).fill(null));
  assert.deepEqual(live.counts, { submitted: 20, done: 0, failed: 0, dropped: 18 });
  go();
  const newest = await answers[19];
  assert.deepEqual(order, [0, 19]);
  assert.equal(live.latest(), newest);
  assert.equal(session.asked.length, 2);
  assert.deepEqual(live.counts, { submitted: 20, done: 2, failed: 0, dropped: 18 });
});

test("a deadline counts from submit", async () => {
  const { session, go, live } = held();
  const first = live.submit(PICTURE);
  const second = live.submit(PICTURE, { deadlineMs: 20 });
  await new Promise((resolve) => setTimeout(resolve, 30));
  go();
  await Promise.all([first, second]);
  assert.equal(session.asked[1].deadlineMs, 0);
  await live.submit(PICTURE, { deadlineMs: 60_000 });
  assert.ok(session.asked[2].deadlineMs! > 59_000 && session.asked[2].deadlineMs! <= 60_000);
  for (const deadlineMs of [-1, Number.NaN, 0, null, undefined]) {
    assert.deepEqual(takenOff({ deadlineMs }, 5), { deadlineMs });
  }
  assert.deepEqual(takenOff({ deadlineMs: 7, stages: 1 }, 5), { deadlineMs: 2, stages: 1 });
});

test("errors reach who submitted, also one that is thrown at once, and the next frame is detected", async () => {
  const session = new FakeSession();
  const live = new Live(session);
  session.fail = new RangeError("no");
  await assert.rejects(live.submit(PICTURE), /no/);
  session.fail = null;
  const detect = session.detect;
  session.detect = () => {
    throw new TypeError("at once");
  };
  await assert.rejects(live.submit(PICTURE), /at once/);
  session.detect = detect;
  assert.ok(await live.submit(PICTURE));
  assert.deepEqual(live.counts, { submitted: 3, done: 1, failed: 2, dropped: 0 });
});

test("closing finishes what is in work and drops what waits", async () => {
  const { go, live } = held();
  const running = live.submit(PICTURE);
  const waiting = live.submit(PICTURE);
  const closed = live.close();
  assert.equal(await waiting, null);
  let done = false;
  closed.then(() => {
    done = true;
  });
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(done, false);
  go();
  await closed;
  assert.ok(await running);
  await live.close();
  await assert.rejects(live.submit(PICTURE), UsageError);
  assert.deepEqual(live.counts, { submitted: 2, done: 1, failed: 0, dropped: 1 });
});

test("an answer may submit the next frame, and close", async () => {
  const live = new Live(new FakeSession());
  for (let i = 0; i < 20; i++) {
    await live.submit(PICTURE);
  }
  await live.close();
  assert.equal(live.counts.done, 20);
});

test("no frame is kept", async () => {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  const live = new Live(new FakeSession());
  const kept: WeakRef<object>[] = [];
  for (let i = 0; i < 50; i++) {
    const frame = { ...PICTURE };
    kept.push(new WeakRef(frame));
    await live.submit(frame);
  }
  await new Promise((resolve) => setTimeout(resolve, 5));
  collect();
  assert.ok(kept.filter((frame) => frame.deref()).length <= 1);
});
