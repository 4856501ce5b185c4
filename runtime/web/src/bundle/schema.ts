/** Landmark schemas: which landmarks there are, which of them a category has, which swap when a picture is flipped. */

import { SchemaError } from "../errors.js";
import type { LandmarkSchema } from "./manifest.js";

/** Throw SchemaError where a schema contradicts itself. */
export function checkSchema(schema: LandmarkSchema): void {
  const { landmarks, flip, categories, normalizers } = schema;
  const count = landmarks.length;
  const refuse = (why: string): never => {
    throw new SchemaError(`schema '${schema.name}': ${why}`);
  };
  if (count === 0) {
    refuse("no landmarks; expected at least one name");
  }
  if (new Set(landmarks).size !== count) {
    refuse("a landmark name occurs twice; names must be unique");
  }
  if (flip.length !== count || flip.some((other, i) => flip[other] !== i)) {
    refuse(`flip must pair each of the ${count} landmarks with one other or itself`);
  }
  if (Object.keys(categories).length === 0) {
    refuse("no categories; expected at least one");
  }
  for (const table of ["categories", "normalizers", "groups"] as const) {
    for (const [key, indices] of Object.entries(schema[table])) {
      const known = new Set(indices.filter((index) => index >= 0 && index < count));
      if (indices.length === 0 || known.size < indices.length) {
        refuse(`${table}.${key} must name landmarks of 0..${count - 1}, each once`);
      }
    }
  }
  const unknown = Object.keys(normalizers).filter((key) => !Object.hasOwn(categories, key));
  if (unknown.length) {
    refuse(`normalizers for unknown categories ${unknown.sort().join(", ")}`);
  }
}

/**
 * Indices of the landmarks of a category.
 *
 * @throws SchemaError there is no such category; the message names the known ones.
 */
export function landmarksOf(schema: LandmarkSchema, category: string): readonly number[] {
  if (!Object.hasOwn(schema.categories, category)) {
    throw new SchemaError(
      `category '${category}' is not in schema '${schema.name}'; expected one of: ` +
        Object.keys(schema.categories).sort().join(", "),
    );
  }
  return schema.categories[category];
}
