/** LiteRT.js in Node, which it is not made for: its loader wants a page or a classic worker. */

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname } from "node:path";
import { compileFunction } from "node:vm";

type Loose = Record<string, unknown>;

/** The module, loaded; silent. */
export async function loadedLiteRt() {
  const world = globalThis as unknown as Loose;
  world.self = globalThis;
  world.importScripts = (path: string) => {
    const names = ["require", "__dirname", "__filename"];
    const made = compileFunction(`${readFileSync(path, "utf8")}\nreturn ModuleFactory;`, names, { filename: path });
    world.ModuleFactory = made(createRequire(path), dirname(path), path);
  };
  const { log, info, warn, error } = console;
  Object.assign(console, { log() {}, info() {}, warn() {}, error() {} }); // it keeps those that it finds now
  try {
    const litert = await import("@litertjs/core");
    const main = createRequire(import.meta.url).resolve("@litertjs/core");
    await litert.loadLiteRt(`${dirname(dirname(main))}/wasm/`);
    return litert;
  } finally {
    Object.assign(console, { log, info, warn, error });
  }
}
