/** Whether the tensors that an engine found in a model are those that the manifest promises. */

import type { Piece, TensorSpec } from "../bundle/manifest.js";
import { BundleError } from "../errors.js";

/** The error for a model that an engine cannot read. */
export function damaged(piece: Piece, engine: string, error: unknown): BundleError {
  return new BundleError(
    `${engine} cannot load ${piece.member}: ${firstLine(error)}; update the engine, or convert the model again`,
    { cause: error },
  );
}

/** @throws BundleError the model does not have exactly the piece's inputs and outputs. */
export function checkNames(piece: Piece, inputs: readonly string[], outputs: readonly string[]): void {
  for (const [what, specs, names] of [
    ["inputs", piece.inputs, inputs],
    ["outputs", piece.outputs, outputs],
  ] as const) {
    const expected = specs.map((spec) => spec.name).sort();
    const found = [...names].sort();
    if (found.length !== expected.length || found.some((name, i) => name !== expected[i])) {
      throw new BundleError(
        `${piece.member}: the model's ${what} are ${found.join(", ") || "none"}; ` +
          `the manifest says ${expected.join(", ")}; convert the model again`,
      );
    }
  }
}

/** @throws BundleError a tensor does not have the spec's type and shape. */
export function checkType(piece: Piece, spec: TensorSpec, dtype: string, shape: ArrayLike<number | string>): void {
  const found = Array.from(shape).join(", ");
  if (dtype !== spec.dtype || found !== spec.shape.join(", ")) {
    throw new BundleError(
      `${piece.member}: tensor ${spec.name} is ${dtype} (${found}); the manifest says ${spec.dtype} ` +
        `(${spec.shape.join(", ")}); convert the model again`,
    );
  }
}

/** What an error says in its first line; engines throw all sorts of things. */
export function firstLine(error: unknown): string {
  const said = error instanceof Error ? error.message || error.name : String(error);
  return said.trim().split("\n", 1)[0]!;
}
