/** What a session is asked, and what it answers. */

import type { Doubt } from "../pixels/decode.js";
import type { Letterbox } from "../pixels/geometry.js";
import type { ImageSource } from "../pixels/source.js";

/**
 * Why no further stage ran. "all stages": there are no more. "stage limit": the session or the call asked for no more.
 * "deadline": the next stage would probably not have ended in time. "converged": the clear landmarks had stopped moving.
 */
export type StopReason = "all stages" | "stage limit" | "deadline" | "converged";

/**
 * The step of a drift policy that was in force. "more stages": all of them ran, whatever the call said. "engine":
 * `engine` took the place of one that had drifted. "float": the float model answered.
 */
export type Fallback = "more stages" | "engine" | "float";

/** (x0, y0, x1, y1) a region of a picture, pixels, edge coordinates: (0, 0, width, height) is all of it. */
export type Box = readonly [number, number, number, number];

/** How to run the stages one after the other. */
export interface StageOptions {
  /**
   * What garment it is, to say which landmarks are meaningful; "any" for all landmarks, whatever it is; left out: it is
   * found, if the bundle has a rule for that (`Manifest.recognition`), else as "any".
   */
  readonly category?: string | null | undefined;
  /** The garment's region; left out: the whole picture. */
  readonly box?: Box | null | undefined;
  /** Run at most so many; left out: all that are loaded. */
  readonly stages?: number | null | undefined;
  /**
   * Start a stage only if it will probably (95 % quantile of its last 64 runs) end within this time from the call,
   * milliseconds. Stage 1 always runs.
   */
  readonly deadlineMs?: number | null | undefined;
}

/** How to find the landmarks of one picture. */
export interface DetectOptions extends StageOptions {
  /**
   * Run no further stage where no clear landmark of the category moved by more than this since the stage before, in
   * pixels of the network's input; "fitted" for what the bundle was found to bear (`Manifest.convergence`).
   */
  readonly convergePx?: number | "fitted" | null | undefined;
  /**
   * 2 to run stage 1 on the whole picture (or box), and all stages on the region of what it found, where that shows the
   * garment larger and stage 1 then sees it more clearly. Deadline and timings are of both. Left out: 1.
   */
  readonly looks?: number | undefined;
}

/** What both a stage and a whole detection say. */
interface Answer {
  /** x and y of each landmark in turn, pixels of the original picture. Always finite. */
  readonly landmarks: Float32Array;
  /** Heatmap values at the landmarks, 0 to 1; 0 where there is a doubt. */
  readonly scores: Float32Array;
  /** Which landmarks the category has; all where it is not known, not one where there is no garment. */
  readonly labelled: readonly boolean[];
  /** Landmark name → why its heatmap does not say where it is. Empty if all do. */
  readonly doubts: ReadonlyMap<string, Doubt>;
  /** As given or found; "none" where there is no garment; null where it is not known: no rule, or "any" was asked for. */
  readonly category: string | null;
  /** Probability of the category that was found, 0 to 1; null where it was given or is not known. */
  readonly categoryScore: number | null;
  /**
   * Probability that each landmark lies within 0.05 of its true place, in units of the paper's NE, of a garment that has
   * it; null where the bundle has no such calibration.
   */
  readonly confidences: Float32Array | null;
}

/** The answer of one stage. */
export interface StageResult extends Answer {
  /** Its number, from 1. */
  readonly stage: number;
  /** From the call to this answer. */
  readonly elapsedMs: number;
}

/** Where the time went, in milliseconds. */
export interface Timings {
  /** Getting the pixels, resizing and padding. */
  readonly preprocessMs: number;
  /** Piece name → time in the engine, in the order they ran. */
  readonly pieces: Readonly<Record<string, number>>;
  /** From heatmaps to landmarks. */
  readonly decodeMs: number;
  /** All of the call. */
  readonly totalMs: number;
}

/** The landmarks of one picture. */
export interface Detection extends Answer {
  /** How many stages ran; the last of them gave the landmarks. */
  readonly stagesRun: number;
  readonly stopReason: StopReason;
  readonly timings: Timings;
  /** Name of the engine. */
  readonly engine: string;
  /** null where the session answered as it was asked. */
  readonly fallback: Fallback | null;
  /** Which look answered: 1 for that at the whole picture (or box), 2 for that at the region found in it. */
  readonly looks: number;
}

/** A detection, and what another model needs to be compared with it. */
export interface Trace {
  readonly detection: Detection;
  /** Of each stage that ran, x and y in pixels of the input; the last is the answer's. */
  readonly landmarks: readonly Float32Array[];
  /** input height × input width × RGB, the network's input. */
  readonly input: Uint8Array;
  /** Where the picture lies in the input. */
  readonly fit: Letterbox;
}

/** A `Session`, or anything else that detects. */
export interface Detector {
  /** See `Session.detect`. */
  detect(image: ImageSource, options?: DetectOptions): Promise<Detection>;
}
