/** What a page has, in headless Chromium: the same pixels from all of it. */

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { crc32 as crc32Of, deflateSync } from "node:zlib";
import { build } from "esbuild";
import { type Browser, chromium, type Page } from "playwright-core";
import { MissingExtraError } from "../../src/errors.js";
import type * as Source from "../../src/pixels/source.js";
import { pictureOf } from "../../src/pixels/source.js";

declare const source: typeof Source; // in the page

const CHROMIUM = process.env.CHROMIUM ?? "/usr/bin/chromium";
const skip = existsSync(CHROMIUM) ? false : "no Chromium (CHROMIUM names one)";

let browser: Browser | undefined;
let page: Page;

before(async () => {
  if (skip) {
    return;
  }
  const made = await build({
    entryPoints: [join(process.env.FPM_EDGE_WEB ?? process.cwd(), "src/pixels/source.ts")],
    bundle: true,
    format: "iife",
    globalName: "source",
    write: false,
  });
  browser = await chromium.launch({ executablePath: CHROMIUM, args: ["--no-sandbox", "--disable-gpu"] });
  page = await browser.newPage();
  await page.route("**/*", (route) => {
    const picture = route.request().url().includes("other.test");
    const body = picture ? Buffer.from(png(2, 1, [1, 2, 3, 4, 5, 6])) : "<!doctype html>";
    return route.fulfill({ body, contentType: picture ? "image/png" : "text/html" });
  });
  await page.goto("https://page.test/");
  await page.addScriptTag({ content: made.outputFiles[0]!.text });
});

after(() => browser?.close());

test("canvas, bitmap, frame, video, picture, file: the same pixels", { skip }, async () => {
  const found = await page.evaluate(
    async (file) => {
      const [width, height] = [16, 6];
      const canvas = Object.assign(document.createElement("canvas"), { width, height });
      const context = canvas.getContext("2d")!;
      for (const [i, colour] of ["#ff0000", "#00ff00", "#0000ff", "#808080"].entries()) {
        context.fillStyle = colour;
        context.fillRect(4 * i, 0, 4, height);
      }
      const bytes = Uint8Array.from(file);
      const image = new Image();
      image.src = URL.createObjectURL(new Blob([bytes]));
      await image.decode();
      const video = Object.assign(document.createElement("video"), { srcObject: canvas.captureStream(), muted: true });
      const drawing = setInterval(() => context.fillRect(12, 0, 4, height), 10); // frames to capture
      await video.play();
      clearInterval(drawing);
      const offscreen = new OffscreenCanvas(width, height);
      offscreen.getContext("2d")!.drawImage(canvas, 0, 0);
      const all = {
        canvas,
        offscreen,
        bitmap: await createImageBitmap(canvas),
        frame: new VideoFrame(canvas, { timestamp: 0 }),
        video,
        image,
        file: new File([bytes], "a.png"),
        data: context.getImageData(0, 0, width, height),
      };
      const pixels: [string, number, number, number, number[]][] = [];
      for (const [name, one] of Object.entries(all)) {
        const { data, width, height, channels } = await source.pictureOf(one);
        pixels.push([name, width, height, channels, [...data]]);
      }
      return pixels;
    },
    [...png(16, 6, stripes())],
  );
  const rgb = stripes();
  for (const [name, width, height, channels, data] of found) {
    assert.deepEqual([width, height, channels], [16, 6, 4], name);
    // A video's colours were pressed into others; next to an edge they mix.
    const near = name === "video" ? 24 : 0;
    for (let i = 0; i < 16 * 6; i++) {
      const inside = (i % 4) % 3 !== 0;
      for (let c = 0; c < 3 && (inside || !near); c++) {
        assert.ok(
          Math.abs(data[4 * i + c]! - rgb[3 * i + c]!) <= near,
          `${name}, pixel ${i}: ${data.slice(4 * i, 4 * i + 4)}`,
        );
      }
      assert.equal(data[4 * i + 3], 255, name);
    }
  }
});

test("what is transparent lies over black, also after another picture", { skip }, async () => {
  const [first, second] = await page.evaluate(async () => {
    const canvas = new OffscreenCanvas(2, 1);
    const context = canvas.getContext("2d")!;
    context.fillStyle = "#ffffff";
    context.fillRect(0, 0, 2, 1);
    const opaque = [...(await source.pictureOf(canvas)).data];
    context.clearRect(0, 0, 2, 1);
    context.fillStyle = "rgb(255 255 255 / 50%)";
    context.fillRect(0, 0, 1, 1);
    return [opaque, [...(await source.pictureOf(canvas)).data]];
  });
  assert.deepEqual(first, new Array(8).fill(255));
  assert.deepEqual(second!.slice(4), [0, 0, 0, 255]);
  assert.ok(Math.abs(second![0]! - 128) <= 1 && second![3] === 255);
});

