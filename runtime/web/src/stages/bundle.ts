/** An open bundle: what is in it, and the way to run it. */

import { BundleContents, REFERENCE, type TrustOptions } from "../bundle/contents.js";
import type { Format } from "../bundle/manifest.js";
import { checkedReference } from "../bundle/reference.js";
import type { Engine } from "../engines/engine.js";
import { BundleError, UsageError } from "../errors.js";
import type { LoadOptions } from "./loading.js";
import { Session } from "./session.js";

const IN_MEMORY = "bundle in memory";

/** How to open a bundle. */
export interface OpenOptions extends TrustOptions {
  /** What fetches an address; left out: the platform's `fetch`. Only the address given is asked for. */
  readonly fetch?: (address: string | URL) => Promise<Response>;
}

/** How to load a bundle. */
export interface SessionOptions extends LoadOptions {
  /** Such as `onnxRuntime(ort)`, `liteRt(litert)`, or one of your own. */
  readonly engine: Engine;
  /** Which of the bundle's formats to load; left out: the one that the engine reads best. */
  readonly format?: Format | undefined;
}

/**
 * Open a bundle and check all that can be checked without reading its models.
 *
 * @param source an address to fetch it from, or its content.
 * @throws BundleError it cannot be fetched; it is damaged, altered, of an unknown version, or contradicts itself; it is
 *     not signed, signed by another key, wrongly signed or expired.
 * @throws UsageError a trusted key is not one, or there are none.
 * @throws MissingExtraError there are trusted keys, and the platform has no Ed25519.
 */
export async function openBundle(
  source: string | URL | ArrayBuffer | Uint8Array | Blob,
  options: OpenOptions = {},
): Promise<Bundle> {
  if (typeof source === "string" || source instanceof URL) {
    return Bundle.open(await fetched(source, options.fetch ?? globalThis.fetch), String(source), options);
  }
  return Bundle.open(source, (source as Partial<File>).name || IN_MEMORY, options);
}

/** An open bundle. Get one from `openBundle`. Each `read` checks the digest of what it read. */
export class Bundle extends BundleContents {
  /**
   * The float model that this one is compared with, or null if the bundle has none.
   *
   * @throws BundleError it is damaged, or has other landmarks, stages or geometry.
   */
  async reference(): Promise<Bundle | null> {
    if (!this.members.includes(REFERENCE)) {
      return null;
    }
    return checkedReference(this, (content) => openBundle(content), `${this.where}: ${REFERENCE}`);
  }

  /**
   * Read everything in it, that of its float model too, but load no model.
   *
   * @throws BundleError a member is damaged, or does not fit the manifest.
   */
  override async check(): Promise<void> {
    await super.check();
    await (await this.reference())?.check();
  }

  /**
   * Load the pieces into an engine, ready to detect.
   *
   * @throws UsageError the engine reads none of the bundle's formats, or not the one asked for; a number is out of range.
   * @throws BundleError a piece is damaged, or not what the manifest says.
   * @throws MissingExtraError a part of the engine is missing.
   * @throws FpmEdgeError the engine is for a GPU or NPU, which is not there or does not take all of a piece; or it fails.
   */
  async session(options: SessionOptions): Promise<Session> {
    const { engine, format } = options;
    const form = engine.formats.find((one) => this.formats.includes(one) && (format ?? one) === one);
    if (!form) {
      throw new UsageError(
        `engine ${engine.name} reads ${engine.formats.join(", ")} and the bundle has ${this.formats.join(", ")}` +
          `${format ? `, of which ${format} is asked for` : ""}; take onnxRuntime() for onnx, liteRt() for tflite, or ` +
          "convert to the other format",
      );
    }
    return Session.load(this, engine, form, options);
  }
}

async function fetched(
  address: string | URL,
  fetch: (address: string | URL) => Promise<Response>,
): Promise<ArrayBuffer> {
  let why: unknown;
  try {
    const response = await fetch(address);
    if (response.ok) {
      return await response.arrayBuffer();
    }
    why = `the server answered ${response.status} ${response.statusText}`.trim();
  } catch (error) {
    why = error instanceof Error ? error.message : error;
  }
  throw new BundleError(`${address}: it cannot be fetched (${why}); check the address`);
}
