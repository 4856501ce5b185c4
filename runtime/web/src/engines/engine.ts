/** What executes a piece. One file an engine; each takes the engine's module from the app, so none is bundled here. */

import type { Format, Piece } from "../bundle/manifest.js";
import type { TensorData } from "../bundle/tensors.js";

export { emptyTensor, type TensorData } from "../bundle/tensors.js";

/** What runs the pieces; `none`: the processor. */
export type Delegate = "none" | "gpu" | "npu";

/** One loaded piece. */
export interface PieceRunner {
  readonly delegate: Delegate;
  /** Share of the piece's operations that the delegate runs, 0 to 1; 0 without a delegate. */
  readonly delegated: number;
  /**
   * Run it.
   *
   * @param inputs tensor name → numbers of exactly the type and size in the piece's `inputs`. Others are ignored.
   * @returns tensor name → numbers as in the piece's `outputs`. They stay valid after the next call.
   */
  run(inputs: Readonly<Record<string, TensorData>>): Promise<Record<string, TensorData>>;
  /** Free what the engine holds; the runner cannot run any more. */
  dispose(): void;
}

/** Turns the bytes of a piece into something that runs. */
export interface Engine {
  readonly name: string;
  readonly version: string;
  /** What it reads, best first. */
  readonly formats: readonly Format[];
  /**
   * Load a piece.
   *
   * @param piece names, types, shapes and quantization that the model must have.
   * @param model the piece's member, its digest already checked.
   * @param threads to use; undefined leaves it to the engine.
   * @throws BundleError the engine cannot read the model, or its tensors are not those of `piece`.
   * @throws FpmEdgeError the engine is for a GPU or NPU that is not there or does not take all of the model.
   */
  load(piece: Piece, model: Uint8Array, threads?: number): Promise<PieceRunner>;
}
