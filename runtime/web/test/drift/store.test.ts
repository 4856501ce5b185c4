import assert from "node:assert/strict";
import { test } from "node:test";
import { IDBFactory } from "fake-indexeddb";

import { storedLog } from "../../src/drift/log.js";
import { DriftMonitor } from "../../src/drift/monitor.js";
import { indexedDBStore, type StateStore } from "../../src/drift/store.js";
import { DataError, MissingExtraError, UsageError } from "../../src/errors.js";

test("what was saved last is there, also for a store that is opened later", async () => {
  const factory = new IDBFactory();
  const store = indexedDBStore("mine", factory);
  assert.equal(await store.load("a"), null);
  await store.save("a", "1");
  await store.save("a", "2");
  await store.save("b", "");
  const later = indexedDBStore("mine", factory);
  assert.deepEqual([await later.load("a"), await later.load("b")], ["2", ""]);
  assert.equal(await indexedDBStore("other", factory).load("a"), null);
});

test("a store makes room for who deletes it, and opens again", async () => {
  const factory = new IDBFactory();
  const store = indexedDBStore("mine", factory);
  await store.save("a", "1");
  await new Promise((resolve, reject) => {
    const request = factory.deleteDatabase("mine");
    request.onsuccess = resolve;
    request.onblocked = request.onerror = reject;
  });
  assert.equal(await store.load("a"), null);
  await store.save("a", "2");
  assert.equal(await store.load("a"), "2");
});

test("an error of the platform is thrown, and the next try begins anew", async () => {
  const factory = new IDBFactory();
  let broken = true;
  const store = indexedDBStore("mine", {
    open: (...given: Parameters<IDBFactory["open"]>) => {
      if (broken) throw new DOMException("not in private windows", "InvalidStateError");
      return factory.open(...given);
    },
  } as IDBFactory);
  await assert.rejects(store.load("a"), /not in private windows/);
  broken = false;
  await store.save("a", "1");
  assert.equal(await store.load("a"), "1");
  await assert.rejects(indexedDBStore("mine", undefined as never).load("a"), MissingExtraError);
});

test("a monitor goes on after a restart, from what is kept under its bundle", async () => {
  const store = indexedDBStore("mine", new IDBFactory());
  const made = (subject: string, limit = 0.01) => new DriftMonitor([limit], ["a", "b"], { subject });
  const monitor = made("one");
  assert.equal(await monitor.load(store), false);
  for (let i = 0; i < 20; i++) {
    monitor.addShadow([[0.004, 0.006]]);
    monitor.addFrame([0.5]);
  }
  await monitor.save(store);
  const again = made("one");
  assert.equal(await again.load(store), true);
  assert.deepEqual(again.report(), monitor.report());
  assert.equal(await made("two").load(store), false);
  await assert.rejects(made("one", 0.02).load(store), DataError);
});

test("a stored log never grows beyond two texts, and loses the oldest lines", async () => {
  const store = indexedDBStore("mine", new IDBFactory());
  const log = storedLog(store, "drift", 4096);
  // Not awaited one by one: they are written one after the other all the same.
  await Promise.all(Array.from({ length: 200 }, (_, i) => log.append(`${`line ${i} `.padEnd(99, ".")}\n`)));
  const kept = (await log.read()).trimEnd().split("\n");
  assert.equal(Number(kept.at(-1)!.split(" ")[1]), 199);
  assert.ok(kept.length > 40 && kept.length <= 80);
  kept.forEach((line, i) => {
    assert.equal(Number(line.split(" ")[1]), 200 - kept.length + i);
  });
  await assert.rejects(async () => log.append("x".repeat(5000)), UsageError);
  assert.throws(() => storedLog(store, "drift", 100), /at least 4096/);
});

test("a log whose store fails once goes on", async () => {
  const kept = new Map<string, string>();
  let broken = true;
  const store: StateStore = {
    load: async (name) => kept.get(name) ?? null,
    save: async (name, text) => {
      if (broken) throw new Error("full");
      kept.set(name, text);
    },
  };
  const log = storedLog(store);
  await assert.rejects(async () => log.append("one\n"), /full/);
  broken = false;
  await log.append("two\n");
  assert.equal(await log.read(), "two\n");
});
