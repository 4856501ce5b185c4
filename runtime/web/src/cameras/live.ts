/** Live cameras: hand frames over as they come; the newest is detected next, and older ones that wait are dropped. */

import { UsageError } from "../errors.js";
import type { ImageSource } from "../pixels/source.js";
import type { Detection, DetectOptions, Detector } from "../stages/results.js";
import { takenOff } from "./waiting.js";

/** What became of the frames; those that are in none of the last three wait or are in work. */
export interface LiveCounts {
  /** All of them. */
  readonly submitted: number;
  /** That were answered. */
  readonly done: number;
  /** Whose `detect` threw an error. */
  readonly failed: number;
  /** That a newer one or `close` took the place of. */
  readonly dropped: number;
}

interface Job {
  readonly frame: ImageSource;
  readonly options: DetectOptions;
  readonly since: number;
  readonly resolve: (answer: Detection | null) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Detects frames one at a time; of those that come meanwhile only the newest waits.
 *
 * So the answer is never about an old frame, however slow the device, and answers come in the order of `submit`.
 */
export class Live {
  readonly #detector: Detector;
  #waiting: Job | null = null;
  #busy = false;
  #working: Promise<void> = Promise.resolve();
  #closed = false;
  #counts: LiveCounts = { submitted: 0, done: 0, failed: 0, dropped: 0 };
  #latest: Detection | null = null;

  /** The detector stays the caller's: `close` does not close it. */
  constructor(detector: Detector) {
    this.#detector = detector;
  }

  /**
   * Detect this frame next.
   *
   * @param frame as for `Session.detect`. It is not copied, nor closed: a `VideoFrame` or `ImageBitmap` may be closed once
   *   the promise is settled, whichever way. A video element is read when its turn comes.
   * @param options of `Session.detect`. `deadlineMs` counts from this call, so what a frame waited is taken off; stage 1
   *   runs all the same.
   * @returns the answer; null where the frame was dropped. Rejected with what `detect` throws.
   * @throws UsageError it is closed.
   */
  async submit(frame: ImageSource, options: DetectOptions = {}): Promise<Detection | null> {
    if (this.#closed) {
      throw new UsageError("a frame was submitted to a Live that is closed; make a new one");
    }
    this.#drop();
    this.#count("submitted");
    return new Promise((resolve, reject) => {
      this.#waiting = { frame, options, since: performance.now(), resolve, reject };
      if (!this.#busy) {
        this.#working = this.#work();
      }
    });
  }

  /** The newest answer; null before the first. */
  latest(): Detection | null {
    return this.#latest;
  }

  /** What became of the frames so far. */
  get counts(): LiveCounts {
    return this.#counts;
  }

  /** Drop the frame that waits, and finish the one that is in work. */
  close(): Promise<void> {
    this.#closed = true;
    this.#drop();
    return this.#working;
  }

  #drop(): void {
    if (this.#waiting) {
      this.#count("dropped");
      this.#waiting.resolve(null);
      this.#waiting = null;
    }
  }

  async #work(): Promise<void> {
    this.#busy = true;
    for (let job = this.#waiting; job !== null; job = this.#waiting) {
      this.#waiting = null;
      try {
        const found = await this.#detector.detect(job.frame, takenOff(job.options, performance.now() - job.since));
        this.#count("done");
        this.#latest = found;
        job.resolve(found);
      } catch (error) {
        // Whatever it is, it is the caller's, and the next frame may be better.
        this.#count("failed");
        job.reject(error);
      }
    }
    this.#busy = false;
  }

  #count(name: keyof LiveCounts): void {
    this.#counts = { ...this.#counts, [name]: this.#counts[name] + 1 };
  }
}
