// The session runs here, so that the page never waits: the whole worker's file.

import { openBundle } from "fpm-edge";
import { serveSession } from "fpm-edge/worker";

import { engineOf } from "./engines.js";

/** `source` is the bundle's address or file; `float` asks for the float model in it, no `engine` for one that reads it. */
serveSession(async ({ source, float, engine, threads, folder }) => {
  const bundle = await openBundle(source);
  const model = float ? await bundle.reference() : bundle;
  const name = engine ?? (model.formats.includes("onnx") ? "onnxruntime" : "litert");
  return model.session({ engine: await engineOf(name, threads, folder), threads });
});
