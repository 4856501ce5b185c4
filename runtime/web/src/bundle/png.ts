/**
 * The pictures of self-check cases, decoded here: a browser's own decoder may apply colour profiles and gamma, and then
 * the model would see other pixels than in the Python runtime, which decodes without.
 *
 * Only the kind that `fpm-edge convert` writes: RGB of 8 bits, not interlaced.
 */

import { crc32 } from "./crc32.js";

const START = "\x89PNG\r\n\x1a\n";
// Behind width and height in the header: 8 bits, RGB, and the only methods of compression, filter and no interlacing.
const FORM = "8,2,0,0,0";

const PIXEL = 3; // bytes

// What is compressed in them would have to be unpacked to know that it is of a decent size, or is another picture.
const REFUSED = /^(zTXt|iTXt|iCCP|acTL|fcTL|fdAT)$/;
// Critical chunks start with a capital; what an unknown one means for the pixels cannot be known.
const CRITICAL = /^(?!PLTE)[A-Z]/;
const MAX_CHUNK = 2 ** 20;
const MAX_CHUNKS = 2 ** 16;

// So much is given to the decompressor at once: it can become at most a thousandfold of it before its size is looked at.
const PIECE = 4096;

/**
 * Decode a picture.
 *
 * @param content the PNG file.
 * @param width what it must have, pixels; `height` likewise.
 * @returns (height, width, 3) RGB.
 * @throws Error it is anything else, or damaged. A plain one: the caller knows how the file is called.
 */
export async function decodePng(content: Uint8Array, width: number, height: number): Promise<Uint8Array> {
  const [header, packed] = readChunks(content);
  const view = new DataView(header.buffer, header.byteOffset, header.length);
  const found = [view.getUint32(0), view.getUint32(4), ...header.subarray(8)];
  if (`${found}` !== `${[width, height, FORM]}`) {
    throw new Error(`its header says ${found}; expected ${[width, height, FORM]}: RGB, not interlaced`);
  }
  const stride = PIXEL * width;
  const data = await inflated(packed, height * (1 + stride));
  const pixels = new Uint8Array(height * stride);
  let above = new Uint8Array(stride);
  for (let row = 0; row < height; row++) {
    const start = row * (1 + stride);
    const line = data.subarray(start + 1, start + 1 + stride);
    unfilter(data[start], line, above);
    pixels.set(line, row * stride);
    above = line;
  }
  return pixels;
}

/** The header's 13 bytes, and the compressed data. */
function readChunks(content: Uint8Array): readonly [Uint8Array, Uint8Array<ArrayBuffer>] {
  if (String.fromCharCode(...content.subarray(0, START.length)) !== START) {
    throw new Error("it does not start as one");
  }
  const view = new DataView(content.buffer, content.byteOffset, content.length);
  const packed: Uint8Array[] = [];
  let header: Uint8Array | undefined;
  let last = "";
  let left = MAX_CHUNKS;
  for (let at = START.length; last !== "IEND"; ) {
    const size = at + 12 <= content.length ? view.getUint32(at) : Number.POSITIVE_INFINITY;
    if (at + 12 + size > content.length || --left < 0) {
      throw new Error("it was cut short, or is in too many parts");
    }
    const kind = String.fromCharCode(...content.subarray(at + 4, at + 8));
    const data = content.subarray(at + 8, at + 8 + size);
    at += 12 + size;
    if (crc32(content.subarray(at - 8 - size, at - 4)) !== view.getUint32(at - 4)) {
      throw new Error(`its ${kind} is damaged (CRC-32)`);
    }
    if ((kind === "IHDR") !== !header || (kind === "IHDR" && size !== 13)) {
      throw new Error("it does not have one header");
    }
    if (kind === "IHDR") {
      header = data;
    } else if (kind === "IDAT") {
      if (packed.length && last !== kind) {
        throw new Error("its data is in two places");
      }
      packed.push(data);
    } else if (kind !== "IEND" && (CRITICAL.test(kind) || REFUSED.test(kind) || size > MAX_CHUNK)) {
      throw new Error(`it has ${size} bytes of ${kind}, unlike a plain picture`);
    }
    last = kind;
  }
  return [header!, joined(packed)];
}

/** Unpack a zlib stream that must give exactly `size` bytes. */
async function inflated(packed: Uint8Array<ArrayBuffer>, size: number): Promise<Uint8Array<ArrayBuffer>> {
  let at = 0;
  const source = new ReadableStream<Uint8Array<ArrayBuffer>>({
    pull(controller) {
      if (at < packed.length) {
        controller.enqueue(packed.subarray(at, at + PIECE));
        at += PIECE;
      } else {
        controller.close();
      }
    },
  });
  const reader = source.pipeThrough(new DecompressionStream("deflate")).getReader();
  const parts: Uint8Array[] = [];
  let total = 0;
  // Nothing of this size is made before so many bytes are really there.
  for (let next = await reader.read(); !next.done && total <= size; next = await reader.read()) {
    parts.push(next.value);
    total += next.value.length;
  }
  if (total !== size) {
    await reader.cancel();
    throw new Error(`its data has ${total < size ? "fewer" : "more"} than the ${size} bytes of its pixels`);
  }
  return joined(parts);
}

function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** Undo the filter of a row in place. `above`: the row before, zeros for the first. */
function unfilter(filter: number, line: Uint8Array, above: Uint8Array): void {
  if (filter > 4) {
    throw new Error(`a row has filter ${filter}; there are 0 to 4`);
  }
  for (let i = 0; filter && i < line.length; i++) {
    const left = i < PIXEL ? 0 : line[i - PIXEL];
    const up = above[i];
    if (filter === 1) {
      line[i] += left;
    } else if (filter === 2) {
      line[i] += up;
    } else if (filter === 3) {
      line[i] += (left + up) >> 1;
    } else {
      line[i] += paeth(left, up, i < PIXEL ? 0 : above[i - PIXEL]);
    }
  }
}

function paeth(left: number, up: number, corner: number): number {
  const toLeft = Math.abs(up - corner);
  const toUp = Math.abs(left - corner);
  const toCorner = Math.abs(left + up - 2 * corner);
  return toLeft <= toUp && toLeft <= toCorner ? left : toUp <= toCorner ? up : corner;
}
