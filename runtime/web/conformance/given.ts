/** What a client gives a session in place of the world: a clock that moves as told, an engine that answers as told. */

import { sha256 } from "../src/bundle/digest.js";
import type { Piece, TensorSpec } from "../src/bundle/manifest.js";
import { type Engine, emptyTensor, type PieceRunner, type TensorData } from "../src/engines/engine.js";
import { UsageError } from "../src/errors.js";

/** A clock that stands still but for what moves it; times by piece, the last of each repeats. */
export class GivenClock {
  private ms = 0;
  private readonly runs = new Map<string, number>();

  constructor(private readonly times: Readonly<Record<string, readonly number[]>>) {}

  /** The time in milliseconds, as `performance.now` has it. */
  readonly now = (): number => this.ms;

  /** Let so much time pass. */
  move(milliseconds: number): void {
    this.ms += milliseconds;
  }

  /** Let the time of the piece's next run pass. */
  run(piece: string): void {
    const times = this.times[piece];
    if (times === undefined) return;
    const run = this.runs.get(piece) ?? 0;
    this.runs.set(piece, run + 1);
    this.move(times[Math.min(run, times.length - 1)]!);
  }
}

/** An engine whose pieces take as long as a given clock says, whatever they took. */
export function timed(engine: Engine, clock: GivenClock): Engine {
  return {
    name: engine.name,
    version: engine.version,
    formats: engine.formats,
    async load(piece, model, threads) {
      const runner = await engine.load(piece, model, threads);
      return {
        delegate: runner.delegate,
        delegated: runner.delegated,
        async run(inputs) {
          const outputs = await runner.run(inputs);
          clock.run(piece.name);
          return outputs;
        },
        dispose: () => runner.dispose(),
      };
    },
  };
}

/** What a piece was given: its name, and the SHA-256 of each input. */
export interface Run {
  readonly piece: string;
  readonly inputs: Readonly<Record<string, string>>;
}

/** The engine `given`: it answers with the tensors that it was told, and remembers what it was given. */
export class GivenEngine implements Engine {
  readonly name = "given";
  readonly version = "0";
  readonly formats = ["tflite", "onnx"] as const;
  runs: Run[] = [];

  /** @param answers tensor → raw numbers, one a run; the last repeats. */
  constructor(private readonly answers: Readonly<Record<string, readonly { path: string; bytes: Uint8Array }[]>>) {}

  async load(piece: Piece): Promise<PieceRunner> {
    const answers = piece.outputs.map((spec) => ({
      name: spec.name,
      tensors: (this.answers[spec.name] ?? []).map(({ path, bytes }) => tensorOf(spec, path, bytes)),
      empty: emptyTensor(spec.dtype, sizeOf(spec)),
    }));
    let count = 0;
    return {
      delegate: "none",
      delegated: 0,
      run: async (inputs) => {
        const given: Record<string, string> = {};
        for (const spec of piece.inputs)
          given[spec.name] = await sha256(bytesOf(inputs[spec.name]!) as Uint8Array<ArrayBuffer>);
        this.runs.push({ piece: piece.name, inputs: given });
        const run = count++;
        return Object.fromEntries(
          answers.map(({ name, tensors, empty }) => [
            name,
            (tensors[Math.min(run, tensors.length - 1)] ?? empty).slice(),
          ]),
        );
      },
      dispose() {},
    };
  }
}

/** Numbers of a type, from their little-endian bytes. */
export function numbersOf(dtype: TensorSpec["dtype"], bytes: Uint8Array): TensorData {
  const numbers = emptyTensor(dtype, bytes.length / emptyTensor(dtype, 0).BYTES_PER_ELEMENT);
  new Uint8Array(numbers.buffer).set(bytes);
  return numbers;
}

function bytesOf(numbers: TensorData): Uint8Array {
  return new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength);
}

function sizeOf(spec: TensorSpec): number {
  return spec.shape.reduce((product, size) => product * size, 1);
}

function tensorOf(spec: TensorSpec, path: string, bytes: Uint8Array): TensorData {
  const empty = emptyTensor(spec.dtype, sizeOf(spec));
  if (bytes.length !== empty.byteLength) {
    throw new UsageError(`${path} has ${bytes.length} bytes; ${spec.name} has ${empty.byteLength}`);
  }
  return numbersOf(spec.dtype, bytes);
}
