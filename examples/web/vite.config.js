import { defaultClientConditions, defineConfig } from "vite";

import { engines } from "./bundling/engines.js";
import { offline } from "./bundling/offline.js";

export default defineConfig({
  base: "./",
  // onnxruntime-web takes its WebAssembly from where the page says, instead of bringing a second copy of it.
  resolve: { conditions: ["onnxruntime-web-use-extern-wasm", ...defaultClientConditions] },
  // No file becomes a data: address, and no polyfill is written into the page: both would need a laxer policy.
  build: { target: "es2022", assetsInlineLimit: 0, modulePreload: { polyfill: false } },
  // LiteRT.js calls importScripts, which a worker that is a module does not have.
  worker: { format: "iife" },
  plugins: [engines(), offline()],
});
