/** SHA-256 by the platform's Web Crypto. */

import { MissingExtraError } from "../errors.js";

/**
 * The platform's cryptography.
 *
 * @throws MissingExtraError there is none: browsers keep it from pages that came over plain http.
 */
export function subtle(): SubtleCrypto {
  const found = globalThis.crypto?.subtle;
  if (!found) {
    throw new MissingExtraError(
      "there is no Web Crypto here to check a bundle with; serve the page over https or from localhost",
    );
  }
  return found;
}

/**
 * SHA-256 of the bytes, hexadecimal.
 *
 * @throws MissingExtraError see `subtle`.
 */
export async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  return toHex(new Uint8Array(await subtle().digest("SHA-256", bytes)));
}

function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
