/** What a `DriftMonitor` keeps over restarts: the JSON of the Python runtime, field for field, so either reads it. */

import type { Verdict } from "../check/self-check.js";
import { DataError } from "../errors.js";

/** Count, mean, recent mean. */
export type Means = readonly [number, number, number];
/** Count, mean, excess, and whether it fired. */
export type FastState = readonly [number, number, number, boolean];

/** The state, with the names that it has in the file. */
export interface MonitorState {
  readonly version: number;
  readonly subject: string;
  readonly limits: readonly number[];
  readonly landmarks: readonly string[];
  readonly alpha: number;
  readonly golden: Verdict | null;
  readonly alarm_sample: number | null;
  readonly most_evidence: number;
  readonly samples: number;
  readonly total: number;
  readonly fast: readonly [FastState, FastState];
  readonly proxies: Readonly<Record<string, Means>>;
  /** Name → base64 of its float64 numbers, little-endian. */
  readonly arrays: Readonly<Record<string, string>>;
}

type Check = (value: unknown) => boolean;

const isNumber: Check = Number.isFinite;
const isInteger: Check = Number.isSafeInteger;
const isText: Check = (value) => typeof value === "string";
const listOf =
  (check: Check): Check =>
  (value) =>
    Array.isArray(value) && value.every(check);
const recordOf =
  (check: Check): Check =>
  (value) =>
    isRecord(value) && Object.values(value).every(check);
const tuple =
  (...checks: Check[]): Check =>
  (value) =>
    Array.isArray(value) && value.length === checks.length && checks.every((check, i) => check(value[i]));

const isFast = tuple(isInteger, isNumber, isNumber, (value) => typeof value === "boolean");
const FIELDS: Record<keyof MonitorState, Check> = {
  version: isInteger,
  subject: isText,
  limits: listOf(isNumber),
  landmarks: listOf(isText),
  alpha: isNumber,
  golden: (value) => [null, "ok", "warning", "drifted"].includes(value as string | null),
  alarm_sample: (value) => value === null || isInteger(value),
  most_evidence: isNumber,
  samples: isInteger,
  total: isNumber,
  fast: tuple(isFast, isFast),
  proxies: recordOf(tuple(isInteger, isNumber, isNumber)),
  arrays: recordOf(isText),
};

/**
 * Read a state.
 *
 * @param where said in errors.
 * @throws DataError it is no state.
 */
export function decodeState(content: string, where: string): MonitorState {
  let found: unknown;
  try {
    found = JSON.parse(content);
  } catch {
    found = null;
  }
  const names = Object.keys(FIELDS) as (keyof MonitorState)[];
  const wrong = isRecord(found)
    ? [...names.filter((name) => !FIELDS[name](found[name])), ...Object.keys(found).filter((name) => !(name in FIELDS))]
    : ["JSON"];
  if (wrong.length > 0) {
    throw new DataError(`${where} is no state of a drift monitor: wrong ${wrong.join(", ")}; remove it to start anew`);
  }
  return found as MonitorState;
}

/** Base64 of the numbers' bytes. */
export function encodeNumbers(numbers: Float64Array): string {
  return btoa(Array.from(new Uint8Array(numbers.buffer), (byte) => String.fromCharCode(byte)).join(""));
}

/** The numbers again, exactly `count`; null where the text does not hold them. */
export function decodeNumbers(text: string | undefined, count: number): Float64Array | null {
  try {
    const bytes = Uint8Array.from(atob(text as string), (character) => character.charCodeAt(0));
    return bytes.length === 8 * count ? new Float64Array(bytes.buffer) : null;
  } catch {
    return null;
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
