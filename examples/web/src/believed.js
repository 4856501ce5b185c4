// What of an answer to trust, and how to say it. The rules are those of fpm_edge/pictures/overlay/detection.py.

const LEAST_CONFIDENCE = 0.5;
const CLEAR_PEAK = 0.25;
// A category that is less likely than this is more likely another one.
const LIKELY = 0.5;

/**
 * Which landmarks to trust: by their confidence where the bundle has one, else by a peak that is clear. Never those of
 * another kind of garment, or whose heatmap says nothing (score 0).
 *
 * @param {import("fpm-edge").StageResult | import("fpm-edge").Detection} found
 * @returns {boolean[]} of each landmark
 */
export function believed({ labelled, scores, confidences }) {
  return Array.from(scores, (score, i) =>
    Boolean(labelled[i]) && (confidences ? confidences[i] >= LEAST_CONFIDENCE && score > 0 : score >= CLEAR_PEAK));
}

/** For people: "trousers 97 %", "no garment 88 %", "skirt? 30 %", as given "skirt"; empty if not known. */
export function categoryWords({ category, categoryScore }) {
  if (category === null) return "";
  const name = category === "none" ? "no garment" : category;
  return categoryScore === null ? name : `${name}${categoryScore < LIKELY ? "?" : ""} ${percent(categoryScore)}`;
}

/** Such as "97 %". */
export function percent(share) {
  return `${(100 * share).toFixed(0)} %`;
}

/** One line for people who see the picture and those who do not. */
export function sentence(found) {
  const trusted = believed(found).filter(Boolean).length;
  const all = Array.from(found.labelled).filter(Boolean).length;
  const garment = categoryWords(found);
  if (found.category === "none") return `${capital(garment)}: nothing is marked.`;
  const clear = `${trusted} of ${all} landmarks are sure`;
  return `${garment ? `${capital(garment)}: ${clear}` : capital(clear)}.`;
}

function capital(text) {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}
