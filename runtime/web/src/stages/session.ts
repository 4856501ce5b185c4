/** Run a bundle's stages on pictures, as many as the time allows. */

import type { BundleContents } from "../bundle/contents.js";
import type { Format, Geometry, LandmarkSchema, Piece, TensorSpec } from "../bundle/manifest.js";
import { arranged } from "../bundle/tensors.js";
import { piecesFor } from "../bundle/wiring.js";
import type { Delegate, Engine, PieceRunner, TensorData } from "../engines/engine.js";
import { FpmEdgeError, UsageError } from "../errors.js";
import { readHeatmaps } from "../pixels/decode.js";
import { cellsToInput, fitLetterbox, toInput } from "../pixels/geometry.js";
import { letterbox } from "../pixels/letterbox.js";
import type { Picture } from "../pixels/picture.js";
import { type ImageSource, pictureOf } from "../pixels/source.js";
import { movedPx, stillPx } from "./convergence.js";
import { checkStages, type Found, type Frame, startFrame } from "./frame.js";
import { inputBytes } from "./input.js";
import { checkThreads, type LoadOptions } from "./loading.js";
import { checkLooks, lookAgain } from "./looks.js";
import { DECODE, Pace } from "./pace.js";
import { Recognizer } from "./recognizer.js";
import type { Box, Detection, DetectOptions, Detector, StageOptions, StageResult, Trace } from "./results.js";
import { Turns } from "./turns.js";

const WARM_UP_RUNS = 2;

/**
 * A bundle's pieces, loaded into an engine. Get one from `Bundle.session`.
 *
 * Calls may overlap: one piece runs at a time.
 */
export class Session implements Detector {
  /** The bundle it runs. */
  readonly bundle: BundleContents;
  /** Which of the bundle's formats is loaded. */
  readonly format: Format;
  /** How many stages are loaded; no call can run more. */
  readonly stageLimit: number;
  readonly #engine: Engine;
  readonly #now: () => number; // seconds
  readonly #plan: ReadonlyMap<number, readonly Piece[]>;
  readonly #made: ReadonlyMap<string, TensorSpec>;
  readonly #runners = new Map<string, PieceRunner>();
  readonly #recognizer: Recognizer;
  #pace = new Pace();
  readonly #turns = new Turns();
  #disposed = false;

  private constructor(bundle: BundleContents, engine: Engine, format: Format, options: LoadOptions) {
    const { threads, stages, clock = () => performance.now() } = options;
    checkThreads(threads);
    this.bundle = bundle;
    this.format = format;
    this.stageLimit = checkStages(stages, bundle.stages, "the bundle");
    this.#engine = engine;
    this.#now = () => clock() / 1e3;
    const pieces = bundle.manifest.pieces[format]!;
    const numbers = Array.from({ length: this.stageLimit }, (_, i) => i + 1);
    this.#plan = new Map(numbers.map((stage) => [stage, piecesFor(pieces, stage)]));
    this.#made = new Map(pieces.flatMap((piece) => piece.outputs.map((spec) => [spec.name, spec])));
    this.#recognizer = new Recognizer(bundle.manifest);
  }

