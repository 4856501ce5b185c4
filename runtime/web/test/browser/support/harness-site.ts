/** The harness beside the example, on the same server: the same policy holds. */

import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import type { Site } from "./site.js";

const PAGE =
  '<!doctype html><meta charset="utf-8"><title>harness</title><script type="module" src="harness.js"></script>';

/** @returns the harness page's address. */
export async function harnessOn({ folder, address }: Site): Promise<string> {
  await build({
    entryPoints: [fileURLToPath(new URL("./harness.js", import.meta.url))],
    outfile: join(folder, "harness.js"),
    bundle: true,
    format: "esm",
    target: "es2022",
    conditions: ["onnxruntime-web-use-extern-wasm"],
    logLevel: "error",
  });
  await writeFile(join(folder, "harness.html"), PAGE);
  return `${address}harness.html`;
}
