// How large an app gets: node bench/size.mjs   (after npm run build)
//
// Bundled and minified by esbuild, gzipped, by what the app takes. Then what the engines' files are.

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

const ROOT = fileURLToPath(new URL("../", import.meta.url));
const APP =
  'export { checkGoldens, openBundle } from "./dist/index.js"; export * from "./dist/engines/onnxruntime.js";';
const WITH = {
  "bundles, sessions, the self-check, one engine": APP,
  "… and a worker": `${APP} export { createWorkerSession } from "./dist/index.js";`,
  "… and the drift alarm": `${APP} export { DriftMonitor, indexedDBStore } from "./dist/index.js";`,
  "… and a shadow comparison": `${APP} export { DriftMonitor, indexedDBStore, Shadow } from "./dist/index.js";`,
  everything: ["index", "engines/onnxruntime", "engines/litert", "cameras/worker"]
    .map((name) => `export * from "./dist/${name}.js";`)
    .join("\n"),
};
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
  return outputFiles[0].text;
}

const kilobytes = (bytes) => (gzipSync(bytes, { level: 9 }).length / 1e3).toFixed(1);

console.log("| what | kB, gzipped |\n|---|---|");
for (const [what, entry] of Object.entries(WITH)) {
  console.log(`| ${what} | ${kilobytes(await minified(entry))} |`);
}
for (const file of [
  "onnxruntime-web/dist/ort-wasm-simd-threaded.wasm",
  "@litertjs/core/wasm/litert_wasm_internal.wasm",
]) {
  const bytes = readFileSync(`${ROOT}node_modules/${file}`);
  console.log(`${file}: ${(bytes.length / 1e6).toFixed(1)} MB, ${(kilobytes(bytes) / 1e3).toFixed(1)} MB gzipped`);
}
