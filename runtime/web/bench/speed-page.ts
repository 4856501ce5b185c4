/** What `speed.mjs` measures, on the page's own thread. */

import * as litert from "@litertjs/core";
import * as ort from "onnxruntime-web/wasm";
import type { Piece } from "../src/bundle/manifest.js";
import { emptyTensor } from "../src/engines/engine.js";
import { liteRt } from "../src/engines/litert.js";
import { onnxRuntime } from "../src/engines/onnxruntime.js";
import { fitLetterbox } from "../src/pixels/geometry.js";
import { letterbox } from "../src/pixels/letterbox.js";
import { type Bundle, openBundle } from "../src/stages/bundle.js";
import type { Session } from "../src/stages/session.js";

type Kind = "onnx" | "tflite";
type Way = () => Promise<unknown> | unknown;
/** Tensor name → the engine's own tensor. */
type Feeds = Record<string, unknown>;

let bundle: Bundle;
let kind: Kind;
let numThreads: number;
let input: Uint8Array;
const ways: Record<string, Way> = {};

/** Open the bundle and load it into an engine: `detect`, and the engine's own models without us. */
async function load(name: string, format: Kind, threads: number): Promise<string> {
  kind = format;
  numThreads = threads;
  bundle = await openBundle(name);
  const session = await sessionOf(format, threads);
  ways.detect = detecting(session);
  ways.stages = await staged();
  return `${session.engine} ${session.engineVersion}`;
}

/** Open the bundle and load it into both engines. */
async function both(name: string, threads: number): Promise<void> {
  bundle = await openBundle(name);
  for (const format of ["onnx", "tflite"] as const) ways[format] = detecting(await sessionOf(format, threads));
}

async function sessionOf(format: Kind, threads: number): Promise<Session> {
  if (format === "onnx") {
    ort.env.wasm.wasmPaths = new URL("ort/", document.baseURI).href;
    ort.env.wasm.numThreads = threads;
  } else {
    await litert.loadLiteRt("litert/", { threads: threads > 1 });
  }
  const engine = format === "onnx" ? onnxRuntime(ort) : liteRt(litert, { version: "2.5.3" });
  return bundle.session({ engine, format, ...(threads > 1 && { threads }) });
}

/** The whole of `detect`, on a picture that is the input. */
function detecting(session: Session): Way {
  const { input_width: width, input_height: height } = session.geometry;
  input = Uint8Array.from({ length: width * height * 3 }, (_, i) => (i * 2654435761) >>> 24);
  const picture = { data: input, width, height, channels: 3 as const };
  return () => session.detect(picture, { category: "any" });
}

/** One run of the engine on a model: from numbers to the engine's tensors, and those that are wanted back as numbers. */
async function model(bytes: Uint8Array, wanted: readonly string[]): Promise<(feeds: Feeds) => Promise<Feeds>> {
  if (kind === "onnx") {
    const loaded = await ort.InferenceSession.create(bytes, {
      interOpNumThreads: 1,
      extra: { session: { intra_op: { allow_spinning: "0" } } },
    });
    return async (feeds) => ({ ...(await loaded.run(feeds as Record<string, ort.Tensor>, wanted as string[])) });
  }
  const loaded = await litert.loadAndCompile(bytes, { accelerator: "wasm", cpuOptions: { numThreads } });
  return (feeds) => loaded.run(feeds as Record<string, litert.Tensor>);
}

/** Every piece in turn, by the engine's own calls; the engine's tensors go from one to the next as they are. */
async function staged(): Promise<Way> {
  const pieces = bundle.manifest.pieces[kind]!;
  const runs: [Piece, (feeds: Feeds) => Promise<Feeds>][] = [];
  for (const piece of pieces) {
    const outputs = piece.outputs.map(({ name }) => name);
    runs.push([piece, await model(await bundle.read(piece.member), outputs)]);
  }
  const last = `heatmap_${bundle.stages}`;
  return async () => {
    const tensors: Feeds = { image: made() };
    for (const [piece, run] of runs) {
      Object.assign(tensors, await run(Object.fromEntries(piece.inputs.map(({ name }) => [name, tensors[name]]))));
    }
    return taken(tensors, last);
  };
}

/** The same network in one file, which is no piece of a bundle. */
async function whole(name: string): Promise<void> {
  const last = `heatmap_${bundle.stages}`;
  const run = await model(new Uint8Array(await (await fetch(name)).arrayBuffer()), [last]);
  ways.whole = async () => {
    const image = made();
    return taken({ image, ...(await run({ image })) }, last);
  };
}

function made(): unknown {
  const { input_width: width, input_height: height } = bundle.manifest.geometry;
  const shape = [1, height, width, 3];
  return kind === "onnx" ? new ort.Tensor("uint8", input, shape) : new litert.Tensor(input.slice(), shape);
}

/** The numbers of one tensor; all are freed. */
async function taken(tensors: Feeds, name: string): Promise<unknown> {
  if (kind === "onnx") return (tensors[name] as ort.Tensor).data;
  const found = await (tensors[name] as litert.Tensor).data();
  for (const tensor of Object.values(tensors)) (tensor as litert.Tensor).delete();
  return found;
}

/** A camera's frame of 1920 × 1080, and the ways from it to the input. */
async function frames(size: number): Promise<void> {
  const [width, height] = [1920, 1080];
  const data = Uint8ClampedArray.from(
    { length: width * height * 4 },
    (_, i) => ((i * 2654435761) >>> 24) | (i % 4 === 3 ? 255 : 0),
  );
  const bitmap = await createImageBitmap(new ImageData(data, width, height));
  const fit = fitLetterbox([width, height], [size, size]);
  const out = new Uint8Array(size * size * 3);
  const picture = { data, width, height, channels: 4 as const };
  const canvas = (w: number, h: number) => new OffscreenCanvas(w, h).getContext("2d", { willReadFrequently: true })!;
  const small = canvas(size, size);
  const large = canvas(width, height);
  ways.letterbox = () => letterbox(picture, fit, [size, size], out);
  ways["drawImage into 1920 × 1080 and getImageData"] = () => {
    large.drawImage(bitmap, 0, 0);
    return large.getImageData(0, 0, width, height);
  };
  ways["drawImage into the input and getImageData"] = () => {
    small.drawImage(bitmap, fit.left, fit.top, fit.width, fit.height);
    return small.getImageData(0, 0, size, size);
  };
  ways["both: the frame to the input by ours"] = () => {
    large.drawImage(bitmap, 0, 0);
    const pixels = large.getImageData(0, 0, width, height);
    return letterbox({ data: pixels.data, width, height, channels: 4 }, fit, [size, size], out);
  };
}

/** Milliseconds of each way, by turns. */
async function measure(names: readonly string[], rounds: number, warm: number): Promise<Record<string, number[]>> {
  const times: Record<string, number[]> = Object.fromEntries(names.map((name) => [name, []]));
  for (let round = -warm; round < rounds; round++) {
    for (const name of round % 2 ? names : [...names].reverse()) {
      const start = performance.now();
      await ways[name]!();
      if (round >= 0) times[name]!.push(performance.now() - start);
    }
  }
  return times;
}

/** Whether both give the same numbers: what is compared must do the same work. */
async function same(one: string, other: string): Promise<boolean> {
  const [a, b] = [await ways[one]!(), await ways[other]!()] as [Uint8Array, Uint8Array];
  return a.length === b.length && a.every((value, i) => value === b[i]);
}

Object.assign(globalThis, { ready: true, load, both, whole, frames, measure, same, emptyTensor });
