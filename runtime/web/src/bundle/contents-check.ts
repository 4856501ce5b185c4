/** What must hold between a manifest, the golden cases and the members of a bundle. */

import { BundleError, type SchemaError } from "../errors.js";
import { SIGNATURE } from "./container.js";
import type { GoldenSet, Manifest } from "./manifest.js";
import { landmarksOf } from "./schema.js";
import { checkWiring } from "./wiring.js";

export const MANIFEST = "manifest.json";
export const GOLDEN = "golden/golden.json";

/** Throw BundleError where the manifest and the names of the members contradict each other. */
export function checkMembers(manifest: Manifest, members: ReadonlySet<string>): void {
  const without = [MANIFEST, SIGNATURE];
  const digests = Object.keys(manifest.digests);
  const differing = [
    ...digests.filter((name) => !members.has(name)),
    ...[...members].filter((name) => !without.includes(name) && !Object.hasOwn(manifest.digests, name)),
  ];
  const ours = digests.filter((name) => without.includes(name));
  const wrong = ours.length ? ours : differing;
  if (wrong.length) {
    throw new BundleError(
      `digests in ${MANIFEST} and members differ in ${wrong.sort().join(", ")}; get the original file`,
    );
  }
  checkWiring(manifest);
  const pieces = Object.values(manifest.pieces).flatMap((some) => some.map((piece) => piece.member));
  for (const member of pieces) {
    if (!members.has(member)) {
      throw new BundleError(`member ${member}, which ${MANIFEST} names, is missing; get the original file`);
    }
  }
  for (const member of members) {
    if (member.startsWith("stages/") && !pieces.includes(member)) {
      throw new BundleError(`member ${member} is no piece in ${MANIFEST}; make the bundle again`);
    }
  }
  if (!members.has(GOLDEN) && [...members].some((name) => name.startsWith("golden/"))) {
    throw new BundleError(`there are golden inputs but no ${GOLDEN}; make the bundle again`);
  }
}

/** Throw BundleError where self-check cases do not fit the manifest or the members. */
export function checkGolden(golden: GoldenSet, manifest: Manifest, members: ReadonlySet<string>): void {
  const { stages, landmarks } = manifest;
  const refuse = (why: string): never => {
    throw new BundleError(`${GOLDEN}${why}; make the bundle again`);
  };
  if (golden.limits.length !== stages || golden.limits.some((limit) => limit < 0)) {
    refuse(`: limits are [${golden.limits}]; expected one for each of ${stages} stages`);
  }
  if (new Set(golden.cases.map(({ member }) => member)).size !== golden.cases.length) {
    // A few bytes of JSON each would ask for a picture and a run each.
    refuse(": an input is used by two cases");
  }
  const points = landmarks.landmarks.length;
  for (const { member, category, landmarks: expected } of golden.cases) {
    if (!members.has(member) || !member.endsWith(".png")) {
      refuse(`: input '${member}' is not in the bundle`);
    }
    try {
      landmarksOf(landmarks, category);
    } catch (error) {
      refuse(`, ${member}: ${(error as SchemaError).message}`);
    }
    if (expected.length !== stages || expected.some((stage) => stage.length !== points)) {
      refuse(`, ${member}: it has not ${stages} stages of ${points} landmarks`);
    }
  }
}
