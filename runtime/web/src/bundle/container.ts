/**
 * The zip container of a bundle, in the one form that is ever written.
 *
 * All of a container's headers follow from the names, sizes and CRC-32 of its members. The reader therefore rebuilds
 * them and compares: a container that differs anywhere, by one bit of a time stamp or one byte between two members, is
 * refused. Members are STORED, sorted by name, and their bytes start at multiples of 64.
 */

import { BundleError } from "../errors.js";

/** The member that `signature` reads. */
export const SIGNATURE = "signature.json";

/** Bytes of the largest bundle: all offsets fit the zip format's 32 bits, signed or not. */
export const MAX_BUNDLE = 2 ** 31 - 1;

const MAX_MEMBER = 512 * 2 ** 20;
const MAX_MEMBERS = 256;
const ALIGNMENT = 64;
const ALIGNMENT_EXTRA = 0xd935; // the extra field by which zipalign pads
const SMALLEST_EXTRA = 6;
const VERSION = 10; // plain stored files
const MADE_BY = (3 << 8) | VERSION; // Unix
const ATTRIBUTES = 0o100644 * 2 ** 16;
const DATE = (1 << 5) | 1; // 1980-01-01, the zip format's zero

// Sizes of the fields of the three records, and of all of each.
const LOCAL = "42222244422";
const LOCAL_SIZE = 30;
const CENTRAL = "42222224442222244";
const CENTRAL_SIZE = 46;
const END = "42222442";
const END_SIZE = 22;

// What is parsed before anything vouches for it is small.
const LIMITS: Readonly<Record<string, number>> = {
  "manifest.json": 2 ** 20,
  [SIGNATURE]: 2 ** 10,
  "golden/golden.json": 2 ** 22,
  "card.md": 2 ** 24,
};

const ALLOWED =
  /^(?:manifest\.json|signature\.json|card\.md|stages\/(?:context|[1-9][0-9]?)\.(?:tflite|onnx)|whole\.(?:tflite|onnx)|stages\.tflite|reference\/float\.fpm|golden\/(?:golden\.json|[0-9]{1,6}\.png))$/;

/** One member: its name, the size of its bytes and their CRC-32. */
export interface Entry {
  readonly name: string;
  readonly size: number;
  readonly crc: number;
}

/** Everything in a container but the members' bytes. */
export interface Layout {
  /** Member name → the bytes before the member's own. */
  readonly headers: ReadonlyMap<string, Uint8Array>;
  /** Member name → where the member's own bytes start. */
  readonly offsets: ReadonlyMap<string, number>;
  /** What follows the last member. */
  readonly tail: Uint8Array;
  /** Bytes of the whole container. */
  readonly size: number;
}

/** Whether a bundle may have a member of this name. */
export function isAllowed(name: string): boolean {
  return ALLOWED.test(name);
}

/** The one layout of these members. */
export function layOut(entries: Iterable<Entry>): Layout {
  const ordered = [...entries].sort((a, b) => (a.name < b.name ? -1 : 1));
  const headers = new Map<string, Uint8Array>();
  const offsets = new Map<string, number>();
  const central: number[] = [];
  let position = 0;
  for (const { name, size, crc } of ordered) {
    const letters = Array.from(name, (letter) => letter.charCodeAt(0));
    let gap = (ALIGNMENT - ((position + LOCAL_SIZE + name.length) % ALIGNMENT)) % ALIGNMENT;
    if (gap > 0 && gap < SMALLEST_EXTRA) {
      gap += ALIGNMENT;
    }
    const extra = gap ? record("222", ALIGNMENT_EXTRA, gap - 4, ALIGNMENT) : [];
    const common = [VERSION, 0, 0, 0, DATE, crc, size, size, name.length];
    const header = new Uint8Array(LOCAL_SIZE + name.length + gap); // zeros behind the extra field
    header.set([...record(LOCAL, 0x04034b50, ...common, gap), ...letters, ...extra]);
    headers.set(name, header);
    offsets.set(name, position + header.length);
    central.push(...record(CENTRAL, 0x02014b50, MADE_BY, ...common, 0, 0, 0, 0, ATTRIBUTES, position), ...letters);
    position += header.length + size;
  }
  const end = record(END, 0x06054b50, 0, 0, ordered.length, ordered.length, central.length, position, 0);
  const tail = Uint8Array.from([...central, ...end]);
  return { headers, offsets, tail, size: position + tail.length };
}

