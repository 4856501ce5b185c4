// The two engines. Their WebAssembly lies in the folder engines (bundling/engines.js), and is fetched when one is chosen.

import * as litert from "@litertjs/core";
import { version } from "@litertjs/core/package.json";
import { liteRt } from "fpm-edge/litert";
import { onnxRuntime } from "fpm-edge/onnxruntime";
import * as ort from "onnxruntime-web/wasm";

/**
 * An engine for this worker, with so many threads; more than one need a page that is cross-origin isolated.
 *
 * @param {"onnxruntime" | "litert"} name
 * @param {number} threads
 * @param {string} folder address of the engines' files, with a slash at the end
 */
export async function engineOf(name, threads, folder) {
  if (name === "onnxruntime") {
    ort.env.wasm.wasmPaths = folder;
    ort.env.wasm.numThreads = threads;
    return onnxRuntime(ort);
  }
  // In a worker, LiteRT.js would look for its files beside the worker's script.
  const script = `${folder}litert_wasm_threaded_internal.js`;
  self.Module = { locateFile: (file) => folder + file, ...(threads > 1 && { mainScriptUrlOrBlob: script }) };
  await litert.loadLiteRt(folder, { threads: threads > 1 });
  return liteRt(litert, { version });
}
