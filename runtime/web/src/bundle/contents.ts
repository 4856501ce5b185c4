/** What is in a bundle: one file with a network's pieces, what is known about them, and the means to check both. */

import { BundleError, UsageError } from "../errors.js";
import { type Entry, type Layout, MAX_BUNDLE, readEntries, SIGNATURE } from "./container.js";
import { checkGolden, checkMembers, GOLDEN, MANIFEST } from "./contents-check.js";
import { crc32 } from "./crc32.js";
import { sha256 } from "./digest.js";
import { refuseExternalData } from "./external.js";
import type { Format, GoldenCase, GoldenSet, LandmarkSchema, Manifest } from "./manifest.js";
import { decodeGolden, decodeManifest } from "./manifest-check.js";
import { decodePng } from "./png.js";
import { checkStatement, decodeSignature, type Statement } from "./signature.js";
import { loadKeys, type TrustedKey } from "./trusted-keys.js";

/** The float model that the bundle is compared with, a bundle itself. */
export const REFERENCE = "reference/float.fpm";

/** Optional members that an app can use by themselves, without this runtime. */
export const WHOLE_MEMBERS: readonly string[] = ["whole.tflite", "whole.onnx", "stages.tflite"];

/** Whom to believe that a bundle is what it says. */
export interface TrustOptions {
  /** The bundle must be signed with one of them, and not have expired. Left out: any bundle is taken, none vouched for. */
  readonly trustedKeys?: Iterable<TrustedKey> | undefined;
  /** Unix time in seconds by which it may have expired; left out: this device's clock. */
  readonly now?: number | undefined;
}

/** A container whose headers were checked, and what was read from it. Made by `BundleContents.open`. */
export interface OpenedParts extends Container {
  readonly where: string;
  readonly digest: string;
  readonly signature: Statement | null;
  readonly manifest: Manifest;
}

interface Container {
  readonly source: Uint8Array<ArrayBuffer>;
  readonly entries: ReadonlyMap<string, Entry>;
  readonly layout: Layout;
}

/** What is in an open bundle. Get one from `open`. */
export class BundleContents {
  /** How messages name the bundle. */
  readonly where: string;
  /** The whole bundle. */
  readonly source: Uint8Array<ArrayBuffer>;
  /** What is in the bundle, how it is wired and what was measured on it. */
  readonly manifest: Manifest;
  /** The names of all members, sorted. */
  readonly members: readonly string[];
  /** SHA-256 of manifest.json, hexadecimal. As that holds all other digests, it identifies the whole bundle. */
  readonly digest: string;
  /** What the signature states, by one of the trusted keys; null if it was opened without trusted keys. */
  readonly signature: Statement | null;
  readonly #container: Container;

  constructor(parts: OpenedParts) {
    this.where = parts.where;
    this.source = parts.source;
    this.manifest = parts.manifest;
    this.members = [...parts.entries.keys()].sort();
    this.digest = parts.digest;
    this.signature = parts.signature;
    this.#container = parts;
  }

  /**
   * Check all that can be checked without reading the models.
   *
   * @param source the whole bundle. Its bytes must not be changed as long as the bundle is used; `read` would notice.
   * @param where how messages name it.
   * @returns one of the class that it is called on.
   * @throws BundleError it is damaged, altered, of an unknown version, or contradicts itself; it is not signed, signed by
   *   another key, wrongly signed or expired.
   * @throws UsageError a trusted key is not one, or there are none.
   * @throws MissingExtraError the platform has no Web Crypto, or there are trusted keys and it has no Ed25519.
   */
  static async open<B extends BundleContents>(
    this: new (
      parts: OpenedParts,
    ) => B,
    source: Uint8Array | ArrayBuffer | Blob,
    where: string,
    options: TrustOptions = {},
  ): Promise<B> {
    const keys = options.trustedKeys == null ? null : await loadKeys(options.trustedKeys);
    const content = await bytesOf(source, where);
    const { entries, layout } = readEntries(content, where);
    if (!entries.has(MANIFEST)) {
      throw new BundleError(`${where}: ${MANIFEST} is missing; get the original file`);
    }
    const container = { where, source: content, entries, layout };
    return naming(where, async () => {
      const raw = rawMember(container, MANIFEST);
      const digest = await sha256(raw);
      // Before the manifest is parsed: of a bundle that nobody trusted made, nothing more is looked at.
      const signature = await checkSignature(container, digest, keys, options.now);
      const manifest = decodeManifest(raw);
      checkMembers(manifest, new Set(entries.keys()));
      return new this({ ...container, digest, signature, manifest });
    });
  }

  /** The landmarks it finds. */
  get schema(): LandmarkSchema {
    return this.manifest.landmarks;
  }

  /** How many stages it has. */
  get stages(): number {
    return this.manifest.stages;
  }

  /** Which formats its pieces come in. */
  get formats(): readonly Format[] {
    const { pieces } = this.manifest;
    return (Object.keys(pieces) as Format[]).filter((format) => pieces[format]?.length);
  }

