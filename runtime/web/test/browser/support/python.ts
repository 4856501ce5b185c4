/** What the Python runtime says, the reference. */

import { FPM_EDGE, PYTHON, run } from "./repository.js";

export interface Landmarks {
  readonly category: string;
  /** Name → x, y in pixels of the picture. */
  readonly landmarks: Record<string, [number, number]>;
  /** Side of a pixel of the network's input, in pixels of the picture. */
  readonly pixel: number;
}

/** What `fpm-edge run` finds in a picture with ONNX Runtime. */
export async function expected(bundle: string, picture: string): Promise<Landmarks> {
  const { stdout } = await run(FPM_EDGE, ["run", bundle, picture, "--engine", "onnxruntime", "--json"]);
  const [{ category, landmarks }] = JSON.parse(stdout);
  const points = Object.entries<{ x: number; y: number }>(landmarks).map(([name, { x, y }]) => [name, [x, y]] as const);
  const script =
    "import sys; from PIL import Image; from fpm_edge_runtime import open_bundle; " +
    "g = open_bundle(sys.argv[1]).manifest.geometry; w, h = Image.open(sys.argv[2]).size; " +
    "print(max(w / g.input_width, h / g.input_height))";
  const { stdout: pixel } = await run(PYTHON, ["-c", script, bundle, picture]);
  return { category, landmarks: Object.fromEntries(points) as Record<string, [number, number]>, pixel: Number(pixel) };
}

/** A bundle in its right form, with right digests, whose first model is that of stage 2: only an engine sees that. */
export async function withWrongModel(bundle: string): Promise<Buffer> {
  const script =
    "import sys, base64; from fpm_edge_runtime import open_bundle; from fpm_edge_runtime.stages.pack import bundle_bytes; " +
    "b = open_bundle(sys.argv[1]); kept = {n: b.read(n) for n in b.members if n.startswith('stages/')}; " +
    "kept['stages/1.onnx'] = b.read('stages/2.onnx'); " +
    "print(base64.b64encode(bundle_bytes(b.manifest, kept)).decode())";
  const { stdout } = await run(PYTHON, ["-c", script, bundle], { maxBuffer: 1 << 26 });
  return Buffer.from(stdout, "base64");
}
