/**
 * LiteRT.js. The app passes the module, after it has loaded the WebAssembly:
 *
 *     import * as litert from "@litertjs/core";
 *     await litert.loadLiteRt("/litert/wasm/");
 *     const engine = liteRt(litert);
 */

import type { Piece } from "../bundle/manifest.js";
import { MissingExtraError, UsageError } from "../errors.js";
import { checkEdges, type Edge, notLoaded } from "./check.js";
import type { Engine, PieceRunner, TensorData } from "./engine.js";

const SIGNATURE = "serving_default";

// As it has them: on memory of their own.
type LiteRtData = Float32Array<ArrayBuffer> | Int32Array<ArrayBuffer> | Uint8Array<ArrayBuffer>;

export interface LiteRtTensor {
  data(): Promise<Float32Array | Int32Array | Uint8Array>;
  delete(): void;
}

export interface LiteRtSignature<T> {
  getInputDetails(): readonly Edge[];
  getOutputDetails(): readonly Edge[];
  run(input: Record<string, T>): Promise<Record<string, T>>;
}

export interface LiteRtCompiled<T> extends LiteRtSignature<T> {
  readonly signatures: Record<string, LiteRtSignature<T>>;
  readonly isFullyAccelerated: boolean;
  readonly options: { readonly accelerator: string };
  delete(): void;
}

/** The part of `@litertjs/core` that is used here. */
export interface LiteRtModule<T extends LiteRtTensor> {
  readonly Tensor: new (data: LiteRtData, shape: Int32Array) => T;
  loadAndCompile(
    model: Uint8Array,
    options: {
      accelerator: "wasm" | "webgpu";
      cpuOptions?: { numThreads: number };
      gpuOptions?: { precision: "fp32" };
    },
  ): Promise<LiteRtCompiled<T>>;
  getGlobalLiteRt(): { readonly liteRtWasm: { getThreadCount(): number } };
}

export interface LiteRtOptions {
  /** `"wasm"`, the processor, unless you say `"webgpu"`, which takes all of a piece or there is an error. */
  readonly accelerator?: "wasm" | "webgpu";
  /** Of the package `@litertjs/core`, for messages and logs: the module does not say it itself. */
  readonly version?: string;
}

/**
 * An engine that reads TFLite pieces whose tensors are float32 or uint8: LiteRT.js knows no int8 and no int16.
 *
 * Threads: one, unless more are asked for, at most as many as LiteRT.js was loaded with. That is one as well but for
 * `loadLiteRt(path, { threads: true })`, which needs a page that is cross-origin isolated. Each piece has its own. What
 * has several is freed with the page, not by `dispose`: LiteRT.js (2.5.3) waits for threads that it takes down, and where
 * the browser had no time to start one of them, which it does while nothing else runs, it waits for ever.
 */
export function liteRt<T extends LiteRtTensor>(litert: LiteRtModule<T>, options: LiteRtOptions = {}): Engine {
  const { accelerator = "wasm", version = "of unknown version" } = options;
  const gpu = accelerator === "webgpu";
  const name = gpu ? "litert-web-gpu" : "litert-web";

  async function compile(model: Uint8Array, threads: number): Promise<LiteRtCompiled<T>> {
    const compiled = await litert.loadAndCompile(model, {
      accelerator,
      cpuOptions: { numThreads: gpu ? 1 : threads },
      // Left alone, a GPU computes in float16, and the landmarks drift unseen.
      ...(gpu && { gpuOptions: { precision: "fp32" } }),
    });
    // What the GPU does not take, LiteRT leaves to the processor, some of it or all, with a line in the console.
    if (gpu && !(compiled.options.accelerator === accelerator && compiled.isFullyAccelerated)) {
      compiled.delete();
      throw new Error("some were left to the processor");
    }
    return compiled;
  }

  return {
    name,
    version,
    formats: ["tflite"],
    async load(piece, model, threads = 1) {
      checkDtypes(piece, name);
      checkThreads(litert, threads);
      let compiled: LiteRtCompiled<T>;
      try {
        compiled = await compile(model, threads);
      } catch (error) {
        throw await notLoaded(piece, name, error, gpu ? "WebGPU" : undefined, async () =>
          (await litert.loadAndCompile(model, { accelerator: "wasm", cpuOptions: { numThreads: 1 } })).delete(),
        );
      }
      const dispose = () => {
        if (gpu || threads === 1) {
          compiled.delete();
        }
      };
      try {
        const signature = compiled.signatures[SIGNATURE] ?? compiled;
        // LiteRT.js does not say the scales of a model.
        checkEdges(piece, signature.getInputDetails(), signature.getOutputDetails());
        return { ...runner(litert, piece, signature, gpu), dispose };
      } catch (error) {
        dispose();
        throw error;
      }
    },
  };
}

function checkDtypes(piece: Piece, engine: string): void {
  const strange = [...piece.inputs, ...piece.outputs].find((spec) => !["float32", "uint8"].includes(spec.dtype));
  if (strange) {
    throw new UsageError(
      `${engine} cannot load ${piece.member}: tensor ${strange.name} is ${strange.dtype}, and LiteRT.js takes float32 ` +
        "and uint8 only; convert the model with fpm-edge convert --edges uint8, or use ONNX Runtime",
    );
  }
}

function checkThreads(litert: LiteRtModule<LiteRtTensor>, threads: number): void {
  let most: number;
  try {
    most = litert.getGlobalLiteRt().liteRtWasm.getThreadCount();
  } catch (error) {
    throw new MissingExtraError("LiteRT.js is not loaded; await loadLiteRt(...) first", { cause: error });
  }
  if (threads > most) {
    throw new UsageError(
      `threads is ${threads}, and LiteRT.js was loaded with ${most}; load it with loadLiteRt(path, { threads: true }) ` +
        "on a page that is cross-origin isolated, or leave threads out",
    );
  }
}

function runner<T extends LiteRtTensor>(
  litert: LiteRtModule<T>,
  piece: Piece,
  signature: LiteRtSignature<T>,
  gpu: boolean,
): Omit<PieceRunner, "dispose"> {
  const inputs = piece.inputs.map((spec) => ({ name: spec.name, shape: Int32Array.from(spec.shape) }));
  return {
    delegate: gpu ? "gpu" : "none",
    delegated: Number(gpu), // never less than all: see `compile`
    async run(given) {
      // They lie in WebAssembly's memory, where nothing frees them but `delete`.
      const tensors: T[] = [];
      try {
        const feeds: Record<string, T> = {};
        for (const { name, shape } of inputs) {
          feeds[name] = new litert.Tensor(given[name] as LiteRtData, shape);
          tensors.push(feeds[name]);
        }
        const made = await signature.run(feeds);
        tensors.push(...Object.values(made));
        const found: Record<string, TensorData> = {};
        for (const { name } of piece.outputs) {
          found[name] = (await made[name]!.data()) as TensorData; // a copy
        }
        return found;
      } finally {
        for (const tensor of tensors) {
          tensor.delete();
        }
      }
    },
  };
}
