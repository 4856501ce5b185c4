/** A video file and a camera in the example, and the same picture in every form that a browser has it in. */

import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import type { Browser, Page } from "playwright-core";
import { askForSample, launch, open, pageOf, textOf } from "./support/browser.js";
import { harnessOn } from "./support/harness-site.js";
import { expected, type Landmarks } from "./support/python.js";
import { EXAMPLE, garments, missing, PYTHON, run } from "./support/repository.js";
import { type Site, site } from "./support/site.js";

const SAMPLE = join(EXAMPLE, "public/sample.png");
// A raw video of one frame, which Chromium's stand-in for a camera shows again and again.
const Y4M = `
import sys
from PIL import Image
picture = Image.open(sys.argv[1]).convert("YCbCr").resize((480, 480))
y, u, v = picture.split()
small = [plane.reduce(2).tobytes() for plane in (u, v)]
with open(sys.argv[2], "wb") as out:
    out.write(b"YUV4MPEG2 W480 H480 F30:1 Ip A1:1 C420jpeg\\n")
    for _ in range(3):
        out.write(b"FRAME\\n" + y.tobytes() + b"".join(small))
`;

describe("what moves", { skip: missing() || false, timeout: 600_000 }, () => {
  let web: Site;
  let address: string;
  let folder: string;
  let browser: Browser;
  let wanted: Landmarks;

  before(async () => {
    const bundle = await garments();
    folder = await mkdtemp(join(tmpdir(), "fpm-edge-camera-"));
    const film = join(folder, "camera.y4m");
    await run(PYTHON, ["-c", Y4M, SAMPLE, film]);
    const camera = ["--use-fake-device-for-media-stream", `--use-file-for-fake-video-capture=${film}`];
    [web, browser, wanted] = await Promise.all([site(bundle), launch(...camera), expected(bundle, SAMPLE)]);
    address = await harnessOn(web);
  });
  after(async () => {
    await browser?.close();
    await web?.remove();
    await rm(folder, { recursive: true, force: true });
  });

  async function harnessPage(): Promise<Page> {
    const { page } = await pageOf(browser);
    await page.goto(address);
    await page.waitForFunction(() => "harness" in globalThis);
    await page.evaluate(() => harness.load("onnxruntime"));
    return page;
  }

  test("a camera: frames are answered until it is switched off", async () => {
    const { context, page, complaints } = await pageOf(browser, { permissions: ["camera"] });
    await open(page, web.address);
    await page.click("#camera");
    await page.waitForFunction(() => /pictures a second/.test(document.querySelector("#stopped")!.textContent!));
    assert.match(await textOf(page, "#sentence"), new RegExp(`^${wanted.category}`, "i"));
    assert.equal(await page.getAttribute("#camera", "aria-pressed"), "true");
    assert.equal(await page.getAttribute("#sentence", "aria-live"), "off");
    // Another number of threads is another worker, of which the last one counts; the camera goes on.
    const most = (await page.locator("#threads option").count()) - 1;
    for (const index of [most, 0, most]) {
      await page.selectOption("#threads", { index });
    }
    await page.waitForSelector("#settings:not([aria-busy])");
    await page.evaluate(() => document.querySelector("#stopped")!.replaceChildren());
    await page.waitForFunction(() => /pictures a second/.test(document.querySelector("#stopped")!.textContent!));
    assert.equal(await page.isHidden("#error"), true, await textOf(page, "#error span"));
    assert.equal(await page.inputValue("#threads"), String(most + 1));
    await page.click("#camera");
    assert.equal(await page.getAttribute("#camera", "aria-pressed"), "false");
    await askForSample(page);
    await context.close();
    assert.deepEqual(complaints, []);
  });

  test("a camera that may not be used, and one that is not there", async () => {
    const { context, page } = await pageOf(browser);
    await open(page, web.address);
    for (const [name, message] of [
      ["NotAllowedError", /The camera may not be used: allow it for this page/],
      ["NotFoundError", /There is no camera here/],
      ["NotReadableError", /another program may be using it/],
      ["AbortError", /The camera did not start: /],
    ] as const) {
      await page.evaluate((error) => {
        navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException("no", error));
      }, name);
      await page.click("#camera");
      await page.waitForSelector("#error:not([hidden])");
      assert.match(await textOf(page, "#error span"), message);
      await page.click("#error button");
    }
    await context.close();
  });

  test("a camera that is unplugged: it says so, and the page goes on", async () => {
    const { context, page } = await pageOf(browser, { permissions: ["camera"] });
    await page.addInitScript(() => {
      const get = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
      navigator.mediaDevices.getUserMedia = async (wanted) => {
        const stream = await get(wanted);
        Object.assign(globalThis, { track: stream.getTracks()[0] });
        return stream;
      };
    });
    await open(page, web.address);
    await page.click("#camera");
    await page.waitForFunction(() => /pictures a second/.test(document.querySelector("#stopped")!.textContent!));
    await page.evaluate(() =>
      (globalThis as unknown as { track: MediaStreamTrack }).track.dispatchEvent(new Event("ended")),
    );
    await page.waitForSelector("#error:not([hidden])");
    assert.match(await textOf(page, "#error span"), /The camera was unplugged/);
    assert.equal(await page.getAttribute("#camera", "aria-pressed"), "false");
    await askForSample(page);
    await context.close();
  });

  test("a video file: frames are answered, it can be paused, and left for a picture", async () => {
    const recorder = await harnessPage();
    const film = Buffer.from(await recorder.evaluate(() => harness.record("sample.png", 1.5)));
    await recorder.context().close();
    const { context, page, complaints } = await pageOf(browser);
    await open(page, web.address);
    await page.setInputFiles("#video", { name: "walk.webm", mimeType: "video/webm", buffer: film });
    await page.waitForFunction(() => /pictures a second/.test(document.querySelector("#stopped")!.textContent!));
    assert.match(await textOf(page, "#sentence"), new RegExp(`^${wanted.category}`, "i"));
    await page.click("#pause");
    assert.equal(await textOf(page, "#pause"), "Go on");
    // What is shown while it stands still is looked at again where a setting changes.
    await page.selectOption("#category", "skirt");
    await page.waitForFunction(() => /^skirt/i.test(document.querySelector("#sentence")!.textContent!));
    await page.click("#pause");
    await askForSample(page);
    assert.equal(await page.isHidden("#pause"), true);
    await context.close();
    assert.deepEqual(complaints, []);
  });

  test("one picture in every form gives the same landmarks, and those that Python gives", async () => {
    const page = await harnessPage();
    const found = await page.evaluate(() => harness.everyForm("sample.png"));
    const { names, landmarks } = await page.evaluate(async () => harness.detect(await harness.bitmapOf("sample.png")));
    assert.ok(Object.keys(found).length >= 8);
    for (const [form, same] of Object.entries(found)) {
      assert.deepEqual(same, landmarks, form);
    }
    for (const [name, [x, y]] of Object.entries(wanted.landmarks)) {
      const at = 2 * names.indexOf(name);
      const away = Math.hypot(landmarks[at]! - x, landmarks[at + 1]! - y);
      assert.ok(away <= 0.1 * wanted.pixel, `${name} is ${away} px elsewhere`);
    }
    await page.context().close();
  });

  test("a video's frame gives the same as element, VideoFrame and ImageBitmap", async () => {
    const page = await harnessPage();
    const found = await page.evaluate(async () => harness.ofVideo(await harness.record("sample.png", 1)));
    assert.deepEqual(found.VideoFrame, found.HTMLVideoElement);
    assert.deepEqual(found.ImageBitmap, found.HTMLVideoElement);
    await page.context().close();
  });

  test("a deadline of 0 runs stage 1", async () => {
    const page = await harnessPage();
    const { stagesRun, stopReason } = await page.evaluate(async () =>
      harness.detect(await harness.bitmapOf("sample.png"), { deadlineMs: 0 }),
    );
    assert.deepEqual([stagesRun, stopReason], [1, "deadline"]);
    await page.context().close();
  });
});
