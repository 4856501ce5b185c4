// The engines' own files, into dist/engines under their own names: that is where the page tells each engine to look.

import { copyFile, mkdir } from "node:fs/promises";
import { createRequire } from "node:module";
import { basename, dirname, join } from "node:path";

const ONNX_RUNTIME = ["ort-wasm-simd-threaded.mjs", "ort-wasm-simd-threaded.wasm"];
// One thread, several threads, and for browsers without relaxed SIMD.
const LITERT = ["litert_wasm_internal", "litert_wasm_threaded_internal", "litert_wasm_compat_internal"];

const folderOf = (name) => dirname(createRequire(import.meta.url).resolve(name));

export function engines() {
  return {
    name: "engines",
    apply: "build",
    async writeBundle({ dir }) {
      const onnxRuntime = folderOf("onnxruntime-web/ort-wasm-simd-threaded.wasm");
      const liteRt = join(folderOf("@litertjs/core"), "../wasm");
      const files = [
        ...ONNX_RUNTIME.map((name) => join(onnxRuntime, name)),
        ...LITERT.flatMap((name) => [`${name}.js`, `${name}.wasm`].map((file) => join(liteRt, file))),
      ];
      await mkdir(join(dir, "engines"), { recursive: true });
      await Promise.all(files.map((file) => copyFile(file, join(dir, "engines", basename(file)))));
    },
  };
}
