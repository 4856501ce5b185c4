/** What the lines of the protocol may say: the fields of each request, as conformance/PROTOCOL.md has them. */

import { UsageError } from "../src/errors.js";

type Check = (value: unknown) => boolean;

/** A request whose fields have been checked. Fields that were left out or null are undefined. */
// biome-ignore lint/suspicious/noExplicitAny: the table below says what each is
export type Request = { readonly id: unknown; readonly do: string } & Readonly<Record<string, any>>;

const text: Check = (value) => typeof value === "string";
const number: Check = (value) => typeof value === "number";
const whole: Check = (value) => Number.isInteger(value);
const flag: Check = (value) => typeof value === "boolean";
const list = (item: Check, size?: number): Check => {
  return (value) => Array.isArray(value) && (size === undefined || value.length === size) && value.every(item);
};
const table = (item: Check): Check => {
  return (value) =>
    typeof value === "object" && value !== null && !Array.isArray(value) && Object.values(value).every(item);
};
const either =
  (...checks: Check[]): Check =>
  (value) =>
    checks.some((check) => check(value));
const one =
  (...values: unknown[]): Check =>
  (value) =>
    values.includes(value);
const cut: Check = (value) =>
  Array.isArray(value) &&
  value.length === 3 &&
  whole(value[0]) &&
  (value[1] === null || whole(value[1])) &&
  typeof value[2] === "string" &&
  /^([0-9a-f]{2})*$/i.test(value[2]);

const FORMAT = one("tflite", "onnx");
const BOX = list(number, 4);
const picture = { image: text, width: whole, height: whole };
const trust = { "trusted_keys?": list(text), "now?": number };
const asked = { "category?": text, "box?": BOX, "stages?": whole, "deadline_ms?": number };

/** Request → field → what it must be; those that end in a question mark may be left out. */
const REQUESTS: Readonly<Record<string, Readonly<Record<string, Check>>>> = {
  hello: {},
  open: { path: text, "damage?": list(cut), ...trust },
  judge: { path: text, damages: list(list(cut)), ...trust },
  check: {},
  read: { member: text },
  close: {},
  bye: {},
  letterbox: { ...picture, input: list(whole, 2), "box?": BOX, "points?": list(list(number, 2)), "out?": text },
  decode: {
    maps: text,
    dtype: one("int8", "uint8", "int16", "float32"),
    shape: list(whole, 3),
    layout: text,
    landmarks: whole,
    "count?": whole,
    "scale?": number,
    "zero_point?": whole,
  },
  recognize: { stage: whole, scores: list(list(number)), "category?": text },
  load: {
    "engine?": text,
    "format?": FORMAT,
    "threads?": whole,
    "stages?": whole,
    "clock?": table(list(number)),
    "answers?": table(list(text)),
  },
  detect: { ...picture, ...asked, "converge_px?": either(number, one("fitted")), "looks?": whole },
  stages: { ...picture, ...asked, "pause_ms?": number },
  detect_input: { ...picture, "stages?": whole },
  runs: {},
  self_check: {},
  monitor: {
    stream: list(table(() => true)),
    checkpoints: list(whole),
    "limits?": list(number),
    "landmarks?": list(text),
    "subject?": text,
    "alpha?": number,
    "tolerance?": number,
    "state?": text,
    "save?": flag,
  },
};

/** The request that a line holds. Throws UsageError where it holds none; `identified` is told its id first. */
export function readRequest(line: string, identified: (id: unknown) => void): Request {
  let found: unknown;
  try {
    found = JSON.parse(line);
  } catch (error) {
    throw new UsageError(`the line is no JSON: ${(error as Error).message}`);
  }
  if (typeof found !== "object" || found === null || Array.isArray(found)) {
    throw new UsageError("the line is no JSON object");
  }
  const { id, do: name, ...rest } = found as Record<string, unknown>;
  if (typeof id !== "number" && typeof id !== "string") throw new UsageError("id is no number or string");
  identified(id);
  const fields = typeof name === "string" && Object.hasOwn(REQUESTS, name) ? REQUESTS[name] : undefined;
  if (fields === undefined)
    throw new UsageError(`do is ${JSON.stringify(name)}; expected one of: ${Object.keys(REQUESTS)}`);
  const given: Record<string, unknown> = { id, do: name };
  for (const [key, check] of Object.entries(fields)) {
    const field = key.replace(/\?$/, "");
    const value = rest[field];
    delete rest[field];
    if (value === undefined || value === null) {
      if (field === key) throw new UsageError(`${name}: ${field} is missing`);
    } else if (!check(value)) {
      throw new UsageError(`${name}: ${field} is not what the protocol says`);
    } else {
      given[field] = value;
    }
  }
  const unknown = Object.keys(rest);
  if (unknown.length > 0) throw new UsageError(`${name}: unknown fields ${unknown}`);
  return given as Request;
}
