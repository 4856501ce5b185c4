/** The answers of vectors/make_bundle.py, and bundles made of its small one. */

import { type Entry, layOut, readEntries } from "../../src/bundle/container.js";
import { crc32 } from "../../src/bundle/crc32.js";
import { sha256 } from "../../src/bundle/digest.js";
import type { TensorSpec } from "../../src/bundle/manifest.js";
import { BundleError } from "../../src/errors.js";
import { vector } from "../support/tiny.js";

interface Vectors {
  readonly bundle: string;
  readonly signed_at: number;
  readonly keys: Readonly<Record<"trusted" | "raw" | "other" | "curve" | "private", string>>;
  readonly signatures: Readonly<Record<string, string>>;
  readonly scalars: readonly (readonly [string, ...(readonly [unknown] | null)[]])[];
  readonly manifests: readonly (readonly [place: number, size: number, text: string, wrong: string | null])[];
  readonly pictures: readonly (readonly [string, string, string | null])[];
  readonly tensors: readonly (readonly [TensorSpec, TensorSpec, number[], number[]])[];
  readonly models: readonly (readonly [string, string, string | null])[];
}

export const VECTORS: Vectors = JSON.parse(new TextDecoder().decode(vector("bundle.json")));

/** Content that tests spoil at will. */
// biome-ignore lint/suspicious/noExplicitAny: as it says
export type Loose = any;

/** Set what is at a path such as `pieces.onnx.0.name`. */
export function put(content: Loose, path: string, value: unknown): void {
  const keys = path.split(".");
  const last = keys.pop()!;
  keys.reduce((inside, key) => inside[key], content)[last] = value;
}

export type Members = Record<string, Uint8Array>;

export const MANIFEST = "manifest.json";

export function utf8(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}

export function unpacked(base64: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(base64), (byte) => byte.charCodeAt(0));
}

/** 32 × 48 pixels, three landmarks, one stage of ONNX, one golden case; not signed. */
export function small(): Uint8Array<ArrayBuffer> {
  return unpacked(VECTORS.bundle);
}

export function membersOf(content: Uint8Array): Members {
  const { entries, layout } = readEntries(content, "it");
  const slice = ({ name, size }: Entry) => content.slice(layout.offsets.get(name), layout.offsets.get(name)! + size);
  return Object.fromEntries([...entries.values()].map((entry) => [entry.name, slice(entry)]));
}

/** A container with right headers, whatever is in it. */
export function packed(members: Members): Uint8Array<ArrayBuffer> {
  const entries = Object.entries(members).map(([name, data]) => ({ name, size: data.length, crc: crc32(data) }));
  const { headers, offsets, tail, size } = layOut(entries);
  const content = new Uint8Array(size);
  for (const [name, header] of headers) {
    content.set(header, offsets.get(name)! - header.length);
    content.set(members[name], offsets.get(name)!);
  }
  content.set(tail, size - tail.length);
  return content;
}

/** The small bundle with other members (without those that are null), its manifest changed and its digests right. */
export async function sealed(
  changes: Readonly<Record<string, Uint8Array | string | null>>,
  manifest: (content: Loose) => void = () => {},
): Promise<Uint8Array<ArrayBuffer>> {
  const members = membersOf(small());
  for (const [name, data] of Object.entries(changes)) {
    if (data === null) {
      delete members[name];
    } else {
      members[name] = typeof data === "string" ? utf8(data) : data;
    }
  }
  const content = JSON.parse(new TextDecoder().decode(members[MANIFEST]));
  content.digests = {};
  for (const [name, data] of Object.entries(members)) {
    if (name !== MANIFEST && name !== "signature.json") {
      content.digests[name] = await sha256(Uint8Array.from(data));
    }
  }
  manifest(content);
  return packed({ ...members, [MANIFEST]: utf8(JSON.stringify(content, null, 1)) });
}

/** The small bundle with a signature. */
export function signed(signature: string): Uint8Array<ArrayBuffer> {
  return packed({ ...membersOf(small()), "signature.json": utf8(signature) });
}

/** A BundleError whose message has this in it. */
export function refusal(message: RegExp): (error: unknown) => boolean {
  return (error) => {
    if (!(error instanceof BundleError)) {
      throw error;
    }
    return message.test(error.message);
  };
}
