/** Whether a manifest's pieces can be run one after the other, and give the heatmaps that its geometry promises. */

import { BundleError } from "../errors.js";
import type { Format, Layout, Manifest, Piece, TensorSpec } from "./manifest.js";
import { isConvertible, limitsOf } from "./tensors.js";

// Far above any sensible model; keeps a wrong manifest from asking for absurd amounts of memory.
const MAX_SIDE = 8192;
const MAX_STAGES = 99;
// Engines keep scales as float32.
const SMALLEST_SCALE = 2 ** -126;
const LARGEST_SCALE = (2 - 2 ** -23) * 2 ** 127;

/**
 * Check geometry, pieces and tensors of every format in the manifest.
 *
 * @throws BundleError a size is impossible; a stage is missing; an input comes from nowhere; a tensor cannot be passed
 *   from one piece to the next; a heatmap has another shape than geometry and landmarks give.
 */
export function checkWiring(manifest: Manifest): void {
  checkGeometry(manifest);
  const formats = Object.entries(manifest.pieces) as [Format, readonly Piece[]][];
  if (!formats.some(([, pieces]) => pieces.length)) {
    refuse("pieces", "empty", "the stages in at least one format");
  }
  for (const [format, pieces] of formats) {
    checkNames(pieces, format, manifest.stages);
    const known = new Map<string, TensorSpec>();
    for (const piece of pieces) {
      const where = `pieces.${format}, ${piece.name}`;
      for (const spec of piece.inputs) {
        checkInput(spec, known, manifest, `${where}: input ${spec.name}`);
      }
      for (const spec of piece.outputs) {
        const output = `${where}: output ${spec.name}`;
        checkTensor(spec, output);
        if (known.has(spec.name) || spec.name === "image") {
          refuse(output, "an earlier tensor too", "another name");
        }
        known.set(spec.name, spec);
      }
    }
    for (const piece of pieces.filter(({ name }) => name !== "context")) {
      checkHeatmap(piece, manifest, `pieces.${format}, ${piece.name}`);
    }
  }
}

/** The pieces that `stage` needs, in executable order, itself last. The wiring must have been checked. */
export function piecesFor(pieces: readonly Piece[], stage: number): Piece[] {
  const wanted = new Set([`heatmap_${stage}`]);
  const needed: Piece[] = [];
  for (const piece of [...pieces].reverse()) {
    if (piece.outputs.some((spec) => wanted.has(spec.name))) {
      needed.unshift(piece);
      for (const spec of piece.inputs) {
        wanted.add(spec.name);
      }
    }
  }
  return needed;
}

function checkGeometry({ geometry, stages }: Manifest): void {
  for (const name of ["input_height", "input_width"] as const) {
    const side = geometry[name];
    if (!(side > 0 && side <= MAX_SIDE && geometry.stride >= 1) || side % geometry.stride) {
      const found = `${side} with stride ${geometry.stride}`;
      refuse(`geometry.${name}`, found, `a multiple of the stride, at most ${MAX_SIDE}`);
    }
  }
  if (!(stages >= 1 && stages <= MAX_STAGES)) {
    refuse("stages", stages, `1 to ${MAX_STAGES}`);
  }
}

function checkNames(pieces: readonly Piece[], format: Format, stages: number): void {
  const names = pieces.map((piece) => piece.name).filter((name) => name !== "context");
  if (
    names.length !== stages ||
    names.some((name, i) => name !== `stage_${i + 1}`) ||
    pieces.length - names.length > 1
  ) {
    const found = pieces.map((piece) => piece.name).join(", ") || "none";
    refuse(`pieces.${format}`, found, `stage_1 to stage_${stages} in order, and at most one context`);
  }
  for (const { name, member, inputs } of pieces) {
    const expected = `stages/${name.replace("stage_", "")}.${format}`;
    if (member !== expected) {
      refuse(`pieces.${format}, ${name}`, `in member '${member}'`, expected);
    }
    if (!inputs.length) {
      refuse(`pieces.${format}, ${name}`, "without inputs", "at least one");
    }
  }
}

function checkInput(spec: TensorSpec, known: ReadonlyMap<string, TensorSpec>, manifest: Manifest, where: string): void {
  if (spec.name === "image") {
    const { input_height, input_width } = manifest.geometry;
    const expected = shaped(spec.layout, input_height, input_width, 3);
    if (spec.dtype !== "uint8" || `${spec.shape}` !== expected) {
      refuse(where, shown(spec), `uint8 (${expected}) from the geometry`);
    }
    return;
  }
  checkTensor(spec, where);
  const source = known.get(spec.name);
  if (!source) {
    refuse(where, "no output of an earlier piece", ["image", ...known.keys()].join(" or "));
  }
  if (!isConvertible(source, spec)) {
    refuse(where, shown(spec), `${shown(source)} as it was made, or another type`);
  }
}

function checkTensor(spec: TensorSpec, where: string): void {
  const { dtype, shape, scale, zero_point } = spec;
  if (shape.length !== 4 || shape[0] !== 1 || !shape.every((side) => side >= 1 && side <= MAX_SIDE)) {
    refuse(where, shown(spec), `four sizes from 1 to ${MAX_SIDE}, the first 1`);
  }
  let fits = scale === null && zero_point === null;
  if (dtype !== "float32") {
    const [least, most] = limitsOf(dtype);
    fits =
      scale !== null &&
      scale >= SMALLEST_SCALE &&
      scale <= LARGEST_SCALE &&
      zero_point !== null &&
      zero_point >= least &&
      zero_point <= most;
  }
  if (!fits) {
    refuse(where, shown(spec), "scale and zero point in the range of codes, and neither for float32");
  }
}

function checkHeatmap(piece: Piece, { geometry, landmarks }: Manifest, where: string): void {
  const { input_height, input_width, stride } = geometry;
  const name = piece.name.replace("stage", "heatmap");
  const spec = piece.outputs.find((output) => output.name === name);
  if (!spec) {
    refuse(where, "without heatmaps", `an output ${name}`);
  }
  const expected = shaped(spec.layout, input_height / stride, input_width / stride, landmarks.landmarks.length + 1);
  if (`${spec.shape}` !== expected) {
    refuse(`${where}: output ${name}`, shown(spec), `(${expected}) from geometry and landmarks`);
  }
}

function shaped(layout: Layout, rows: number, columns: number, channels: number): string {
  return `${layout === "NHWC" ? [1, rows, columns, channels] : [1, channels, rows, columns]}`;
}

function shown({ dtype, shape, layout, scale, zero_point }: TensorSpec): string {
  return `${dtype} (${shape}) ${layout}, scale ${scale}, zero point ${zero_point}`;
}

function refuse(what: string, found: string | number, expected: string): never {
  throw new BundleError(`manifest.json: ${what} is ${found}; expected ${expected}; make the bundle again`);
}
