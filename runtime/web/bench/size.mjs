// How large an app gets: node bench/size.mjs [--json]   (after npm run build)
//
// Bundled and minified by esbuild, gzipped, by what the app takes; then what the engines' files are. With --json: bytes.

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

const ROOT = fileURLToPath(new URL("../", import.meta.url));
const INDEX = "./dist/index.js";
const APP = `export { checkGoldens, openBundle } from "${INDEX}"; export * from "./dist/engines/onnxruntime.js";`;
const TAKEN = {
  "one function": `export { readHeatmaps } from "${INDEX}";`,
  "bundles, sessions, the self-check, one engine": APP,
  "… and a worker": `${APP} export { createWorkerSession } from "${INDEX}";`,
  "… and the drift alarm": `${APP} export { DriftMonitor, indexedDBStore } from "${INDEX}";`,
  "… and a shadow comparison": `${APP} export { DriftMonitor, indexedDBStore, Shadow } from "${INDEX}";`,
  everything: ["index", "engines/onnxruntime", "engines/litert", "cameras/worker"]
    .map((name) => `export * from "./dist/${name}.js";`)
    .join("\n"),
};
const ENGINES = ["onnxruntime-web/dist/ort-wasm-simd-threaded.wasm", "@litertjs/core/wasm/litert_wasm_internal.wasm"];

async function minified(contents) {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: ROOT },
    bundle: true,
    minify: true,
    format: "esm",
    target: "es2022",
    write: false,
    absWorkingDir: ROOT,
  });
  return outputFiles[0].contents;
}

const gzipped = (bytes) => gzipSync(bytes, { level: 9 }).length;
const sizes = {};
for (const [what, entry] of Object.entries(TAKEN)) sizes[what] = gzipped(await minified(entry));

if (process.argv.includes("--json")) {
  console.log(JSON.stringify(sizes));
} else {
  console.log("| what | kB, gzipped |\n|---|---|");
  for (const [what, bytes] of Object.entries(sizes)) console.log(`| ${what} | ${(bytes / 1e3).toFixed(1)} |`);
  for (const file of ENGINES) {
    const bytes = readFileSync(`${ROOT}node_modules/${file}`);
    console.log(`${file}: ${(bytes.length / 1e6).toFixed(1)} MB, ${(gzipped(bytes) / 1e6).toFixed(1)} MB gzipped`);
  }
}
