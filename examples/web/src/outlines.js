// The outline of a garment through its landmarks: which are neighbours, and what to draw where some are missing.
// The same as in fpm_edge/pictures/overlay/outlines.py.

const TOP = ["neckline_left", "shoulder_left", "cuff_left_out", "cuff_left_in", "armpit_left"];
const TOP_BACK = ["armpit_right", "cuff_right_in", "cuff_right_out", "shoulder_right", "neckline_right"];
const HEM = ["hemline_left", "hemline_right"];
const TOP_HEM = ["top_hem_left", "top_hem_right"];
const SLEEVES = ["left_collar", "left_sleeve"];
const SLEEVES_BACK = ["right_sleeve", "right_collar"];

/** Schema → category → landmarks around the garment; after the last comes the first. */
const OUTLINES = {
  fashionai24: {
    blouse: [...TOP, ...TOP_HEM, ...TOP_BACK, "center_front"],
    outwear: [...TOP, "waistline_left", ...TOP_HEM, "waistline_right", ...TOP_BACK],
    dress: [...TOP, "waistline_left", ...HEM, "waistline_right", ...TOP_BACK, "center_front"],
    skirt: ["waistband_left", ...HEM, "waistband_right"],
    trousers: [
      ...["waistband_left", "bottom_left_out", "bottom_left_in", "crotch"],
      ...["bottom_right_in", "bottom_right_out", "waistband_right"],
    ],
  },
  deepfashion8: {
    upper_body: [...SLEEVES, "left_hem", "right_hem", ...SLEEVES_BACK],
    lower_body: ["left_waistline", "left_hem", "right_hem", "right_waistline"],
    full_body: [...SLEEVES, "left_waistline", "left_hem", "right_hem", "right_waistline", ...SLEEVES_BACK],
  },
};
// Without these the edge runs straight on between their neighbours.
const ON_THE_WAY = ["center_front", "waistline_left", "waistline_right", "left_waistline", "right_waistline"];
// Without these there may be no sleeve, or one that was not found: the armhole is drawn, dashed.
const SLEEVE_ENDS = [
  ["cuff_left_out", "cuff_left_in"],
  ["cuff_right_in", "cuff_right_out"],
];

/** Indices of the landmarks around a garment of this category; null where nobody has said which they are. */
export function outlineOf(schema, category) {
  const names = OUTLINES[schema.name]?.[category];
  const around = names?.map((name) => schema.landmarks.indexOf(name));
  return around && !around.includes(-1) ? around : null;
}

/**
 * The outline through the landmarks that are shown, by their indices: solid lines through two or more, dashed pairs.
 * Neighbours are joined. Where some between them are missing it stays open, but for those that lie on a straight edge
 * anyway (joined), and for sleeves (dashed).
 *
 * @param {{landmarks: readonly string[]}} schema
 * @param {number[]} around as `outlineOf` gives it
 * @param {boolean[]} shown of each landmark
 */
export function traceOutline(schema, around, shown) {
  const kept = [...around.keys()].filter((place) => shown[around[place]]);
  const solid = [];
  const dashed = [];
  if (kept.length < 2) return { solid, dashed };
  let line = [around[kept[0]]];
  solid.push(line);
  // Of two landmarks, the way back is the way there.
  const turns = kept.length > 2 ? kept.length : 1;
  for (let step = 0; step < turns; step++) {
    const here = kept[step];
    const there = step + 1 < kept.length ? kept[step + 1] : kept[0] + around.length;
    const other = around[there % around.length];
    const missing = [];
    for (let place = here + 1; place < there; place++) missing.push(schema.landmarks[around[place % around.length]]);
    if (missing.every((name) => ON_THE_WAY.includes(name))) {
      line.push(other);
      continue;
    }
    if (SLEEVE_ENDS.some((ends) => missing.every((name) => ends.includes(name)))) dashed.push([around[here], other]);
    line = [other];
    solid.push(line);
  }
  // The last line ends where the first begins.
  if (solid.length > 1 && kept.length > 2) solid[0] = [...solid.pop().slice(0, -1), ...solid[0]];
  return { solid: solid.filter((points) => points.length > 1), dashed };
}