test("a file is upright, and its colour profile is not heeded", { skip }, async () => {
  const gamma = png(2, 1, [10, 20, 30, 200, 100, 50], chunk("gAMA", [0, 0, 0x27, 0x10])); // 0.1
  const exif = [...Buffer.from("4d4d002a00000008000101120003000000010006000000000000", "hex")]; // turned by 90°
  const turned = png(2, 1, [10, 20, 30, 200, 100, 50], chunk("eXIf", exif));
  const [raw, upright] = await page.evaluate(
    async (files) =>
      Promise.all(
        files.map(async (file) => {
          const { data, width, height } = await source.pictureOf(new Blob([Uint8Array.from(file)]));
          return [width, height, ...data];
        }),
      ),
    [[...gamma], [...turned]],
  );
  assert.deepEqual(raw, [2, 1, 10, 20, 30, 255, 200, 100, 50, 255]);
  assert.deepEqual(upright!.slice(2), raw!.slice(2));
  assert.deepEqual(upright!.slice(0, 2), [1, 2]);
});

test("a picture in the colours of Display P3 is turned into sRGB", { skip }, async () => {
  const [plain, wide] = await page.evaluate(async () => {
    const pixels = Uint8ClampedArray.of(200, 100, 50, 255);
    const of = async (colorSpace: PredefinedColorSpace) => [
      ...(await source.pictureOf(new ImageData(pixels, 1, 1, { colorSpace }))).data,
    ];
    return [await of("srgb"), await of("display-p3")];
  });
  assert.deepEqual(plain, [200, 100, 50, 255]);
  assert.ok(wide![0]! > 205 && wide![1]! < 100, String(wide)); // more saturated in sRGB's numbers
});

test("what cannot be read is an ImageError that says why, and harms nothing", { skip }, async () => {
  const said = await page.evaluate(async () => {
    const closed = await createImageBitmap(new ImageData(2, 2));
    closed.close();
    const foreign = new Image();
    foreign.src = "https://other.test/a.png";
    await new Promise((resolve) => foreign.addEventListener("load", resolve));
    const failing = [
      closed,
      new Image(),
      document.createElement("video"),
      new Blob([new Uint8Array(9)]),
      new OffscreenCanvas(8000, 5001),
      foreign,
    ];
    const said: string[] = [];
    for (const image of failing) {
      try {
        await source.pictureOf(image);
        said.push("nothing");
      } catch (error) {
        said.push(`${(error as Error).name}: ${(error as Error).message}`);
      }
    }
    const canvas = new OffscreenCanvas(2, 1);
    canvas.getContext("2d")!.fillRect(0, 0, 2, 1);
    said.push(String((await source.pictureOf(canvas)).data));
    return said;
  });
  const expected = [
    /^ImageError: the ImageBitmap has no pixels; give it when it is loaded, and before it is closed$/,
    /^ImageError: the HTMLImageElement has no pixels/,
    /^ImageError: the HTMLVideoElement has no pixels/,
    /^ImageError: the file is damaged, or no picture/,
    /^ImageError: the OffscreenCanvas has 8000 × 5001 pixels, more than 40 megapixels; make it smaller first$/,
    /^ImageError: the HTMLImageElement cannot be read: SecurityError.*crossorigin/,
    /^0,0,0,255,0,0,0,255$/,
  ];
  assert.equal(said.length, expected.length);
  for (const [i, one] of expected.entries()) {
    assert.match(said[i]!, one);
  }
});

test("in Node, what must be drawn is refused with what to give", async () => {
  const bitmap = { width: 2, height: 2, [Symbol.toStringTag]: "ImageBitmap" };
  assert.throws(() => pictureOf(bitmap as never), MissingExtraError);
  await assert.rejects(async () => pictureOf(new Blob([])), /no OffscreenCanvas here .* give a Picture/);
});

/** Four stripes of four columns: red, green, blue, grey. */
function stripes(): number[] {
  const colours = [
    [255, 0, 0],
    [0, 255, 0],
    [0, 0, 255],
    [128, 128, 128],
  ];
  return Array.from({ length: 16 * 6 }, (_, i) => colours[Math.floor((i % 16) / 4)]!).flat();
}

/** An RGB picture as a PNG file, with more chunks before its pixels. */
function png(width: number, height: number, rgb: readonly number[], ...more: readonly Uint8Array[]): Uint8Array {
  const rows = Array.from({ length: height }, (_, y) => [0, ...rgb.slice(3 * width * y, 3 * width * (y + 1))]).flat();
  const header = [0, 0, 0, width, 0, 0, 0, height, 8, 2, 0, 0, 0];
  const chunks = [
    chunk("IHDR", header),
    ...more,
    chunk("IDAT", [...deflateSync(Uint8Array.from(rows))]),
    chunk("IEND", []),
  ];
  return Uint8Array.from([137, 80, 78, 71, 13, 10, 26, 10, ...chunks.flatMap((one) => [...one])]);
}

function chunk(kind: string, content: readonly number[]): Uint8Array {
  const body = Buffer.concat([Buffer.from(kind), Uint8Array.from(content)]);
  const made = Buffer.alloc(body.length + 8);
  made.writeUInt32BE(content.length, 0);
  body.copy(made, 4);
  made.writeUInt32BE(crc32(body), body.length + 4);
  return made;
}

function crc32(bytes: Uint8Array): number {
  return (crc32Of as unknown as (bytes: Uint8Array) => number)(bytes);
}
