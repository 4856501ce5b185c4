/** Landmarks whose names say that they are two sides, in a schema that lets both stay in place in a mirror image. */

const WORD = /[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[^a-zA-Z]+/g;

/**
 * Pairs such as `cuff_left` and `cuff_right` (or `LCuff` and `RCuff`) that the schema does not pair.
 *
 * Names are never taken for pairs, for they may lie; they are a reason to ask.
 *
 * @param landmarks the L names.
 * @param flip (L) index of the landmark that takes the place of each in a mirror image.
 */
export function unpairedSides(landmarks: readonly string[], flip: readonly number[]): [string, string][] {
  const words = landmarks.map((name) => (name.match(WORD) ?? []).map((word) => word.toLowerCase()));
  const index = new Map(words.map((found, i) => [found.join("\n"), i]));
  return words.flatMap((found, i): [string, string][] => {
    const swapped = found.map((word) => (word === "l" ? "r" : word.replaceAll("left", "right")));
    const other = index.get(swapped.join("\n")) ?? i;
    return other !== i && flip[i] === i && flip[other] === other ? [[landmarks[i], landmarks[other]]] : [];
  });
}
