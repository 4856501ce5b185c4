/**
 * Ed25519 signatures: by whose key a bundle was released, until when it may be used, and which of two is newer.
 *
 * A signed bundle has one member more, `signature.json`: a statement about manifest.json, which holds the digests of all
 * others, and the signature of that statement (decision 0019).
 */

import { BundleError } from "../errors.js";
import { SIGNATURE } from "./container.js";
import { decode, type Field, int, matching, nullable, struct } from "./fields.js";
import { isSignedBy } from "./trusted-keys.js";

/** What a signature says. */
export interface Statement {
  /** SHA-256 of manifest.json, hexadecimal; the bundle's `digest`. */
  readonly manifest: string;
  /** SHA-256 of the 32 bytes of the public key, hexadecimal. */
  readonly key: string;
  /** When it was signed, Unix time in seconds. */
  readonly created: number;
  /** From when on it is no longer good, Unix time in seconds; null for never. */
  readonly expires: number | null;
  /** Of two bundles for one purpose, the one with the higher number is newer. */
  readonly sequence: number;
}

/** Content of `signature.json`: a statement, and the Ed25519 signature of `signedBytes`, hexadecimal. */
export interface SignedStatement {
  readonly statement: Statement;
  readonly signature: string;
}

/** The last second of the year 9999. */
export const LATEST = 253402300799;

// Nothing that the key signs elsewhere passes for a bundle's signature.
const PREFIX = "fpm-edge bundle signature, version 1\n";

// A device's clock may be so far behind that of the machine that signed, seconds.
const CLOCK_TOLERANCE = 300;

const digest = matching(/^[0-9a-f]{64}$/);
const time = upTo(LATEST);

const signed = struct<SignedStatement>({
  statement: struct<Statement>({
    manifest: digest,
    key: digest,
    created: time,
    expires: nullable(time),
    sequence: upTo(Number.MAX_SAFE_INTEGER),
  }),
  signature: matching(/^[0-9a-f]{128}$/),
});

/** The bytes that a signature signs. */
export function signedBytes(statement: Statement): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(PREFIX + encoded(statement));
}

/**
 * Parse `signature.json`, of which there is one encoding for each content. Nothing is verified.
 *
 * @throws BundleError it is damaged, of another form, or expires before it was created.
 */
export function decodeSignature(raw: Uint8Array): SignedStatement {
  const field: Field<SignedStatement> = (json) => {
    const made = signed(json);
    const { created, expires } = made.statement;
    const form = `{"statement":${encoded(made.statement)},"signature":"${made.signature}"}`;
    // All of it is ASCII, so equal letters are equal bytes; a part of it would be no JSON.
    if (!raw.every((byte, i) => byte === form.charCodeAt(i))) {
      json.fail("it is not in the one form that fpm-edge writes");
    }
    if (expires !== null && expires <= created) {
      json.fail("it expires before it was created");
    }
    return made;
  };
  return decode(raw, field, SIGNATURE, "sign the bundle again");
}

/**
 * The statement, if one of the keys signed it and it has not expired.
 *
 * @param keys of `loadKeys`.
 * @param now Unix time in seconds; undefined for this device's clock. A signature that never expires does not ask for it.
 * @throws BundleError another key signed it, the signature is wrong, it has expired, or the clock is wrong.
 */
export async function checkStatement(
  { statement, signature }: SignedStatement,
  keys: ReadonlyMap<string, CryptoKey>,
  now: number = Date.now() / 1000,
): Promise<Statement> {
  const { key, created, expires } = statement;
  const trusted = keys.get(key);
  if (!trusted) {
    const known = [...keys.keys()].sort().join(", ");
    throw new BundleError(`it is signed with key ${key}, which is not trusted; trusted: ${known}`);
  }
  const raw = Uint8Array.from(signature.match(/../g)!, (digits) => Number.parseInt(digits, 16));
  if (!(await isSignedBy(trusted, raw, signedBytes(statement)))) {
    throw new BundleError(
      `its signature is not by key ${key}, which it names: damaged or forged; get the original file`,
    );
  }
  if (expires === null) {
    return statement;
  }
  if (!(now >= created - CLOCK_TOLERANCE)) {
    throw new BundleError(
      "its signature expires, and by this device's clock it was signed in the future, on " +
        `${moment(created)}; set the clock`,
    );
  }
  if (now >= expires) {
    throw new BundleError(`its signature expired on ${moment(expires)}; get a newer one`);
  }
  return statement;
}

/** Unix time for people: `2027-01-31 08:00:00 UTC`. */
export function moment(seconds: number): string {
  return new Date(seconds * 1000).toISOString().replace("T", " ").replace(/\..*/, " UTC");
}

function encoded({ manifest, key, created, expires, sequence }: Statement): string {
  return JSON.stringify({ manifest, key, created, expires, sequence });
}

function upTo(most: number): Field<number> {
  return (json) => {
    const value = int(json);
    return value >= 0 && value <= most ? value : json.fail(`Expected \`int\` from 0 to ${most}`);
  };
}
