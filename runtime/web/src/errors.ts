/**
 * Every error that fpm-edge throws on purpose; the same tree, and the same exit codes, as in the Python runtime.
 *
 *     FpmEdgeError            exit code 1
 *     ├── UsageError          2   an argument that cannot be what was meant
 *     ├── DataError           1   a picture, or numbers, that cannot be used
 *     │   └── ImageError      1   one picture that cannot be read
 *     ├── SchemaError         1   an unknown or inconsistent landmark schema
 *     ├── ModelError          1   answers that are not those of the model's stages
 *     ├── BundleError         4   a bundle that is damaged, altered or of an unknown version
 *     └── MissingExtraError   5   an engine or a part of the platform that is not there
 *
 * A message says what was wrong, where, what was expected and what to do next.
 */

/** Base of every error thrown on purpose; `exitCode` is what a command-line tool returns for it. */
export class FpmEdgeError extends Error {
  readonly exitCode: number = 1;
  override name = "FpmEdgeError";
}

/** An argument that cannot be what was meant (a stage number out of range, an unknown option). */
export class UsageError extends FpmEdgeError {
  override readonly exitCode = 2;
  override name = "UsageError";
}

/** A picture, a data set or an array of numbers that cannot be used. */
export class DataError extends FpmEdgeError {
  override name = "DataError";
}

/** A picture that is missing, corrupt or not a picture. */
export class ImageError extends DataError {
  override name = "ImageError";
}

/** A landmark schema that is inconsistent, or has no such category. */
export class SchemaError extends FpmEdgeError {
  override name = "SchemaError";
}

/** Answers that are not those of the model's stages. */
export class ModelError extends FpmEdgeError {
  override name = "ModelError";
}

const LONGEST = 2000; // characters of a message that quotes a bundle
const UNPRINTABLE = /[^\P{C}]|[\p{Zl}\p{Zp}]/gu;

/**
 * A bundle that is damaged, altered, incomplete, of an unknown version, or not signed as it must be.
 *
 * Messages quote the bundle, and a hostile one holds control sequences or megabytes: what cannot be printed is escaped,
 * and the middle of a long message is left out.
 */
export class BundleError extends FpmEdgeError {
  override readonly exitCode = 4;
  override name = "BundleError";

  constructor(message: string, options?: ErrorOptions) {
    let shown = message;
    if (shown.length > LONGEST) {
      shown = `${shown.slice(0, LONGEST / 2)} [...] ${shown.slice(-LONGEST / 2)}`;
    }
    super(shown.replace(UNPRINTABLE, escaped), options);
  }
}

/** An engine, or a part of the platform, that is not there; the message says what brings it. */
export class MissingExtraError extends FpmEdgeError {
  override readonly exitCode = 5;
  override name = "MissingExtraError";
}

function escaped(character: string): string {
  return `\\u{${character.codePointAt(0)!.toString(16)}}`;
}
