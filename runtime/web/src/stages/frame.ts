/** One picture on its way through a session's stages. */

import type { TensorData } from "../engines/engine.js";
import { UsageError } from "../errors.js";
import type { Doubt } from "../pixels/decode.js";
import { type Letterbox, toPicture } from "../pixels/geometry.js";
import type { Recognized } from "./recognizer.js";
import type { StageResult, StopReason, Timings } from "./results.js";

/** What one stage found: as `StageResult` has it, but with landmarks in pixels of the input. */
export interface Found {
  readonly landmarks: Float32Array;
  readonly scores: Float32Array;
  readonly doubts: ReadonlyMap<string, Doubt>;
  readonly recognized: Recognized;
}

/** One look at a picture. Times in seconds, on the session's clock. */
export class Frame {
  /** Where the picture lies in the input; null for a ready-made input. */
  fit: Letterbox | null = null;
  /** The image, and raw outputs. */
  readonly tensors = new Map<string, TensorData>();
  /** Stage → what it found, of those that were decoded. */
  readonly found = new Map<number, Found>();
  /** Piece → its time, of those that ran. */
  readonly pieces = new Map<string, number>();
  preprocess = 0;
  /** Time that making the input of pixels took; part of `preprocess`. */
  fitting = 0;
  decode = 0;
  stopReason: StopReason = "all stages";
  /** The other look at the same picture, whose time counts too. */
  other: Frame | null = null;

  /**
   * @param limit how many stages may run.
   * @param deadline null for none.
   * @param category as asked for.
   * @param look 1, or 2 for that at a region which the first one found.
   */
  constructor(
    readonly start: number,
    readonly limit: number,
    readonly deadline: number | null,
    readonly category: string | null,
    readonly look = 1,
  ) {}

  /** Pixels of the input → pixels of the picture that it was made of, if it was made of one. */
  toPicture(landmarks: Float32Array): Float32Array {
    return this.fit ? toPicture(this.fit, landmarks) : landmarks;
  }

  /** A second look at the same picture, in what is left of the time. */
  again(): Frame {
    const second = new Frame(this.start, this.limit, this.deadline, this.category, 2);
    second.other = this;
    return second;
  }

  /** What a stage that was decoded found. */
  result(stage: number, now: number): StageResult {
    return Object.freeze({ stage, elapsedMs: (now - this.start) * 1e3, ...this.answer(stage) });
  }

  /** What `StageResult` and `Detection` both say of a stage that was decoded. */
  answer(stage: number) {
    const { landmarks, scores, doubts, recognized } = this.found.get(stage)!;
    const { category, score, labelled, confidences } = recognized;
    return {
      landmarks: this.toPicture(landmarks),
      scores,
      labelled,
      doubts,
      category,
      categoryScore: score,
      confidences,
    };
  }

  /** Where the time went, until now. */
  timings(now: number): Timings {
    // The look that answered first: it ran all that the other one did.
    const looks = this.other ? [this, this.other] : [this];
    const pieces: Record<string, number> = {};
    let [preprocess, decode] = [0, 0];
    for (const frame of looks) {
      preprocess += frame.preprocess;
      decode += frame.decode;
      for (const [name, seconds] of frame.pieces) {
        pieces[name] = (pieces[name] ?? 0) + seconds * 1e3;
      }
    }
    return { preprocessMs: preprocess * 1e3, pieces, decodeMs: decode * 1e3, totalMs: (now - this.start) * 1e3 };
  }
}

/**
 * A frame whose time begins now.
 *
 * @throws UsageError stages or deadlineMs is out of range.
 */
export function startFrame(
  now: number,
  limit: number,
  stages?: number | null,
  deadlineMs?: number | null,
  category?: string | null,
): Frame {
  const most = checkStages(stages, limit, "the session");
  if (deadlineMs != null && !(Number.isFinite(deadlineMs) && deadlineMs >= 0)) {
    throw new UsageError(`deadlineMs is ${deadlineMs}; expected milliseconds from the call, 0 or more`);
  }
  return new Frame(now, most, deadlineMs == null ? null : now + deadlineMs / 1e3, category ?? null);
}

/** How many stages may run. @throws UsageError that is not 1 to `limit`, which is what `owner` has. */
export function checkStages(stages: number | null | undefined, limit: number, owner: string): number {
  if (stages == null) {
    return limit;
  }
  if (!(Number.isInteger(stages) && stages >= 1 && stages <= limit)) {
    throw new UsageError(`stages is ${stages}; ${owner} has ${limit}: expected 1 to ${limit}, or nothing for all`);
  }
  return stages;
}
