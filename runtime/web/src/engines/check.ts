/** Whether what an engine found in a model is what the manifest promises, and whose fault it is if it cannot load it. */

import type { Piece } from "../bundle/manifest.js";
import { BundleError, FpmEdgeError } from "../errors.js";

/** A tensor as an engine describes it. */
export interface Edge {
  readonly name: string;
  readonly dtype: string;
  readonly shape: ArrayLike<number | string>;
}

/**
 * @param inputs, outputs those of the model.
 * @throws BundleError they have other names, types or shapes than those of the piece.
 */
export function checkEdges(piece: Piece, inputs: readonly Edge[], outputs: readonly Edge[]): void {
  for (const what of ["inputs", "outputs"] as const) {
    const specs = piece[what];
    const edges = what === "inputs" ? inputs : outputs;
    // Names first, then types and shapes: what has other names is another model.
    for (const shown of [nameOf, described]) {
      const found = edges.map(shown).sort().join(", ");
      const expected = specs.map(shown).sort().join(", ");
      if (found !== expected) {
        throw new BundleError(
          `${piece.member}: the model's ${what} are ${found || "none"}; the manifest says ${expected}; convert the ` +
            "model again",
        );
      }
    }
  }
}

/**
 * The error for a model that an engine did not load: the model is damaged, or, if the processor loads it, the
 * accelerator is not there or does not take all of it.
 *
 * @param engine its name.
 * @param accelerator what was to run it; undefined for the processor.
 * @param onProcessor loads it there.
 */
export async function notLoaded(
  piece: Piece,
  engine: string,
  error: unknown,
  accelerator?: string,
  onProcessor?: () => Promise<unknown>,
): Promise<Error> {
  let cause = error;
  if (accelerator && onProcessor) {
    try {
      await onProcessor();
      return new FpmEdgeError(
        `${engine} cannot run ${piece.member}: ${accelerator} is not there, or does not take all of its operations ` +
          `(${firstLine(error)}); use another engine`,
        { cause },
      );
    } catch (onProcessorToo) {
      cause = onProcessorToo;
    }
  }
  return new BundleError(
    `${engine} cannot load ${piece.member}: ${firstLine(cause)}; update the engine, or convert the model again`,
    { cause },
  );
}

/** What an error says in its first line; engines throw all sorts of things. */
export function firstLine(error: unknown): string {
  return String((error as Partial<Error> | null)?.message || error)
    .trim()
    .split("\n", 1)[0]!;
}

function nameOf({ name }: Edge): string {
  return name;
}

function described({ name, dtype, shape }: Edge): string {
  return `${name} ${dtype} (${Array.from(shape).join(", ")})`;
}
