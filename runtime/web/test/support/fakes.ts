/** An engine that answers as it is told, for faults and for what runs when. */

import type { Piece } from "../../src/bundle/manifest.js";
import { type Engine, emptyTensor, type TensorData } from "../../src/engines/engine.js";

export interface FakeOptions {
  /** Called in place of a run; what it returns, or zeros. */
  readonly run?: (
    piece: Piece,
    inputs: Readonly<Record<string, TensorData>>,
  ) => Promise<Record<string, TensorData> | undefined>;
  readonly load?: (piece: Piece, threads: number | undefined) => void;
  readonly dispose?: (piece: Piece) => void;
}

export function fakeEngine(options: FakeOptions = {}): Engine {
  return {
    name: "fake",
    version: "1.2",
    formats: ["onnx", "tflite"],
    async load(piece, _model, threads) {
      options.load?.(piece, threads);
      return {
        delegate: "none",
        delegated: 0,
        run: async (inputs) => (await options.run?.(piece, inputs)) ?? zeros(piece),
        dispose: () => options.dispose?.(piece),
      };
    },
  };
}

/** Outputs of the right types and sizes. */
export function zeros(piece: Piece): Record<string, TensorData> {
  return Object.fromEntries(
    piece.outputs.map(({ name, dtype, shape }) => [
      name,
      emptyTensor(
        dtype,
        shape.reduce((size, side) => size * side, 1),
      ),
    ]),
  );
}
