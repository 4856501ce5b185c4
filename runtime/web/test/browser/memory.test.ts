/** Memory stays flat: what a frame takes is given back. The long run is bench/frames.mjs. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { launch, open, pageOf, textOf } from "./support/browser.js";
import { example } from "./support/example.js";
import { harnessOn } from "./support/harness-site.js";
import { heapOf } from "./support/heap.js";
import { missing } from "./support/repository.js";

const FRAMES = 1500;
// A frame of 320 × 240 that stayed would be 300 kB; 1,500 detections alone, were they kept, 1 MB.
const MOST_BYTES = 300_000;
// The inputs of a hundred frames would be 11 MB; what is not collected yet comes and goes.
const MOST_WITH_WORKERS = 4_000_000;
const CAMERA = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"];

describe("memory", { skip: missing() || false, timeout: 600_000 }, () => {
  const made = example();

  for (const [engine, frames] of [
    ["nothing", FRAMES],
    ["onnxruntime", FRAMES / 10],
  ] as const) {
    test(`${frames} frames through ${engine} leave nothing behind`, async (t) => {
      const { context, page } = await pageOf(made.browser);
      await page.goto(await harnessOn(made.web));
      await page.waitForFunction(() => "harness" in globalThis);
      await page.evaluate((name) => harness.load(name), engine);
      const after = async (count: number) => {
        await page.evaluate((number) => harness.frames(number), count);
        return heapOf(page);
      };
      const before = await after(100);
      const grown = (await after(frames)) - before;
      t.diagnostic(`${grown} bytes more after ${frames} frames`);
      assert.ok(grown < MOST_BYTES, `${grown} bytes more after ${frames} frames`);
      await context.close();
    });
  }

  test("a camera in the example leaves nothing behind, in the page nor in its workers", async (t) => {
    const eager = await launch(...CAMERA, "--enable-blink-features=ForceEagerMeasureMemory");
    const { page } = await pageOf(eager, { permissions: ["camera"] });
    await open(page, made.web.address);
    await page.click("#camera");
    const after = async (ms: number): Promise<number> => {
      await page.waitForTimeout(ms);
      return page.evaluate(measured);
    };
    const before = await after(8000);
    const grown = (await after(12_000)) - before;
    t.diagnostic(`${grown} bytes more`);
    assert.match(await textOf(page, "#stopped"), /pictures a second/);
    assert.ok(grown < MOST_WITH_WORKERS, `${grown} bytes more`);
    await eager.close();
  });
});

/** Runs in the page: bytes of it and its workers, which only a page that is isolated may ask for. */
async function measured(): Promise<number> {
  type Measuring = { measureUserAgentSpecificMemory(): Promise<{ bytes: number }> };
  return (await (performance as unknown as Measuring).measureUserAgentSpecificMemory()).bytes;
}
