/** Where things are: compiled tests may lie anywhere, so the repository is looked for from the working directory up. */

import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readFile, rename } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";

export const run = promisify(execFile);

export const REPOSITORY = above(process.cwd());
export const EXAMPLE = join(REPOSITORY, "examples/web");
export const PYTHON = join(REPOSITORY, ".venv/bin/python");
export const FPM_EDGE = join(REPOSITORY, ".venv/bin/fpm-edge");

/** What the browser's tests need and do not have here; empty where all is there. */
export function missing(): string {
  const needed: [string, string][] = [
    [join(EXAMPLE, "node_modules/vite"), "the example's packages (npm ci in examples/web)"],
    [CHROMIUM, "Chromium (CHROMIUM names one)"],
    [FPM_EDGE, "the Python runtime (make setup), which makes the bundle and says what must be found"],
  ];
  return needed
    .filter(([path]) => !existsSync(path))
    .map(([, what]) => what)
    .join("; ");
}

export const CHROMIUM = process.env.CHROMIUM ?? "/usr/bin/chromium";

/** Converted once, of the shipped weights, with the float model inside; 45 s. FPM_EDGE_WEB_BUNDLE names another. */
export async function garments(): Promise<string> {
  const given = process.env.FPM_EDGE_WEB_BUNDLE;
  if (given) {
    return given;
  }
  const weights = await readFile(join(REPOSITORY, "fpm_edge/models/lite-m/weights.safetensors"));
  const version = createHash("sha256").update(CONVERT.join(" ")).update(weights).digest("hex").slice(0, 8);
  const folder = join(REPOSITORY, "out/web");
  const made = join(folder, `garments-${version}.fpm`);
  if (!existsSync(made)) {
    await mkdir(folder, { recursive: true });
    const begun = join(folder, `begun-${process.pid}.fpm`);
    await run(FPM_EDGE, [...CONVERT, "-o", begun], { maxBuffer: 1 << 26 });
    await rename(begun, made);
  }
  return made;
}

const CONVERT =
  "convert lite-m --int8 --edges uint8 --calibration rendered:96@5/192 --score rendered:300@102/192 --reference --format tflite --format onnx".split(
    " ",
  );

function above(folder: string): string {
  if (existsSync(join(folder, "examples/web")) || dirname(folder) === folder) {
    return folder;
  }
  return above(dirname(folder));
}
