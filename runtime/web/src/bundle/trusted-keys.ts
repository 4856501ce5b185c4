/** The Ed25519 public keys that an app trusts, from the forms that apps have them in. */

import { MissingExtraError, UsageError } from "../errors.js";
import { sha256, subtle } from "./digest.js";

/**
 * A public key: the PEM text that `fpm-edge keygen` writes as KEY.pub, or its bytes; the key's own 32 bytes; or a
 * CryptoKey for Ed25519 that may be exported.
 */
export type TrustedKey = string | Uint8Array | ArrayBuffer | CryptoKey;

const ALGORITHM = "Ed25519";
const KEY_SIZE = 32;
// What stands before the 32 bytes in a SubjectPublicKeyInfo (RFC 8410, section 4).
const SPKI_PREFIX = "\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00";
const PEM = /-----BEGIN PUBLIC KEY-----([^-]*)-----END PUBLIC KEY-----/;

/**
 * Public keys by what a statement names them by: the SHA-256 of a key's 32 bytes, hexadecimal.
 *
 * @throws UsageError there is none, or one is not an Ed25519 public key.
 * @throws MissingExtraError the platform has no Ed25519.
 */
export async function loadKeys(sources: Iterable<TrustedKey>): Promise<ReadonlyMap<string, CryptoKey>> {
  if (typeof sources === "string" || ArrayBuffer.isView(sources) || !(Symbol.iterator in Object(sources))) {
    throw new UsageError("trustedKeys is one key; expected a list of keys");
  }
  const keys = new Map<string, CryptoKey>();
  for (const source of sources) {
    const bytes = await keyBytes(source);
    keys.set(await sha256(bytes), await imported(bytes));
  }
  if (keys.size === 0) {
    throw new UsageError("there is no trusted key, so no bundle is accepted; name at least one");
  }
  return keys;
}

/** Whether `signature`, 64 bytes, is that of `data` by `key`. */
export function isSignedBy(
  key: CryptoKey,
  signature: Uint8Array<ArrayBuffer>,
  data: Uint8Array<ArrayBuffer>,
): Promise<boolean> {
  return subtle().verify(ALGORITHM, key, signature, data);
}

async function keyBytes(source: TrustedKey): Promise<Uint8Array<ArrayBuffer>> {
  if (typeof source === "string") {
    return fromPem(source);
  }
  if (source instanceof ArrayBuffer || ArrayBuffer.isView(source)) {
    const bytes = new Uint8Array(source);
    return bytes.length === KEY_SIZE ? bytes : fromPem(new TextDecoder().decode(bytes));
  }
  if (source?.type !== "public" || source.algorithm.name !== ALGORITHM || !source.extractable) {
    throw new UsageError("a trusted key is neither PEM text nor an Ed25519 public key that may be exported");
  }
  return new Uint8Array(await subtle().exportKey("raw", source));
}

function fromPem(text: string): Uint8Array<ArrayBuffer> {
  let der = "";
  try {
    der = atob(PEM.exec(text)?.[1] ?? "");
  } catch {
    // It stays empty.
  }
  if (!der.startsWith(SPKI_PREFIX) || der.length !== SPKI_PREFIX.length + KEY_SIZE) {
    const found = der ? "of another kind" : "no public key in PEM form";
    throw new UsageError(`a trusted key is ${found}; expected Ed25519, as \`fpm-edge keygen\` writes it in KEY.pub`);
  }
  return Uint8Array.from(der.slice(SPKI_PREFIX.length), (byte) => byte.charCodeAt(0));
}

async function imported(bytes: Uint8Array<ArrayBuffer>): Promise<CryptoKey> {
  const crypto = subtle();
  try {
    return await crypto.importKey("raw", bytes, ALGORITHM, true, ["verify"]);
  } catch (error) {
    throw new MissingExtraError(
      `trustedKeys need Ed25519 in Web Crypto, which is not there (${error}); use a newer browser`,
      { cause: error },
    );
  }
}
