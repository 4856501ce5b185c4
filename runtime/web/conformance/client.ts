/** The web runtime as a client of the conformance suite, in Node: `node build/conformance/client.js`. */

import { readFileSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { createInterface } from "node:readline";
import * as ort from "onnxruntime-node";
import { onnxRuntime } from "../src/engines/onnxruntime.js";
import { Answers } from "./answers.js";

const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));
const answers = new Answers({
  runtime: "fpm-edge (web, in Node)",
  version,
  engines: [onnxRuntime(ort)],
  files: { read: async (path) => new Uint8Array(await readFile(path)), write: (path, bytes) => writeFile(path, bytes) },
});

for await (const line of createInterface({ input: process.stdin, crlfDelay: Number.POSITIVE_INFINITY })) {
  const { answer, last } = await answers.to(line);
  process.stdout.write(`${answer}\n`);
  if (last) break;
}
process.exit(0);
