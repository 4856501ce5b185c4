/** The float model inside a bundle. */

import { BundleError } from "../errors.js";
import { type BundleContents, REFERENCE } from "./contents.js";

/**
 * Open it, and compare it with the bundle around it.
 *
 * @param opened opens the reference's bytes.
 * @param where is said in errors.
 * @throws BundleError it is damaged, or does not fit the bundle around it.
 */
export async function checkedReference<B extends BundleContents>(
  bundle: BundleContents,
  opened: (content: Uint8Array) => Promise<B>,
  where: string,
): Promise<B> {
  const content = await bundle.read(REFERENCE);
  let reference: B;
  try {
    reference = await opened(content);
  } catch (error) {
    throw error instanceof BundleError ? new BundleError(`${where}: ${error.message}`, { cause: error }) : error;
  }
  const [mine, its] = [bundle, reference].map(({ manifest: { landmarks, geometry, stages } }) => [
    landmarks,
    geometry,
    stages,
  ]);
  if (!areEqual(mine, its)) {
    throw new BundleError(
      `${where} has other landmarks, geometry or stages than the bundle around it; make the bundle again`,
    );
  }
  if (reference.members.includes(REFERENCE)) {
    throw new BundleError(`${where} has a reference of its own; make the bundle again`);
  }
  return reference;
}

/** Of values from JSON; the order of keys does not matter. */
function areEqual(a: unknown, b: unknown): boolean {
  if (typeof a !== "object" || typeof b !== "object" || !a || !b) {
    return a === b;
  }
  const [mine, its] = [Object.entries(a), new Map(Object.entries(b))];
  return mine.length === its.size && mine.every(([key, value]) => its.has(key) && areEqual(value, its.get(key)));
}
