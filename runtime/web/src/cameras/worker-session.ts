/** A session in a worker, used as if it were here: frames are sent to it, and the page's thread stays free. */

import type { Geometry, GoldenCase, GoldenSet, LandmarkSchema, Manifest } from "../bundle/manifest.js";
import { FpmEdgeError, UsageError } from "../errors.js";
import type { ImageSource } from "../pixels/source.js";
import type { Detection, DetectOptions, Detector, StageOptions, StageResult, Trace } from "../stages/results.js";
import { Live, type LiveCounts } from "./live.js";
import {
  type Description,
  errorOf,
  type MessageEnd,
  type Reply,
  type Request,
  release,
  sendable,
  type Task,
} from "./messages.js";
import { takenOff } from "./waiting.js";

// So long, milliseconds, `close` waits for a worker that may hang.
const PATIENCE_MS = 5000;

/** See `BundleContents`. */
export interface WorkerBundle {
  readonly digest: string;
  readonly manifest: Manifest;
  readonly schema: LandmarkSchema;
  golden(): Promise<GoldenSet | null>;
  goldenInput(golden: GoldenCase): Promise<Uint8Array>;
}

type Given = readonly [list: unknown[], transfer: Transferable[]];

interface Pending {
  readonly resolve: (value: never) => void;
  readonly reject: (error: Error) => void;
}

/**
 * The session that a worker's `serveSession` loads.
 *
 *     const worker = new Worker(new URL("./worker.js", import.meta.url), { type: "module" });
 *     const session = await createWorkerSession(worker, "/models/lite-m.fpm");
 *
 * @param worker ended by `close`, and when the session cannot be loaded. A `MessagePort` does as well.
 * @param setup for the worker's `load`: what structured cloning takes, such as an address, or a bundle's bytes.
 * @param transfer what of it is given away instead of copied.
 * @throws what `load` throws, of the same class if it is one of ours.
 * @throws FpmEdgeError the worker's file cannot be loaded.
 */
export async function createWorkerSession(
  worker: MessageEnd,
  setup?: unknown,
  transfer: Transferable[] = [],
): Promise<WorkerSession> {
  return WorkerSession.open(worker, setup, transfer);
}

/**
 * What a `Session` does, done by one in a worker. `detect` answers every picture, in order; `submit` the newest.
 *
 * The worker has one request at a time, so what one waits is known here, and taken off its deadline.
 * An `ImageBitmap` or `VideoFrame` is given away: it is sent to the worker and closed, whatever comes of it. Errors are those of
 * `Session`. With a reference in a second worker, this is also what a `Shadow` takes.
 */
export class WorkerSession implements Detector {
  readonly #end: MessageEnd;
  readonly #pending = new Map<number, Pending>();
  readonly #live = new Live(this);
  #known!: Description;
  #next = 1;
  #last: Promise<unknown> = Promise.resolve();
  #closing: Promise<void> | null = null;
  #ended = false;

  private constructor(end: MessageEnd) {
    this.#end = end;
    end.addEventListener("message", ({ data }: { data?: Partial<Reply> | null }) => {
      const pending = this.#pending.get(data?.fpmEdge as number);
      if (pending) {
        this.#pending.delete(data!.fpmEdge!);
        data!.error ? pending.reject(errorOf(data!.error)) : pending.resolve(data!.value as never);
      }
    });
    // What is lost is not known, so everything is; the next request may be answered all the same.
    const lost = (event: { message?: string }) =>
      this.#fail(`the session's worker failed: ${event.message || "its file or a message cannot be read"}`);
    end.addEventListener("error", lost);
    end.addEventListener("messageerror", lost);
    end.start?.();
  }

  /** See `createWorkerSession`. */
  static async open(end: MessageEnd, setup: unknown, transfer: Transferable[]): Promise<WorkerSession> {
    const session = new WorkerSession(end);
    try {
      session.#known = await session.#ask("open", [setup], transfer);
    } catch (error) {
      session.#finish();
      throw error;
    }
    return session;
  }

  /** The bundle that it runs: what `checkGoldens` and `DriftMonitor.ofBundle` need of it. */
  get bundle(): WorkerBundle {
    const { digest, manifest } = this.#known;
    return {
      digest,
      manifest,
      schema: manifest.landmarks,
      golden: () => this.#ask("golden", []),
      goldenInput: (golden) => this.#ask("goldenInput", [golden]),
    };
  }

  /** Which of the bundle's formats is loaded. */
  get format(): Description["format"] {
    return this.#known.format;
  }

  /** Name of the engine. */
  get engine(): string {
    return this.#known.engine;
  }

