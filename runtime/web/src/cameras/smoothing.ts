/**
 * Steady landmarks from frame to frame: the 1€ filter, for each landmark by itself.
 *
 * Casiez, Roussel, Vogel, "1€ Filter: A Simple Speed-based Low-pass Filter for Noisy Input in Interactive Systems", CHI
 * 2012, pp. 2527-2530. A low-pass whose cutoff frequency grows with speed: steady while still, quick while moving.
 */

import { DataError, UsageError } from "../errors.js";
import { CLEAR_PEAK } from "../stages/convergence.js";

/** How landmarks are smoothed. A *side* is the longer side of what the network saw: the picture, or a box in it. */
export interface Smoothing {
  /** Cutoff frequency of a landmark that stands still (the paper's fcmin); lower is steadier. */
  readonly stillHz: number;
  /** What the cutoff gains for each side a second (the paper's β); higher is quicker. */
  readonly hzPerSpeed: number;
  /** Cutoff frequency of the speed itself. */
  readonly speedHz: number;
  /** Lowest score of a landmark that is believed. */
  readonly clear: number;
  /** For so many seconds a landmark that is not clear keeps its last place; then it is missing. */
  readonly holdS: number;
  /**
   * A landmark that moved by more than this between two frames jumped, sides. Where most of those that can be compared
   * jumped, and two at least, it is another scene: everything starts anew.
   */
  readonly cut: number;
}

const DEFAULTS: Smoothing = { stillHz: 0.5, hzPerSpeed: 30, speedHz: 1, clear: CLEAR_PEAK, holdS: 0.5, cut: 0.15 };
const POSITIVE: readonly string[] = ["stillHz", "speedHz", "cut"];

/** The smoothed landmarks of one frame. */
export interface Steady {
  /** x and y of each in turn, pixels of the picture; NaN where missing. */
  readonly landmarks: Float32Array;
  /** Not clear in this frame: the place is an earlier one. */
  readonly held: readonly boolean[];
  /** It is the first frame, or another scene than the last. */
  readonly restarted: boolean;
}

/** What is known of one landmark. Places are x and y, pixels. */
interface Point {
  /** When it was last clear, seconds. */
  seen: number;
  /** Where it was found then. */
  raw: readonly [number, number];
  /** Where smoothing put it. */
  place: readonly [number, number];
  /** Pixels a second. */
  speed: readonly [number, number];
}

/** Smooths one stream of landmarks. */
export class Smoother {
  readonly settings: Smoothing;
  #time = Number.NEGATIVE_INFINITY;
  #points: Point[] = [];

  /** With the default settings where none are given. @throws UsageError one is out of range. */
  constructor(settings: Partial<Smoothing> = {}) {
    this.settings = { ...DEFAULTS, ...settings };
    for (const [name, value] of Object.entries(this.settings)) {
      const positive = POSITIVE.includes(name);
      if (!(Number.isFinite(value) && (positive ? value > 0 : value >= 0))) {
        throw new UsageError(`${name} is ${value}; expected a number, ${positive ? "over 0" : "0 or more"}`);
      }
    }
  }

  /** Forget everything; the next frame may have any time. */
  reset(): void {
    this.#time = Number.NEGATIVE_INFINITY;
    this.#points = [];
  }

  /**
   * The next frame.
   *
   * @param landmarks x and y of each in turn, pixels of the picture.
   * @param scores as `Detection` has them: 0 where there is a doubt.
   * @param timeS when the frame was taken, seconds on any clock; later than the last. Frames may come unevenly.
   * @param side pixels (see `Smoothing`).
   * @throws UsageError the time is not later, or the side not over 0.
   * @throws DataError there are other landmarks than in the frame before.
   */
  update(landmarks: ArrayLike<number>, scores: ArrayLike<number>, timeS: number, side: number): Steady {
    if (!(Number.isFinite(timeS) && timeS > this.#time)) {
      throw new UsageError(`timeS is ${timeS} after ${this.#time}; expected later times (reset starts a new stream)`);
    }
    if (!(Number.isFinite(side) && side > 0)) {
      throw new UsageError(`side is ${side}; expected pixels, over 0`);
    }
    const count = this.#points.length || scores.length;
    if (scores.length !== count || landmarks.length !== 2 * count) {
      throw new DataError(
        `${landmarks.length} coordinates, ${scores.length} scores; expected ${2 * count} and ${count}, as before`,
      );
    }
    this.#time = timeS;
    const { clear: least, holdS } = this.settings;
    const found = Array.from({ length: count }, (_, i) => [landmarks[2 * i], landmarks[2 * i + 1]] as const);
    const clear = found.map((place, i) => scores[i] >= Math.fround(least) && place.every(Number.isFinite));
    const restarted = this.#points.length === 0 || this.#isCut(found, clear, timeS, side);
    if (restarted) {
      this.#points = found.map((raw) => ({ seen: Number.NEGATIVE_INFINITY, raw, place: raw, speed: [0, 0] }));
    }
    const shown = new Float32Array(2 * count).fill(Number.NaN);
    const held = this.#points.map((point, i) => {
      const known = timeS - point.seen <= holdS;
      if (clear[i]) {
        if (known) {
          this.#follow(point, found[i], timeS - point.seen, side);
        } else {
          Object.assign(point, { place: found[i], speed: [0, 0] });
        }
        Object.assign(point, { raw: found[i], seen: timeS });
      }
      if (clear[i] || known) {
        shown.set(point.place, 2 * i);
      }
      return known && !clear[i];
    });
    return { landmarks: shown, held, restarted };
  }

  /** One step of the filter; `interval` is the time since the landmark itself was last clear. */
  #follow(point: Point, [x, y]: readonly [number, number], interval: number, side: number): void {
    const { stillHz, hzPerSpeed, speedHz } = this.settings;
    const [dx, dy] = [x - point.place[0], y - point.place[1]];
    const weight = alpha(speedHz, interval);
    const speedX = point.speed[0] + weight * (dx / interval - point.speed[0]);
    const speedY = point.speed[1] + weight * (dy / interval - point.speed[1]);
    // fc = fcmin + β |speed|; the length of the vector, so that the picture's axes make no difference.
    const a = alpha(stillHz + (hzPerSpeed * Math.sqrt(speedX * speedX + speedY * speedY)) / side, interval);
    point.speed = [speedX, speedY];
    point.place = [point.place[0] + a * dx, point.place[1] + a * dy];
  }

  /** Whether most landmarks jumped, compared with where they were found, not with where smoothing put them. */
  #isCut(found: (readonly [number, number])[], clear: boolean[], timeS: number, side: number): boolean {
    const both = this.#points.flatMap(({ raw, seen }, i) =>
      clear[i] && timeS - seen <= this.settings.holdS ? [Math.hypot(found[i][0] - raw[0], found[i][1] - raw[1])] : [],
    );
    const jumped = both.filter((distance) => distance > this.settings.cut * side).length;
    return jumped >= 2 && jumped > both.length / 2;
  }
}

/** Weight of the new value: α = 1 / (1 + τ / Te), τ = 1 / (2 π fc). */
function alpha(cutoff: number, interval: number): number {
  return 1 / (1 + 1 / (2 * Math.PI * cutoff * interval));
}