  /** See `Bundle.session` for the arguments and errors; `format` is the one whose pieces are loaded. */
  static async load(
    bundle: BundleContents,
    engine: Engine,
    format: Format,
    options: LoadOptions = {},
  ): Promise<Session> {
    const session = new Session(bundle, engine, format, options);
    try {
      for (const piece of new Set([...session.#plan.values()].flat())) {
        const model = await bundle.read(piece.member);
        session.#runners.set(piece.name, await engine.load(piece, model, options.threads ?? undefined));
      }
      await session.#warmUp();
    } catch (error) {
      await session.dispose();
      throw error;
    }
    return session;
  }

  /** Name of the engine. */
  get engine(): string {
    return this.#engine.name;
  }

  /** Version of the engine's package. */
  get engineVersion(): string {
    return this.#engine.version;
  }

  /** What the engine runs the pieces on. */
  get delegate(): Delegate {
    return [...this.#runners.values()][0]!.delegate;
  }

  /**
   * Share of a piece's operations that the delegate runs, of the piece where it is least; 0 without a delegate. Otherwise
   * 1, unless the engine is one of your own: ours throw where a delegate does not take all.
   */
  get delegated(): number {
    return Math.min(...[...this.#runners.values()].map((runner) => runner.delegated));
  }

  /** The landmarks it finds. */
  get schema(): LandmarkSchema {
    return this.bundle.manifest.landmarks;
  }

  /** Size of the network's input, and its stride. */
  get geometry(): Geometry {
    return this.bundle.manifest.geometry;
  }

  /**
   * Find the landmarks of one picture. A source that changes, such as a video, is read before the call returns.
   *
   * @throws UsageError stages, box, deadlineMs, convergePx or looks is out of range, or nothing was fitted.
   * @throws SchemaError the category is unknown.
   * @throws DataError the image is not a picture, or the box lies outside it (ImageError: it cannot be read).
   * @throws FpmEdgeError the engine failed.
   */
  async detect(image: ImageSource, options: DetectOptions = {}): Promise<Detection> {
    return (await this.#detect(image, options))[0];
  }

  /**
   * As `detect`, with what a comparison with another model needs: every stage's landmarks, and the input.
   *
   * Of two looks, the one that answered is traced. The earlier stages are decoded after the answer was there.
   */
  async trace(image: ImageSource, options: DetectOptions = {}): Promise<Trace> {
    const [detection, frame] = await this.#detect(image, options);
    const fit = frame.fit!;
    const landmarks: Float32Array[] = [];
    for (let stage = 1; stage < detection.stagesRun; stage++) {
      landmarks.push(this.#decode(frame, stage).landmarks);
    }
    landmarks.push(toInput(fit, detection.landmarks));
    return { detection, landmarks, input: frame.tensors.get("image") as Uint8Array, fit };
  }

  /**
   * Every stage's landmarks for a ready-made network input, in pixels of that input.
   *
   * @param input of the input's size, RGB; or its bytes alone, for example of `Bundle.goldenInput`.
   * @throws UsageError stages is out of range.
   * @throws DataError the input is not of exactly that size.
   */
  async detectInput(
    input: Picture | Uint8Array | Uint8ClampedArray,
    options: { readonly stages?: number | null | undefined } = {},
  ): Promise<readonly StageResult[]> {
    const frame = startFrame(this.#now(), this.stageLimit, options.stages);
    frame.tensors.set("image", inputBytes(input, this.#inputSize));
    const results: StageResult[] = [];
    for await (const result of this.#eachStage(frame)) {
      results.push(result);
    }
    return results;
  }

  /**
   * Find the landmarks of one picture, and give the answer of every stage as soon as it is there.
   *
   * Arguments and errors are those of `detect`. What can be checked at the call is, the rest with the first answer. Time
   * that the caller spends between two stages counts towards the deadline.
   */
  stages(image: ImageSource, options: StageOptions = {}): AsyncGenerator<StageResult, void> {
    const frame = this.#start(options);
    this.#recognizer.check(frame.category);
    const prepared = this.#prepare(frame, image, options.box);
    if (prepared instanceof Promise) {
      prepared.catch(() => {}); // said with the first answer, if anybody asks for one
    }
    return this.#eachStage(frame, prepared);
  }

  /** Free what the engine holds, after what runs now. No call is answered any more. */
  async dispose(): Promise<void> {
    this.#disposed = true;
    await this.#turns.take(async () => {
      for (const runner of this.#runners.values()) {
        runner.dispose();
      }
      this.#runners.clear();
    });
  }

  #start(options: StageOptions): Frame {
    return startFrame(this.#now(), this.stageLimit, options.stages, options.deadlineMs, options.category);
  }

  /** The answer, and the look that gave it. */
  async #detect(image: ImageSource, options: DetectOptions): Promise<[Detection, Frame]> {
    const { box, convergePx, looks = 1 } = options;
    let frame = this.#start(options);
    this.#recognizer.check(frame.category);
    const still = convergePx == null ? null : stillPx(convergePx, this.bundle.manifest.convergence);
    checkLooks(looks);
    const picture = await this.#prepare(frame, image, box);
    if (looks === 2) {
      const see = (look: Frame, region: Box | null) => this.#see(picture, look, region);
      frame = await lookAgain(frame, see, this.#pace, this.#now, this.#inputSize);
    }
    return [await this.#answer(frame, still), frame];
  }

  /** What stage 1 finds; in this box, if the frame has no input yet. */
  async #see(picture: Picture, frame: Frame, box: Box | null): Promise<Found> {
    if (!frame.fit) {
      this.#fit(frame, picture, box);
    }
    await this.#advance(frame).next();
    return this.#decode(frame, 1);
  }

  async *#eachStage(frame: Frame, prepared?: unknown): AsyncGenerator<StageResult, void> {
    await prepared;
    for await (const stage of this.#advance(frame)) {
      this.#decode(frame, stage);
      yield frame.result(stage, this.#now());
    }
  }

  async #answer(frame: Frame, still: number | null): Promise<Detection> {
    const stagesRun = await this.#runStages(frame, still);
    this.#decode(frame, stagesRun);
    return Object.freeze({
      ...frame.answer(stagesRun),
      stagesRun,
      stopReason: frame.stopReason,
      timings: frame.timings(this.#now()),
      engine: this.engine,
      fallback: null,
      looks: frame.look,
    });
  }

  /** Run what the frame's limit, its deadline and still landmarks allow; the number of the last stage. */
  async #runStages(frame: Frame, still: number | null): Promise<number> {
    let last = 0;
    let before: Found | null = null;
    for await (const stage of this.#advance(frame)) {
      last = stage;
      if (still === null) {
        continue;
      }
      const found = this.#decode(frame, stage);
      if (before && stage < frame.limit) {
        // Which landmarks count is what the garment seems to be by now.
        const moved = movedPx(before.landmarks, found.landmarks, found.scores, found.recognized.labelled);
        if (moved <= still) {
          frame.stopReason = "converged";
          break;
        }
      }
      before = found;
    }
    return last;
  }

  /** Run stage after stage while the frame's limit and deadline allow. */
  async *#advance(frame: Frame): AsyncGenerator<number, void> {
    for (let stage = 1; stage <= frame.limit; stage++) {
      const waiting = this.#plan.get(stage)!.filter((piece) => !frame.pieces.has(piece.name));
      if (stage > 1 && frame.deadline !== null) {
        const pieces = waiting.reduce((sum, piece) => sum + this.#pace.predict(piece.name), 0);
        const predicted = pieces + this.#pace.predict(DECODE);
        if (this.#now() + predicted > frame.deadline) {
          frame.stopReason = "deadline";
          return;
        }
      }
      for (const piece of waiting) {
        await this.#run(frame, piece);
      }
      yield stage;
    }
    frame.stopReason = frame.limit === this.bundle.stages ? "all stages" : "stage limit";
  }

  async #run(frame: Frame, piece: Piece): Promise<void> {
    const inputs = Object.fromEntries(
      piece.inputs.map((spec) => [
        spec.name,
        arranged(frame.tensors.get(spec.name)!, this.#made.get(spec.name) ?? null, spec),
      ]),
    );
    const [outputs, seconds] = await this.#turns.take(() => this.#timed(piece, inputs));
    for (const { name } of piece.outputs) {
      frame.tensors.set(name, outputs[name]!);
    }
    frame.pieces.set(piece.name, seconds);
  }

  /** What a piece makes of its inputs, and how long that took. */
  async #timed(
    piece: Piece,
    inputs: Record<string, TensorData>,
  ): Promise<[outputs: Record<string, TensorData>, seconds: number]> {
    if (this.#disposed) {
      throw new UsageError("the session was disposed of; load another");
    }
    try {
      const start = this.#now();
      const outputs = await this.#runners.get(piece.name)!.run(inputs);
      const seconds = this.#now() - start;
      this.#pace.record(piece.name, seconds);
      return [outputs, seconds];
    } catch (error) {
      if (error instanceof FpmEdgeError) {
        throw error;
      }
      throw new FpmEdgeError(
        `${this.engine} ${this.engineVersion} failed in ${piece.name} (${piece.member}): ` +
          `${error instanceof Error ? error.message : error}; try another engine`,
        { cause: error },
      );
    }
  }

  /** What a stage that has run found. */
  #decode(frame: Frame, stage: number): Found {
    const known = frame.found.get(stage);
    if (known) {
      return known;
    }
    const start = this.#now();
    const spec = this.#made.get(`heatmap_${stage}`)!;
    const { input_height, input_width, stride } = this.geometry;
    const names = this.schema.landmarks;
    const { cells, scores, doubts } = readHeatmaps(frame.tensors.get(spec.name)!, {
      layout: spec.layout,
      height: input_height / stride,
      width: input_width / stride,
      landmarks: names.length,
      scale: spec.scale,
      zeroPoint: spec.zero_point,
    });
    const found = {
      landmarks: cellsToInput(cells, stride),
      scores,
      doubts: new Map([...doubts].map(([index, doubt]) => [names[index]!, doubt])),
      recognized: this.#recognizer.at(stage, scores, frame.category),
    };
    frame.found.set(stage, found);
    const seconds = this.#now() - start;
    frame.decode += seconds;
    this.#pace.record(DECODE, seconds);
    return found;
  }

  get #inputSize(): readonly [number, number] {
    return [this.geometry.input_width, this.geometry.input_height];
  }

  /** Make the frame's input, and return the picture; at once, if its pixels are there at once. */
  #prepare(frame: Frame, image: ImageSource, box: Box | null | undefined): Picture | Promise<Picture> {
    if (box != null && box.length !== 4) {
      throw new UsageError(`box is ${box}; expected [x0, y0, x1, y1] in pixels of the picture`);
    }
    const fit = (picture: Picture) => {
      this.#fit(frame, picture, box ?? null);
      frame.preprocess = this.#now() - frame.start;
      return picture;
    };
    const picture = pictureOf(image);
    return picture instanceof Promise ? picture.then(fit) : fit(picture);
  }

  #fit(frame: Frame, picture: Picture, box: Box | null): void {
    const start = this.#now();
    frame.fit = fitLetterbox([picture.width, picture.height], this.#inputSize, box);
    frame.tensors.set("image", letterbox(picture, frame.fit, this.#inputSize));
    frame.preprocess = frame.fitting = this.#now() - start;
  }

  /** Run everything on black, and keep the time of the last run: the first one also pays for allocations. */
  async #warmUp(): Promise<void> {
    const [width, height] = this.#inputSize;
    const black = new Uint8Array(width * height * 3);
    for (let run = 0; run < WARM_UP_RUNS; run++) {
      this.#pace = new Pace();
      const frame = startFrame(this.#now(), this.stageLimit);
      frame.tensors.set("image", black);
      for await (const stage of this.#advance(frame)) {
        this.#decode(frame, stage);
      }
    }
  }
}
