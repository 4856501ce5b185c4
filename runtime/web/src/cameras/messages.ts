/** What a page and the worker with its session say to one another, and how pictures and errors travel. */

import * as errors from "../errors.js";
import { checkPicture } from "../pixels/picture.js";
import type { ImageSource } from "../pixels/source.js";
import type { Session } from "../stages/session.js";

/** The part of a `Worker`, a `MessagePort` or a worker's global scope that is used. */
export interface MessageEnd {
  postMessage(message: unknown, transfer: Transferable[]): void;
  // biome-ignore lint/suspicious/noExplicitAny: events of Worker, MessagePort and of Node's have no type in common
  addEventListener(type: string, listener: (event: any) => void): void;
  start?(): void;
  terminate?(): void;
  close?(): void;
}

/** What the worker does when it is asked. */
export type Task =
  | "open"
  | "detect"
  | "trace"
  | "detectInput"
  | "stages"
  | "next"
  | "return"
  | "golden"
  | "goldenInput"
  | "close";

/** To the worker, which has one at a time. The tag keeps apart what the app itself sends through the same worker. */
export interface Request {
  readonly fpmEdge: number;
  readonly task: Task;
  readonly given: readonly unknown[];
}

/** From the worker, to the request of this number. */
export interface Reply {
  readonly fpmEdge: number;
  readonly value?: unknown;
  readonly error?: { readonly name: string; readonly message: string };
}

/** What is known of a session once it is loaded. */
export interface Description extends Pick<Session, "format" | "engine" | "engineVersion" | "stageLimit"> {
  readonly delegate: Session["delegate"];
  readonly delegated: number;
  readonly digest: string;
  readonly manifest: Session["bundle"]["manifest"];
}

/** For a reply. */
export function plainError(error: unknown): NonNullable<Reply["error"]> {
  return error instanceof Error ? { name: error.name, message: error.message } : { name: "Error", message: `${error}` };
}

/** The error again: of the same class, if it is one of ours. */
export function errorOf({ name, message }: NonNullable<Reply["error"]>): Error {
  const Class = (errors as unknown as Record<string, typeof Error | undefined>)[name] ?? Error;
  return Object.assign(new Class(message), { name });
}

/**
 * A picture in the form in which it can be sent, and what is given away with it.
 *
 * An `ImageBitmap` or `VideoFrame` is given away itself. Elements and canvases are read when this is called; the
 * numbers of a `Picture` are copied.
 *
 * @throws DataError it is no picture.
 * @throws ImageError it cannot be read, or is of another origin.
 */
export async function sendable(image: ImageSource): Promise<[image: ImageSource, transfer: Transferable[]]> {
  const kind = Object.prototype.toString.call(image).slice(8, -1);
  switch (kind) {
    case "ImageBitmap":
    case "VideoFrame":
      return [image, [image as ImageBitmap]];
    case "HTMLVideoElement":
    case "HTMLImageElement":
    case "HTMLCanvasElement":
    case "OffscreenCanvas":
      try {
        // A frame of a video need not be copied.
        const video = kind === "HTMLVideoElement" && typeof VideoFrame === "function";
        const frame = video ? new VideoFrame(image as HTMLVideoElement) : await createImageBitmap(image as ImageBitmap);
        return [frame, [frame]];
      } catch (cause) {
        throw new errors.ImageError(
          `the ${kind} cannot be read: ${cause}; give it when it is loaded, and of this page's origin`,
          { cause },
        );
      }
    case "Blob":
    case "File":
    case "ImageData":
      return [image, []];
    default: {
      const { data, width, height, channels } = checkPicture(image);
      const copy = data.slice();
      return [{ data: copy, width, height, channels }, [copy.buffer]];
    }
  }
}

/** Let go of a picture that was given away. */
export function release(image: unknown): void {
  (image as Partial<ImageBitmap> | null)?.close?.();
}