  /**
   * The bytes of a member, after comparing their CRC-32 and, of all that have one, the SHA-256 in the manifest.
   *
   * @returns a view of the bundle, not a copy: who gives it away (to a worker, say) copies it before.
   * @throws UsageError there is no such member.
   * @throws BundleError the bytes are not those that the manifest promises, or are a model that needs other files.
   */
  async read(member: string): Promise<Uint8Array<ArrayBuffer>> {
    if (!this.members.includes(member)) {
      throw new UsageError(`the bundle has no member '${member}'; it has: ${this.members.join(", ")}`);
    }
    return naming(this.where, async () => {
      const raw = rawMember(this.#container, member);
      const expected = member === MANIFEST ? this.digest : this.manifest.digests[member];
      if (expected !== undefined && (await sha256(raw)) !== expected) {
        throw new BundleError(
          `member ${member} does not have the SHA-256 in the manifest: damaged or altered; get the original file`,
        );
      }
      refuseExternalData(member, raw);
      return raw;
    });
  }

  /**
   * The self-check cases, or null if the bundle has none.
   *
   * @throws BundleError they are damaged, or do not fit the manifest.
   */
  async golden(): Promise<GoldenSet | null> {
    if (!this.members.includes(GOLDEN)) {
      return null;
    }
    const golden = decodeGolden(await this.read(GOLDEN));
    checkGolden(golden, this.manifest, new Set(this.members));
    return golden;
  }

  /**
   * The input of a self-check case.
   *
   * @returns (input height, input width, 3) RGB.
   * @throws BundleError the picture is damaged or not of exactly the input's size.
   */
  async goldenInput({ member }: GoldenCase): Promise<Uint8Array> {
    const raw = await this.read(member);
    const { input_width, input_height } = this.manifest.geometry;
    try {
      return await decodePng(raw, input_width, input_height);
    } catch (error) {
      const why = error instanceof Error ? error.message : error;
      throw new BundleError(`${member} is not a readable PNG: ${why}; make the bundle again`, { cause: error });
    }
  }

  /**
   * Read everything in it, but load no model, and do not look into its reference.
   *
   * @throws BundleError a member is damaged, or does not fit the manifest.
   */
  async check(): Promise<void> {
    for (const member of this.members) {
      await this.read(member);
    }
    for (const golden of (await this.golden())?.cases ?? []) {
      await this.goldenInput(golden);
    }
  }
}

async function bytesOf(source: Uint8Array | ArrayBuffer | Blob, where: string): Promise<Uint8Array<ArrayBuffer>> {
  let bytes: Uint8Array;
  if (source instanceof Blob) {
    checkSize(source.size, where);
    try {
      bytes = new Uint8Array(await source.arrayBuffer());
    } catch (error) {
      throw new BundleError(`${where} cannot be read: ${error}`, { cause: error });
    }
  } else if (source instanceof ArrayBuffer) {
    bytes = new Uint8Array(source);
  } else if (source instanceof Uint8Array) {
    bytes = source;
  } else {
    throw new UsageError("a bundle comes as a Uint8Array, an ArrayBuffer or a Blob");
  }
  checkSize(bytes.length, where);
  // Memory that is shared with a worker could change between a check and its use, and Web Crypto does not take it.
  return bytes.buffer instanceof ArrayBuffer ? (bytes as Uint8Array<ArrayBuffer>) : bytes.slice();
}

function checkSize(size: number, where: string): void {
  if (size > MAX_BUNDLE) {
    throw new BundleError(`${where} has ${size} bytes; a bundle has at most ${MAX_BUNDLE}; get the original file`);
  }
}

/** Have every BundleError name the bundle. */
async function naming<T>(where: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    throw error instanceof BundleError ? new BundleError(`${where}: ${error.message}`, { cause: error }) : error;
  }
}

/** A view of a member's bytes, whose CRC-32 is right. */
function rawMember({ source, entries, layout }: Container, member: string): Uint8Array<ArrayBuffer> {
  const start = layout.offsets.get(member)!;
  const { size, crc } = entries.get(member)!;
  const raw = source.subarray(start, start + size);
  if (crc32(raw) !== crc) {
    throw new BundleError(`${member} is damaged (CRC-32); get the original file`);
  }
  return raw;
}

/** The statement, if there are keys to verify it with. Whether it is about this manifest is always checked. */
async function checkSignature(
  container: Container,
  digest: string,
  keys: ReadonlyMap<string, CryptoKey> | null,
  now: number | undefined,
): Promise<Statement | null> {
  if (!container.entries.has(SIGNATURE)) {
    if (!keys) {
      return null;
    }
    throw new BundleError("it is not signed, and trusted keys were given; get a signed bundle, or sign it");
  }
  const signed = decodeSignature(rawMember(container, SIGNATURE));
  if (signed.statement.manifest !== digest) {
    throw new BundleError(
      `${SIGNATURE} is about another bundle, whose ${MANIFEST} has SHA-256 ${signed.statement.manifest}; get the original file`,
    );
  }
  return keys && checkStatement(signed, keys, now);
}
