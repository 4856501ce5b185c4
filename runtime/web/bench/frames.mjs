// Whether memory stays flat over many frames, in headless Chromium: node bench/frames.mjs BUNDLE [FRAMES] [ENGINE]
//
// ENGINE is onnxruntime, or nothing (the default): an engine that computes nothing, so that what is measured is ours.
// Each frame is a VideoFrame of its own, detected on the page's thread. Prints the heap after a collection, and the
// memory of the page's process, after every twentieth part.

import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { chromium } from "playwright-core";

const ROOT = fileURLToPath(new URL("../", import.meta.url));
const { serve } = await import(join(ROOT, "../../examples/web/serve.mjs"));
const PAGE = '<!doctype html><meta charset="utf-8"><script type="module" src="harness.js"></script>';
const ENGINE_FILES = ["ort-wasm-simd-threaded.mjs", "ort-wasm-simd-threaded.wasm"];
const PARTS = 20;

const [bundle, count = "100000", engine = "nothing"] = process.argv.slice(2);
if (!bundle) {
  console.error("usage: node bench/frames.mjs BUNDLE [FRAMES] [onnxruntime|nothing]");
  process.exit(2);
}
const folder = await mkdtemp(join(tmpdir(), "fpm-edge-frames-"));
const ort = dirname(fileURLToPath(import.meta.resolve("onnxruntime-web/ort-wasm-simd-threaded.wasm")));
await mkdir(join(folder, "engines"));
await Promise.all(ENGINE_FILES.map((name) => copyFile(join(ort, name), join(folder, "engines", name))));
await copyFile(bundle, join(folder, "garments.fpm"));
await writeFile(join(folder, "index.html"), PAGE);
await build({
  entryPoints: [join(ROOT, "test/browser/support/harness.ts")],
  outfile: join(folder, "harness.js"),
  bundle: true,
  format: "esm",
  target: "es2022",
  conditions: ["onnxruntime-web-use-extern-wasm"],
  absWorkingDir: ROOT,
});

const server = await serve(folder, 0);
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu"],
});
try {
  const page = await browser.newPage();
  await page.goto(`http://127.0.0.1:${server.address().port}/`);
  await page.waitForFunction(() => "harness" in globalThis);
  await page.evaluate((name) => globalThis.harness.load(name), engine);
  const session = await page.context().newCDPSession(page);
  const process_ = await rendererOf(browser);
  console.log("| frames | heap, MB | process, MB | ms a frame |\n|---|---|---|---|");
  let took = 0;
  const part = Math.ceil(Number(count) / PARTS);
  for (let done = 0; ; done += part) {
    await session.send("HeapProfiler.collectGarbage");
    const { usedSize, backingStorageSize = 0 } = await session.send("Runtime.getHeapUsage");
    const resident = await residentOf(process_);
    const ms = done === 0 ? "" : took.toFixed(2);
    console.log(
      `| ${done} | ${((usedSize + backingStorageSize) / 1e6).toFixed(2)} | ${(resident / 1e3).toFixed(0)} | ${ms} |`,
    );
    if (done >= Number(count)) break;
    const started = performance.now();
    await page.evaluate((number) => globalThis.harness.frames(number), part);
    took = (performance.now() - started) / part;
  }
} finally {
  await browser.close();
  server.close();
  await rm(folder, { recursive: true, force: true });
}

/** The process that runs the page: the renderer that has used most time. */
async function rendererOf(browser) {
  const session = await browser.newBrowserCDPSession();
  const { processInfo } = await session.send("SystemInfo.getProcessInfo");
  const renderers = processInfo.filter(({ type }) => type === "renderer");
  return renderers.sort((a, b) => b.cpuTime - a.cpuTime)[0].id;
}

/** kB in memory (Linux). */
async function residentOf(id) {
  return Number((await readFile(`/proc/${id}/status`, "utf-8")).match(/^VmRSS:\s+(\d+)/m)[1]);
}
