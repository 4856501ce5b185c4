/** Runs in the browser, under the example's policy: the package itself, on the page's own thread. */

import * as ort from "onnxruntime-web/wasm";
import type { Piece } from "../../../src/bundle/manifest.js";
import { type Engine, emptyTensor } from "../../../src/engines/engine.js";
import { onnxRuntime } from "../../../src/engines/onnxruntime.js";
import type { ImageSource } from "../../../src/pixels/source.js";
import { type Bundle, openBundle } from "../../../src/stages/bundle.js";
import type { DetectOptions } from "../../../src/stages/results.js";
import type { Session } from "../../../src/stages/session.js";

let session: Session;
let bundle: Bundle;

/** An engine that computes nothing: what is left is ours. */
const nothing: Engine = {
  name: "nothing",
  version: "0",
  formats: ["onnx", "tflite"],
  async load(piece: Piece) {
    const outputs = piece.outputs.map((spec) => ({
      spec,
      size: spec.shape.reduce((product, side) => product * side, 1),
    }));
    return {
      delegate: "none",
      delegated: 0,
      run: async () => Object.fromEntries(outputs.map(({ spec, size }) => [spec.name, emptyTensor(spec.dtype, size)])),
      dispose() {},
    };
  },
};

async function load(engine: "onnxruntime" | "nothing"): Promise<void> {
  ort.env.wasm.wasmPaths = new URL("engines/", document.baseURI).href;
  ort.env.wasm.numThreads = 1;
  bundle ??= await openBundle("garments.fpm");
  session = await bundle.session({ engine: engine === "nothing" ? nothing : onnxRuntime(ort) });
}

/** What can be sent to Node. */
async function detect(image: ImageSource, options: DetectOptions = {}) {
  const found = await session.detect(image, options);
  const names = session.schema.landmarks;
  return { ...found, names, landmarks: [...found.landmarks], scores: [...found.scores], doubts: [...found.doubts] };
}

async function bitmapOf(address: string): Promise<ImageBitmap> {
  return createImageBitmap(await (await fetch(address)).blob(), { colorSpaceConversion: "none" });
}

/** One picture in every form that a browser has it in. */
async function everyForm(address: string): Promise<Record<string, number[]>> {
  const blob = await (await fetch(address)).blob();
  const bitmap = await bitmapOf(address);
  const offscreen = new OffscreenCanvas(bitmap.width, bitmap.height);
  const context = offscreen.getContext("2d", { willReadFrequently: true })!;
  context.drawImage(bitmap, 0, 0);
  const pixels = context.getImageData(0, 0, bitmap.width, bitmap.height);
  const canvas = Object.assign(document.createElement("canvas"), { width: bitmap.width, height: bitmap.height });
  canvas.getContext("2d")!.drawImage(bitmap, 0, 0);
  const image = new Image();
  image.src = address;
  await image.decode();
  const frame = new VideoFrame(pixels.data, {
    format: "RGBA",
    codedWidth: bitmap.width,
    codedHeight: bitmap.height,
    timestamp: 0,
  });
  const rgb = new Uint8Array(bitmap.width * bitmap.height * 3).map(
    (_, i) => pixels.data[4 * Math.floor(i / 3) + (i % 3)]!,
  );
  const forms: Record<string, ImageSource> = {
    Blob: blob,
    ImageBitmap: bitmap,
    OffscreenCanvas: offscreen,
    ImageData: pixels,
    HTMLCanvasElement: canvas,
    HTMLImageElement: image,
    VideoFrame: frame,
    Picture: { data: rgb, width: bitmap.width, height: bitmap.height, channels: 3 },
  };
  const found: Record<string, number[]> = {};
  for (const [form, source] of Object.entries(forms)) {
    found[form] = (await detect(source)).landmarks;
  }
  frame.close();
  return found;
}

/** A video of one picture, as a browser records it. */
async function record(address: string, seconds: number): Promise<number[]> {
  const bitmap = await bitmapOf(address);
  const canvas = Object.assign(document.createElement("canvas"), { width: bitmap.width, height: bitmap.height });
  const context = canvas.getContext("2d")!;
  const recorder = new MediaRecorder(canvas.captureStream(30), { mimeType: "video/webm", videoBitsPerSecond: 8e6 });
  const parts: Blob[] = [];
  recorder.ondataavailable = ({ data }) => parts.push(data);
  const ended = new Promise((resolve) => {
    recorder.onstop = resolve;
  });
  recorder.start();
  const timer = setInterval(() => context.drawImage(bitmap, 0, 0), 1000 / 30);
  await new Promise((resolve) => setTimeout(resolve, 1000 * seconds));
  clearInterval(timer);
  recorder.stop();
  await ended;
  return [...new Uint8Array(await new Blob(parts).arrayBuffer())];
}

/** The frame that a video shows, as an element, as a VideoFrame and as an ImageBitmap of it. */
async function ofVideo(content: number[]): Promise<Record<string, number[]>> {
  const video = Object.assign(document.createElement("video"), { muted: true });
  video.src = URL.createObjectURL(new Blob([new Uint8Array(content)], { type: "video/webm" }));
  await video.play();
  await new Promise((resolve) => video.requestVideoFrameCallback(resolve));
  video.pause();
  await new Promise((resolve) => setTimeout(resolve, 200));
  const frame = new VideoFrame(video);
  const bitmap = await createImageBitmap(video);
  const forms: Record<string, ImageSource> = { HTMLVideoElement: video, VideoFrame: frame, ImageBitmap: bitmap };
  const found: Record<string, number[]> = {};
  for (const [form, source] of Object.entries(forms)) {
    found[form] = (await detect(source)).landmarks;
  }
  frame.close();
  return found;
}

/** Detect so many frames, each a picture of its own. */
async function frames(count: number, width = 320, height = 240): Promise<void> {
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d")!;
  for (let number = 0; number < count; number++) {
    context.fillStyle = `hsl(${number % 360} 60% 50%)`;
    context.fillRect(0, 0, width, height);
    const frame = new VideoFrame(canvas, { timestamp: number });
    await session.detect(frame, { deadlineMs: 1000 });
    frame.close();
  }
}

const all = { load, detect, bitmapOf, everyForm, record, ofVideo, frames };

declare global {
  var harness: typeof all;
}

globalThis.harness = all;
