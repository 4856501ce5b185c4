/** The web runtime as a client, in a page: `page-client.ts` serves this, and hands the lines on. */

import * as litert from "@litertjs/core";
import * as ort from "onnxruntime-web/wasm";
import { liteRt } from "../src/engines/litert.js";
import { onnxRuntime } from "../src/engines/onnxruntime.js";
import { Answers } from "./answers.js";

declare global {
  /** Called from outside, with a line of the protocol. */
  var answerLine: (line: string) => Promise<{ answer: string; last: boolean }>;
}

async function file(path: string, init?: RequestInit): Promise<Response> {
  const response = await fetch(`/file?path=${encodeURIComponent(path)}`, init);
  if (!response.ok) throw new Error(await response.text());
  return response;
}

ort.env.wasm.wasmPaths = "/ort/";
ort.env.wasm.numThreads = 1;
await litert.loadLiteRt("/litert/");

const answers = new Answers({
  runtime: `fpm-edge (web, ${navigator.userAgent.match(/(Headless)?Chrom\S+|Firefox\S+/)?.[0] ?? "browser"})`,
  version: document.documentElement.dataset.version ?? "",
  engines: [onnxRuntime(ort), liteRt(litert)],
  files: {
    read: async (path) => new Uint8Array(await (await file(path)).arrayBuffer()),
    write: async (path, bytes) => {
      await file(path, { method: "POST", body: bytes as Uint8Array<ArrayBuffer> });
    },
  },
});

globalThis.answerLine = (line) => answers.to(line);
