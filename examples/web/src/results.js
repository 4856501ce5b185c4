// An answer in words and tables: for eyes, and for screen readers.

import { believed, percent, sentence } from "./believed.js";

const STOPPED = {
  "all stages": "All stages ran.",
  "stage limit": "Stopped there because no more were asked for.",
  deadline: "Stopped there: the next stage would probably have been late.",
  converged: "Stopped there: nothing that is sure moved any more.",
};
const DOUBTS = { flat: "empty map", saturated: "saturated map", "not finite": "broken map" };
const byId = (id) => document.getElementById(id);

/** As many boxes as the model has stages. */
export function showStages(count) {
  byId("stages").replaceChildren(...Array.from({ length: count }, (_, i) => {
    const item = document.createElement("li");
    item.append(element("b", `Stage ${i + 1}`), element("span", "–"));
    return item;
  }));
}

/** How far it is: milliseconds from the start to the answer of each stage that ran. */
export function markStages(elapsed) {
  for (const [i, item] of [...byId("stages").children].entries()) {
    item.classList.toggle("ran", i < elapsed.length);
    item.lastChild.textContent = i < elapsed.length ? `${elapsed[i].toFixed(0)} ms` : "not run";
  }
}

/** When each stage of a detection was done. */
export function timesOf({ timings: { preprocessMs, pieces } }) {
  let sum = preprocessMs;
  const done = Object.entries(pieces).map(([name, ms]) => [name, (sum += ms)]);
  return done.filter(([name]) => name.startsWith("stage_")).map(([, ms]) => ms);
}

/** The sentence, the stop's reason and the times of a detection. */
export function showAnswer(found, note = "") {
  byId("sentence").textContent = sentence(found);
  byId("stopped").textContent = [
    `${STOPPED[found.stopReason] ?? found.stopReason}`,
    `${found.timings.totalMs.toFixed(0)} ms in ${found.engine}.`,
    found.looks > 1 ? "The second look answered." : "",
    note,
  ].filter(Boolean).join(" ");
  const { preprocessMs, pieces, decodeMs, totalMs } = found.timings;
  const times = [["resize", preprocessMs], ...Object.entries(pieces), ["read the maps", decodeMs], ["all", totalMs]];
  byId("timings").tBodies[0].replaceChildren(...times.map(([name, ms]) => {
    const bar = element("span", "", "bar");
    bar.style.width = `${(100 * ms) / totalMs}%`;
    return row(name.replace("_", " "), [bar, ms.toFixed(1)]);
  }));
}

/** The landmarks of the garment, those that are not believed dim, with the reason where there is one. */
export function showLandmarks(found, schema) {
  const sure = believed(found);
  const shown = schema.landmarks.map((name, i) => [name, i]).filter(([, i]) => found.labelled[i]);
  byId("sure").textContent = found.confidences ? "sure" : "peak";
  byId("landmarks").tBodies[0].replaceChildren(...shown.map(([name, i]) => {
    const share = percent((found.confidences ?? found.scores)[i]);
    const doubt = doubtOf(found, name);
    const place = [found.landmarks[2 * i], found.landmarks[2 * i + 1]].map((value) => value.toFixed(1));
    const made = row(name.replaceAll("_", " "), [...place, sure[i] ? share : `no (${doubt ?? share})`]);
    made.classList.toggle("doubted", !sure[i]);
    return made;
  }));
  const words = sentence(found);
  byId("canvas").setAttribute("aria-label", `Picture with its landmarks. ${words} A table of them follows under Answer.`);
}

function doubtOf({ doubts }, name) {
  return DOUBTS[doubts.get(name)];
}

/** Which bundle answers. */
export function showModel({ manifest, digest, engine, format }, file) {
  const { precision, method } = manifest.quantization;
  const { input_width, input_height } = manifest.geometry;
  const measured = manifest.measured?.stages.at(-1);
  showPairs("model", [
    ["bundle", `${file}: ${manifest.name}, ${manifest.created.slice(0, 10)}`],
    ["precision", `${precision} (${method}), ${format}, ${input_width} × ${input_height}`],
    ["landmarks", `${manifest.landmarks.landmarks.length} of ${manifest.landmarks.name}`],
    ["engine", engine],
    ["NE when made", measured ? `${measured.converted_ne.toFixed(4)} (float ${measured.float_ne.toFixed(4)})` : "not measured"],
    ["SHA-256", digest],
  ]);
}

/** A row of a table: its heading and cells, which are texts or elements. */
function row(heading, cells) {
  const made = document.createElement("tr");
  const first = element("th", heading);
  first.scope = "row";
  made.append(first, ...cells.map((cell) => {
    const place = document.createElement("td");
    place.append(cell);
    return place;
  }));
  return made;
}

/** An element with a text and a class. */
export function element(tag, text, kind = "") {
  return Object.assign(document.createElement(tag), { textContent: text, className: kind });
}

/** Pairs of term and value as a list of definitions. */
export function showPairs(id, pairs) {
  byId(id).replaceChildren(...pairs.flatMap(([term, value]) => [element("dt", term), element("dd", value)]));
}