/**
 * The members of a container, whose every header has been compared with the one layout.
 *
 * @param content the whole container.
 * @param where how messages name it.
 * @throws BundleError it is anything but what `layOut` describes.
 */
export function readEntries(
  content: Uint8Array,
  where: string,
): { entries: ReadonlyMap<string, Entry>; layout: Layout } {
  const entries = parseCentral(content, where);
  const layout = layOut(entries.values());
  const same = (end: number, expected: Uint8Array): boolean => {
    const start = end - expected.length;
    return expected.every((byte, i) => byte === content[start + i]);
  };
  if (
    layout.size !== content.length ||
    !same(content.length, layout.tail) ||
    ![...layout.headers].every(([name, header]) => same(layout.offsets.get(name)!, header))
  ) {
    throw new BundleError(
      `${where}: its zip headers are not those that fpm-edge writes: damaged or altered; get the original file`,
    );
  }
  return { entries, layout };
}

function parseCentral(content: Uint8Array, where: string): Map<string, Entry> {
  const size = content.length;
  const cut = (): BundleError => new BundleError(`${where} is not a bundle, or was cut short; get the original file`);
  if (size < END_SIZE || size > MAX_BUNDLE) {
    throw cut();
  }
  const view = new DataView(content.buffer, content.byteOffset, size);
  const word = (at: number): number => view.getUint16(at, true);
  const long = (at: number): number => view.getUint32(at, true);
  const end = size - END_SIZE;
  const count = word(end + 10);
  const length = long(end + 12);
  let at = long(end + 16);
  if (
    long(end) !== 0x06054b50 ||
    word(end + 20) ||
    at + length !== end ||
    count > MAX_MEMBERS ||
    length > MAX_MEMBERS * 2 * CENTRAL_SIZE
  ) {
    throw cut();
  }
  const entries = new Map<string, Entry>();
  let total = 0;
  while (at < end) {
    if (end - at < CENTRAL_SIZE || long(at) !== 0x02014b50) {
      throw cut();
    }
    const start = at + CENTRAL_SIZE;
    // A name that leaves the table is cut at its end; the comparison of all headers refuses it.
    const name = String.fromCharCode(...content.subarray(start, Math.min(start + word(at + 28), end)));
    const bytes = long(at + 24);
    const limit = LIMITS[name] ?? MAX_MEMBER;
    let wrong = "";
    if (!isAllowed(name)) {
      wrong = "does not belong in a bundle";
    } else if (bytes > limit) {
      wrong = `has ${bytes} bytes; at most ${limit} are allowed`;
    } else if (entries.has(name)) {
      wrong = "occurs twice";
    }
    if (wrong) {
      throw new BundleError(`${where}: member '${name}' ${wrong}; get the original file`);
    }
    entries.set(name, { name, size: bytes, crc: long(at + 16) });
    total += bytes;
    at = start + word(at + 28) + word(at + 30) + word(at + 32);
  }
  if (entries.size !== count || total > Math.min(size, MAX_BUNDLE - 2 ** 20)) {
    throw cut();
  }
  return entries;
}

/** Numbers as little-endian fields of so many bytes each. */
function record(sizes: string, ...values: readonly number[]): number[] {
  return values.flatMap((value, i) => Array.from({ length: Number(sizes[i]) }, (_, n) => (value / 256 ** n) & 255));
}
