// Landmarks in a browser: whole.onnx takes a picture of any size and gives landmarks in its pixels.

import * as ort from "./node_modules/onnxruntime-web/dist/ort.wasm.min.mjs";

ort.env.wasm.wasmPaths = new URL("./node_modules/onnxruntime-web/dist/", import.meta.url).href;

// More pixels make the first step of the graph slow, and find nothing more.
const LONGEST_SIDE = 1024;

/** Load whole.onnx and, for the names, manifest.json; both are from `fpm-edge extract`. */
export async function load(modelUrl, manifestUrl) {
  const manifest = await (await fetch(manifestUrl)).json();
  const session = await ort.InferenceSession.create(modelUrl, { executionProviders: ["wasm"] });
  return { session, schema: manifest.landmarks };
}

/**
 * Find the landmarks of an ImageBitmap, <img>, <video> or <canvas>, of a category such as "trousers" (all without one).
 * Returns [{name, x, y, score}], in pixels of the picture; pixel centres are whole numbers.
 */
export async function detect({ session, schema }, picture, category) {
  const width = picture.videoWidth || picture.naturalWidth || picture.width;
  const height = picture.videoHeight || picture.naturalHeight || picture.height;
  const scale = Math.min(1, LONGEST_SIDE / Math.max(width, height));
  const canvas = new OffscreenCanvas(Math.max(1, Math.round(width * scale)), Math.max(1, Math.round(height * scale)));
  const context = canvas.getContext("2d", { willReadFrequently: true });
  // Black behind what is transparent, as the runtime has it.
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.drawImage(picture, 0, 0, canvas.width, canvas.height);
  const rgba = context.getImageData(0, 0, canvas.width, canvas.height).data;
  const rgb = new Uint8Array(canvas.width * canvas.height * 3);
  for (let from = 0, to = 0; from < rgba.length; from += 4) {
    rgb[to++] = rgba[from];
    rgb[to++] = rgba[from + 1];
    rgb[to++] = rgba[from + 2];
  }
  const image = new ort.Tensor("uint8", rgb, [1, canvas.height, canvas.width, 3]);
  const { landmarks } = await session.run({ image }, ["landmarks"]);
  const kept = category === undefined ? schema.landmarks.keys() : schema.categories[category];
  return Array.from(kept, (index) => {
    const [x, y, score] = landmarks.data.subarray(3 * index, 3 * index + 3);
    // From the middle of one pixel to the middle of another of a different size.
    return {
      name: schema.landmarks[index],
      x: ((x + 0.5) * width) / canvas.width - 0.5,
      y: ((y + 0.5) * height) / canvas.height - 0.5,
      score,
    };
  });
}
