/** What may stand at a place of a JSON text. One small function a type; a table of them describes an object. */

import { BundleError, SchemaError } from "../errors.js";
import { JsonError, JsonReader, type Kind } from "./json.js";

/** Reads a value, or refuses it. */
export type Field<T> = (json: JsonReader) => T;

/**
 * A member of a bundle that is JSON.
 *
 * @param remedy what to do about one that is not valid.
 * @throws BundleError it is not what `field` reads; the message names the first place that is wrong.
 */
export function decode<T>(bytes: Uint8Array, field: Field<T>, member: string, remedy: string): T {
  try {
    const json = new JsonReader(bytes);
    const value = field(json);
    json.end();
    return value;
  } catch (error) {
    if (error instanceof JsonError || error instanceof SchemaError) {
      throw new BundleError(`${member} is not valid: ${error.message}; ${remedy}`, { cause: error });
    }
    throw error;
  }
}

function scalar<T>(...kinds: readonly Kind[]): Field<T> {
  return (json) => {
    const [kind, value] = json.scalar();
    if (!kinds.includes(kind)) {
      json.fail(`Expected \`${kinds[0]}\`, got \`${kind}\``);
    }
    return value as T;
  };
}

const number = scalar<number>("float", "int");

export const text: Field<string> = scalar<string>("str");

/** Written without a point and an exponent. Beyond 2⁵³ it is the nearest float64, and may be infinity. */
export const int: Field<number> = scalar<number>("int");

export const float: Field<number> = (json) => {
  const value = number(json);
  return Number.isFinite(value) ? value : json.fail("Number out of range");
};

/** An object without keys, for a field that was left out. */
export const EMPTY: Readonly<Record<string, never>> = Object.freeze(Object.create(null));

/** Anything. */
export const any: Field<unknown> = (json) => {
  const [kind, value] = json.scalar();
  return kind === "object" ? dict(any)(json) : kind === "array" ? list(any)(json) : value;
};

export function matching(pattern: RegExp): Field<string> {
  return (json) => {
    const value = text(json);
    return pattern.test(value) ? value : json.fail(`Expected \`str\` matching ${pattern.source}`);
  };
}

export function oneOf<T extends string>(...names: readonly T[]): Field<T> {
  return (json) => {
    const value = text(json) as T;
    return names.includes(value) ? value : json.fail(`Invalid enum value '${value}'; expected ${names.join(", ")}`);
  };
}

export function nullable<T>(field: Field<T>): Field<T | null> {
  return (json) => (json.isNull() ? null : field(json));
}

export function list<T>(item: Field<T>): Field<T[]> {
  return (json) => {
    const made: T[] = [];
    json.array(() => made.push(item(json)));
    return made;
  };
}

/** Exactly two. */
export function pair<T>(item: Field<T>): Field<[T, T]> {
  const items = list(item);
  return (json) => {
    const made = items(json);
    return made.length === 2 ? (made as [T, T]) : json.fail("Expected `array` of length 2");
  };
}

/** Any keys, or those of a list. Without a prototype, so that no key finds anything but what was read. */
export function dict<T, K extends string = string>(value: Field<T>, keys?: readonly K[]): Field<Record<K, T>> {
  return (json) => {
    const made: Record<string, T> = Object.create(null);
    json.object(
      () => "[...]",
      (key) => {
        if (keys && !keys.includes(key as K)) {
          json.fail(`Invalid key '${key}'; expected ${keys.join(", ")}`);
        }
        made[key] = value(json);
      },
    );
    return made;
  };
}

/** An object with these keys and no others; those with a default may be left out. `check` throws SchemaError. */
export function struct<T extends object>(
  fields: { readonly [K in keyof T]-?: Field<T[K]> },
  defaults: Partial<T> = {},
  check?: (made: T) => void,
): Field<T> {
  return (json) => {
    const made: Partial<T> = { ...defaults };
    json.object(
      (key) => `.${key}`,
      (key) => {
        if (!Object.hasOwn(fields, key)) {
          json.fail("Object contains unknown field");
        }
        made[key as keyof T] = fields[key as keyof T](json);
      },
    );
    for (const key in fields) {
      if (!Object.hasOwn(made, key)) {
        json.fail(`Object missing required field \`${key}\``);
      }
    }
    check?.(made as T);
    return made as T;
  };
}
