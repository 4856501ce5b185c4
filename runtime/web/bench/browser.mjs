/** A page of ours in headless Chromium, for measuring: its script, the engines' WebAssembly, a bundle. */

import { copyFile, cp, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { chromium } from "playwright-core";

const ROOT = fileURLToPath(new URL("../", import.meta.url));
const { serve } = await import(join(ROOT, "../../examples/web/serve.mjs"));
const PAGE = '<!doctype html><meta charset="utf-8"><script type="module" src="script.js"></script>';
const ORT_FILES = ["ort-wasm-simd-threaded.mjs", "ort-wasm-simd-threaded.wasm"];

/**
 * Open a page with a script, in a browser of its own.
 *
 * @param script path of a module, from this package's folder; it is ready once it has set `globalThis.ready`.
 * @param files name on the server → path.
 * @returns the page, and what closes it all.
 */
export async function pageWith(script, files) {
  const folder = await mkdtemp(join(tmpdir(), "fpm-edge-bench-"));
  for (const name of ORT_FILES)
    await cp(join(ROOT, "node_modules/onnxruntime-web/dist", name), join(folder, "ort", name));
  await cp(join(ROOT, "node_modules/@litertjs/core/wasm"), join(folder, "litert"), { recursive: true });
  for (const [name, path] of Object.entries(files)) await copyFile(path, join(folder, name));
  await writeFile(join(folder, "index.html"), PAGE);
  await build({
    entryPoints: [join(ROOT, script)],
    outfile: join(folder, "script.js"),
    bundle: true,
    format: "esm",
    target: "es2022",
    conditions: ["onnxruntime-web-use-extern-wasm"],
    absWorkingDir: ROOT,
  });
  const server = await serve(folder, 0); // cross-origin isolated, so that engines may have threads
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu"],
  });
  const close = async () => {
    await browser.close();
    server.close();
    await rm(folder, { recursive: true, force: true });
  };
  const page = await browser.newPage();
  page.on("pageerror", (error) => console.error(error));
  await page.goto(`http://127.0.0.1:${server.address().port}/`);
  await page.waitForFunction(() => "ready" in globalThis);
  return { page, close };
}
