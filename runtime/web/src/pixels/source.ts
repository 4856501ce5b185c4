/** From whatever a page has, such as a video, to pixels: RGBA over black, sRGB, upright. */

import { ImageError, MissingExtraError } from "../errors.js";
import { checkPicture, type Picture } from "./picture.js";

/** What can be looked at. In Node, and wherever there is no `OffscreenCanvas`, a `Picture` or `ImageData`. */
export type ImageSource =
  | Picture
  | ImageData
  | ImageBitmap
  | HTMLVideoElement
  | HTMLImageElement
  | HTMLCanvasElement
  | OffscreenCanvas
  | VideoFrame
  | Blob;

/** Largest picture that is read: more than any phone's photograph needs, and 160 MB of RGBA. */
export const MAX_PIXELS = 40_000_000;

/** One for all pictures, made by the first: making it takes as long as reading a small picture. */
let context: OffscreenCanvasRenderingContext2D | undefined;

/**
 * The pixels of a picture as they are now; of a file (`Blob`) when it is decoded, as the Python runtime reads files:
 * upright, and without regard to a colour profile.
 *
 * What is not a `Blob` is read before this returns. Nothing that is given is closed.
 *
 * @throws DataError it is no picture.
 * @throws ImageError it has no pixels yet or any more, or over 40 megapixels; it is of another origin; a file that
 *     cannot be decoded. Of a `Blob`, the promise is rejected.
 * @throws MissingExtraError there is no `OffscreenCanvas` here to read it with.
 */
export function pictureOf(image: ImageSource): Picture | Promise<Picture> {
  const kind = Object.prototype.toString.call(image).slice(8, -1); // also of an object of another frame of the page
  if (kind === "Blob" || kind === "File") {
    return decoded(image as Blob);
  }
  if (kind === "ImageData") {
    const { data, width, height, colorSpace } = image as ImageData;
    return colorSpace === "display-p3"
      ? read(kind, width, height, (canvas) => canvas.putImageData(image as ImageData, 0, 0))
      : checkPicture({ data, width, height, channels: 4 });
  }
  if (!/^(HTML(Video|Image|Canvas)Element|OffscreenCanvas|ImageBitmap|VideoFrame)$/.test(kind)) {
    return checkPicture(image);
  }
  const one = image as Partial<HTMLVideoElement & HTMLImageElement & VideoFrame>;
  const width = one.videoWidth ?? one.naturalWidth ?? one.displayWidth ?? one.width;
  const height = one.videoHeight ?? one.naturalHeight ?? one.displayHeight ?? one.height;
  return drawn(kind, image as CanvasImageSource, one.readyState! < 2 ? 0 : width!, height!); // 2: a video has a frame
}

async function decoded(blob: Blob): Promise<Picture> {
  if (typeof createImageBitmap !== "function") {
    throw missing("file");
  }
  let bitmap: ImageBitmap;
  try {
    bitmap = await createImageBitmap(blob, { colorSpaceConversion: "none" });
  } catch (error) {
    throw new ImageError("the file is damaged, or no picture that this browser shows; expected JPEG, PNG or WebP", {
      cause: error,
    });
  }
  try {
    return drawn("file", bitmap, bitmap.width, bitmap.height);
  } finally {
    bitmap.close();
  }
}

function drawn(kind: string, image: CanvasImageSource, width: number, height: number): Picture {
  return read(kind, width, height, (canvas) => canvas.drawImage(image, 0, 0, width, height));
}

function read(
  kind: string,
  width: number,
  height: number,
  paint: (canvas: OffscreenCanvasRenderingContext2D) => void,
): Picture {
  if (!(width > 0 && height > 0)) {
    throw new ImageError(`the ${kind} has no pixels; give it when it is loaded, and before it is closed`);
  }
  if (width * height > MAX_PIXELS) {
    throw new ImageError(
      `the ${kind} has ${width} × ${height} pixels, more than ${MAX_PIXELS / 1e6} megapixels; make it smaller first`,
    );
  }
  const canvas = canvasOf(kind, width, height);
  try {
    paint(canvas);
    return { data: canvas.getImageData(0, 0, width, height).data, width, height, channels: 4 };
  } catch (error) {
    context = undefined; // what was drawn from another origin forbids reading from the canvas for good
    throw new ImageError(`the ${kind} cannot be read: ${error}; from another origin it needs crossorigin, and leave`, {
      cause: error,
    });
  }
}

/** A black canvas of this size. */
function canvasOf(kind: string, width: number, height: number): OffscreenCanvasRenderingContext2D {
  if (!context) {
    if (typeof OffscreenCanvas !== "function") {
      throw missing(kind);
    }
    // Opaque: what is transparent lies over black.
    context = new OffscreenCanvas(width, height).getContext("2d", {
      alpha: false,
      colorSpace: "srgb",
      willReadFrequently: true,
    })!;
  }
  const { canvas } = context;
  if (canvas.width !== width || canvas.height !== height) {
    canvas.width = width;
    canvas.height = height;
  } else {
    context.clearRect(0, 0, width, height);
  }
  return context;
}

function missing(kind: string): MissingExtraError {
  return new MissingExtraError(`there is no OffscreenCanvas here to read the pixels of a ${kind}; give a Picture`);
}
