/**
 * ONNX Runtime: `onnxruntime-web` in a browser, `onnxruntime-node` (or `onnxruntime-web`) in Node. The app passes the
 * module that it imported.
 *
 *     import * as ort from "onnxruntime-web";
 *     const engine = onnxRuntime(ort);
 */

import type { Piece } from "../bundle/manifest.js";
import { MissingExtraError, UsageError } from "../errors.js";
import { checkEdges, type Edge, firstLine, notLoaded } from "./check.js";
import type { Delegate, Engine, PieceRunner, TensorData } from "./engine.js";
import { probe, probed } from "./onnx-overflow.js";

/** The part of a session of ONNX Runtime that is used here. */
export interface OrtSession {
  /** Since version 1.22. */
  readonly inputMetadata?: readonly OrtMetadata[];
  readonly outputMetadata?: readonly OrtMetadata[];
  run(feeds: Record<string, OrtTensor>, fetches: readonly string[]): Promise<Record<string, OrtTensor>>;
  release(): Promise<void>;
}

export type OrtMetadata =
  | { readonly name: string; readonly isTensor: false }
  | {
      readonly name: string;
      readonly isTensor: true;
      readonly type: string;
      readonly shape: readonly (number | string)[];
    };

export interface OrtTensor {
  readonly data: unknown;
}

/** The part of `onnxruntime-web` and `onnxruntime-node` that is used here. */
export interface OrtModule {
  readonly env: {
    readonly versions: { readonly common: string; readonly web?: string; readonly node?: string };
    readonly wasm: { numThreads?: number };
  };
  /** Which types it takes and what for depends on the version; `never` lets all of them be one. */
  readonly Tensor: new (
    type: never,
    data: never,
    shape: readonly number[],
  ) => OrtTensor;
  readonly InferenceSession: { create(model: Uint8Array, options?: object): Promise<OrtSession> };
}

export interface OnnxRuntimeOptions {
  /**
   * What runs the pieces, such as `"webgpu"`, or an object with a `name` and options as ONNX Runtime takes them; left
   * out: the processor. It takes all of a piece or there is an error: nothing is left to the processor unseen.
   */
  readonly executionProvider?: string | { readonly name: string; readonly deviceType?: string };
}

/**
 * An engine that reads ONNX pieces.
 *
 * Threads: in Node each piece has its own. On the web there is one number for the whole page, `ort.env.wasm.numThreads`,
 * which cannot change once the first model is loaded; more than one need a page that is cross-origin isolated.
 * `onnxruntime-node` runs a piece on the thread that calls it, which does nothing else meanwhile.
 */
export function onnxRuntime(ort: OrtModule, options: OnnxRuntimeOptions = {}): Engine {
  const { node, web, common } = ort.env.versions;
  const provider = options.executionProvider;
  const providerName = typeof provider === "string" ? provider : provider?.name;
  const delegate = delegateOf(providerName, typeof provider === "string" ? undefined : provider?.deviceType);
  const name = `onnxruntime-${node ? "node" : "web"}${delegate === "none" ? "" : `-${providerName}`}`;
  const version = node ?? web ?? common;
  let exact: Promise<boolean> | undefined;

  /** What a session runs with: one piece at a time, integers that are exact everywhere, no processor beside a GPU. */
  async function create(model: Uint8Array, where: Delegate, threads?: number, sure?: boolean): Promise<OrtSession> {
    return ort.InferenceSession.create(model, {
      ...(where !== "none" && { executionProviders: [provider] }),
      ...(threads !== undefined && node && { intraOpNumThreads: threads }),
      interOpNumThreads: 1,
      graphOptimizationLevel: "all",
      logSeverityLevel: 3, // errors only
      extra: {
        session: {
          // Threads of one piece would go on spinning while the next one runs, and take the processors from it.
          intra_op: { allow_spinning: "0" },
          ...(where !== "none" && { disable_cpu_ep_fallback: "1" }),
          // Kernels become uint8 as well. Not where it is not needed: that is slower.
          ...(sure === false && { x64quantprecision: "1" }),
        },
      },
    });
  }

  return {
    name,
    version,
    formats: ["onnx"],
    async load(piece, model, threads) {
      // ONNX Runtime fills in the number of threads when it starts; from then on it stays.
      if (!node && threads !== undefined) {
        ort.env.wasm.numThreads ||= threads;
      }
      exact ??= create(probe(), "none")
        .then((session) => probed(ort, session))
        .catch((cause) => {
          exact = undefined; // ONNX Runtime decides whether it can be tried again: on the web it cannot
          const remedy = node ? "install it anew" : "set ort.env.wasm.wasmPaths, and reload";
          throw new MissingExtraError(`${name} does not start: ${firstLine(cause)}; ${remedy}`, { cause });
        });
      const sure = await exact;
      let session: OrtSession;
      try {
        session = await create(model, delegate, threads, sure);
      } catch (error) {
        const accelerator = delegate === "none" ? undefined : providerName;
        throw await notLoaded(piece, name, error, accelerator, async () => (await create(model, "none")).release());
      }
      try {
        if (!node) {
          checkThreads(threads, ort.env.wasm.numThreads);
        }
        // An ONNX model does not state the scales of its edges.
        checkEdges(piece, edgesOf(session.inputMetadata), edgesOf(session.outputMetadata));
      } catch (error) {
        await session.release();
        throw error;
      }
      return runner(ort, piece, session, delegate);
    },
  };
}

function delegateOf(provider: string | undefined, deviceType: string | undefined): Delegate {
  if (provider === undefined || provider === "cpu" || provider === "wasm") {
    return "none";
  }
  return provider === "qnn" || deviceType === "npu" ? "npu" : "gpu";
}

function checkThreads(threads: number | undefined, found: number | undefined): void {
  if (threads !== undefined && threads !== found) {
    throw new UsageError(
      `threads is ${threads}, and onnxruntime-web has ${found} (ort.env.wasm.numThreads); ask at the first load, ` +
        "for more than one on a cross-origin isolated page",
    );
  }
}

function edgesOf(metadata: readonly OrtMetadata[] | undefined): Edge[] {
  if (!metadata) {
    throw new MissingExtraError("ONNX Runtime does not say the types of tensors; update it to 1.22 or later");
  }
  return metadata.map((one) =>
    one.isTensor
      ? { name: one.name, dtype: one.type, shape: one.shape }
      : { name: one.name, dtype: "no tensor", shape: [] },
  );
}

function runner(ort: OrtModule, piece: Piece, session: OrtSession, delegate: Delegate): PieceRunner {
  const outputs = piece.outputs.map((spec) => spec.name);
  return {
    delegate,
    delegated: Number(delegate !== "none"), // never less than all: see `create`
    async run(inputs) {
      const feeds = Object.fromEntries(
        piece.inputs.map(({ name, dtype, shape }) => [
          name,
          new ort.Tensor(dtype as never, inputs[name] as never, shape),
        ]),
      );
      const found = await session.run(feeds, outputs);
      // Arrays of their own: nothing that runs later writes into them.
      return Object.fromEntries(outputs.map((name) => [name, found[name]!.data as TensorData]));
    },
    dispose() {
      session.release().catch(() => {});
    },
  };
}
