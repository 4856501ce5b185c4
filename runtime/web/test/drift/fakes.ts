/** A session whose answers are told, and a float model that can be held. */

import type { ImageSource } from "../../src/pixels/source.js";
import type { Detection, DetectOptions, StageResult, Trace } from "../../src/stages/results.js";

export const NAMES = ["left", "right", "hem"];
export const SIZE = 64;

export const MANIFEST = {
  landmarks: {
    name: "fake",
    landmarks: NAMES,
    flip: [1, 0, 2],
    categories: { all: [0, 1, 2] },
    normalizers: {},
    groups: {},
  },
  geometry: { input_height: SIZE, input_width: SIZE, stride: 8, channels: "RGB", resize: "letterbox" },
} as const;

/** A picture that the fakes do not look at. */
export const PICTURE = { data: new Uint8Array(SIZE * SIZE * 3), width: SIZE, height: SIZE, channels: 3 } as const;

const STILL = [16, 16, 48, 16, 32, 48];

/** All landmarks at their places, moved by `x` pixels of the input (which is the picture). */
function at(x: number): Float32Array {
  return Float32Array.from(STILL, (place, i) => place + (i % 2 ? 0 : x));
}

function answer(x: number, labelled: readonly boolean[]) {
  return {
    landmarks: at(x),
    scores: Float32Array.of(0.9, 0.8, 0.7),
    labelled,
    doubts: new Map(),
    category: null,
    categoryScore: null as number | null,
    confidences: null,
  };
}

/** Detects by what it was told; notes what it was asked. */
export class FakeSession {
  readonly bundle = { digest: "d1g3st", manifest: MANIFEST };
  readonly schema = MANIFEST.landmarks;
  engine = "fake";
  engineVersion = "1.0";
  stageLimit = 2;
  /** How far to the right of its place each landmark is found, pixels of the input. */
  off = 0;
  labelled: readonly boolean[] = [true, true, true];
  categoryScore: number | null = null;
  /** Thrown by `detect`. */
  fail: Error | null = null;
  /** Awaited by `detect` before it answers. */
  gate: Promise<void> = Promise.resolve();
  readonly asked: (DetectOptions & { readonly kind: string })[] = [];

  async detect(_: ImageSource, options: DetectOptions = {}): Promise<Detection> {
    this.asked.push({ ...options, kind: "detect" });
    return this.#answer(options);
  }

  async trace(image: ImageSource, options: DetectOptions = {}): Promise<Trace> {
    this.asked.push({ ...options, kind: "trace" });
    const detection = await this.#answer(options);
    return {
      detection,
      landmarks: Array.from({ length: detection.stagesRun }, () => detection.landmarks),
      input: (image as { data: Uint8Array }).data.slice(),
      fit: { box: [0, 0, SIZE, SIZE], width: SIZE, height: SIZE, left: 0, top: 0, scaleX: 1, scaleY: 1 },
    };
  }

  async #answer(options: DetectOptions): Promise<Detection> {
    const { off } = this;
    await this.gate;
    if (this.fail) {
      throw this.fail;
    }
    return {
      ...answer(off, this.labelled),
      categoryScore: this.categoryScore,
      stagesRun: options.stages ?? this.stageLimit,
      stopReason: "all stages",
      timings: { preprocessMs: 0, pieces: {}, decodeMs: 0, totalMs: 0 },
      engine: this.engine,
      fallback: null,
      looks: 1,
    };
  }
}

/** The float model: finds every landmark at its place, while `hold` was not called or `go` was. */
export class FakeReference {
  readonly bundle = { manifest: MANIFEST };
  stageLimit = 2;
  labelled: readonly boolean[] = [true, true, true];
  categoryScore: number | null = null;
  fail: Error | null = null;
  calls = 0;
  #gate: Promise<void> = Promise.resolve();
  go: () => void = () => {};

  hold(): void {
    this.#gate = new Promise((resolve) => {
      this.go = resolve;
    });
  }

  async detectInput(_: Uint8Array, options: { readonly stages?: number } = {}): Promise<StageResult[]> {
    this.calls += 1;
    await this.#gate;
    if (this.fail) {
      throw this.fail;
    }
    return Array.from({ length: options.stages ?? this.stageLimit }, (_, i) => ({
      ...answer(0, this.labelled),
      categoryScore: this.categoryScore,
      stage: i + 1,
      elapsedMs: 0,
    }));
  }
}