  /** Version of the engine's package. */
  get engineVersion(): string {
    return this.#known.engineVersion;
  }

  /** See `Session.delegate`. */
  get delegate(): Description["delegate"] {
    return this.#known.delegate;
  }

  /** See `Session.delegated`. */
  get delegated(): number {
    return this.#known.delegated;
  }

  /** How many stages are loaded. */
  get stageLimit(): number {
    return this.#known.stageLimit;
  }

  /** The landmarks it finds. */
  get schema(): LandmarkSchema {
    return this.#known.manifest.landmarks;
  }

  /** Size of the network's input, and its stride. */
  get geometry(): Geometry {
    return this.#known.manifest.geometry;
  }

  /** See `Session.detect`. Deadlines count from this call. */
  async detect(image: ImageSource, options: DetectOptions = {}): Promise<Detection> {
    return this.#send("detect", image, options);
  }

  /**
   * Detect this frame next: one at a time is in the worker, and of those that come meanwhile only the newest waits.
   *
   * @returns the answer; null where a newer frame took its place.
   */
  async submit(frame: ImageSource, options: DetectOptions = {}): Promise<Detection | null> {
    try {
      return await this.#live.submit(frame, options);
    } finally {
      release(frame);
    }
  }

  /** What became of the frames that were submitted. */
  get counts(): LiveCounts {
    return this.#live.counts;
  }

  /** See `Session.trace`. */
  async trace(image: ImageSource, options: DetectOptions = {}): Promise<Trace> {
    return this.#send("trace", image, options);
  }

  /** See `Session.detectInput`. The input is copied. */
  async detectInput(
    pixels: Uint8Array | Uint8ClampedArray,
    options: { readonly stages?: number | null | undefined } = {},
  ): Promise<readonly StageResult[]> {
    return this.#ask("detectInput", [pixels.slice(), options]);
  }

  /** See `Session.stages`; it begins when the first answer is asked for. */
  async *stages(image: ImageSource, options: StageOptions = {}): AsyncGenerator<StageResult, void> {
    const id = await this.#send("stages", image, options);
    try {
      for (;;) {
        const { done, value }: IteratorResult<StageResult, void> = await this.#ask("next", [id]);
        if (done) {
          return;
        }
        yield value;
      }
    } finally {
      await this.#ask("return", [id]).catch(() => {});
    }
  }

  /**
   * Finish the request that the worker has, dispose of the session and end the worker; after five seconds it is ended
   * as it is. What waits is not answered.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#live.close();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise((resolve) => {
      timer = setTimeout(resolve, PATIENCE_MS);
    });
    await Promise.race([this.#ask("close", []).catch(() => {}), late]);
    clearTimeout(timer);
    this.#finish();
    this.#fail("the session's worker was closed before it answered");
  }

  #finish(): void {
    this.#ended = true;
    this.#end.terminate ? this.#end.terminate() : this.#end.close?.();
  }

  #fail(message: string): void {
    for (const { reject } of this.#pending.values()) {
      reject(new FpmEdgeError(message));
    }
    this.#pending.clear();
  }

  async #send<Answer>(task: Task, image: ImageSource, options: StageOptions): Promise<Answer> {
    const since = performance.now();
    const sending = sendable(image);
    const made = sending.then(
      ([sent]) => sent,
      () => null, // which is thrown below
    );
    try {
      return await this.#ask(task, async () => {
        const [sent, transfer] = await sending;
        return [[sent, takenOff(options, performance.now() - since)], transfer];
      });
    } finally {
      release(await made); // if it never came to that
    }
  }

  /** Ask the worker when it has answered all that came before; what is given may be made only then. */
  async #ask<Answer>(task: Task, given: unknown[] | (() => Promise<Given>), moved?: Transferable[]): Promise<Answer> {
    this.#refuse(task);
    const before = this.#last;
    let done!: () => void;
    this.#last = new Promise<void>((resolve) => {
      done = resolve;
    });
    try {
      await before;
      const [list, transfer] = typeof given === "function" ? await given() : [given, moved ?? []];
      this.#refuse(task);
      return await new Promise((resolve, reject) => {
        const id = this.#next++;
        const message: Request = { fpmEdge: id, task, given: list };
        this.#end.postMessage(message, transfer);
        this.#pending.set(id, { resolve, reject });
      });
    } finally {
      done();
    }
  }

  #refuse(task: Task): void {
    if (this.#ended || (this.#closing && task !== "close")) {
      throw new UsageError("the session in the worker is closed; make another");
    }
  }
}
