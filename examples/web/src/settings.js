// The form: what to ask the session for.

const byId = (id) => document.getElementById(id);
/** Milliseconds at the places of the slider; the last is no deadline. */
const DEADLINES = [5, 7, 10, 15, 20, 30, 40, 50, 70, 100, 150, 200, 300, 400, 500, null];

/** Call `changed()` whenever the answer may be another one; the bundle and the engine are not of these. */
export function watchSettings(changed) {
  const slider = byId("deadline");
  slider.max = DEADLINES.length - 1;
  slider.value = slider.max;
  sayDeadline();
  slider.addEventListener("input", sayDeadline);
  for (const id of ["deadline", "category", "still", "twice", "names"]) byId(id).addEventListener("change", changed);
  byId("settings").addEventListener("submit", (event) => event.preventDefault());
}

function sayDeadline() {
  const ms = DEADLINES[byId("deadline").value];
  const words = ms === null ? "off" : `${ms} ms`;
  byId("deadline-said").textContent = words;
  byId("deadline").setAttribute("aria-valuetext", ms === null ? "off: all stages run" : `${ms} milliseconds`);
}

/** What the bundle allows. */
export function fitSettings({ schema, manifest }) {
  const finds = Boolean(manifest.recognition?.categories);
  const converges = manifest.convergence !== null;
  const select = byId("category");
  const before = select.value;
  const all = [
    [finds ? "find it" : "not known: all landmarks", ""],
    ...(finds ? [["any: all landmarks", "any"]] : []),
    ...Object.keys(schema.categories).map((name) => [name, name]),
  ];
  select.replaceChildren(...all.map(([words, value]) => new Option(words, value)));
  select.value = all.some(([, value]) => value === before) ? before : "";
  byId("still").disabled = !converges;
  byId("still").checked &&= converges;
}

/** For `detect`. @returns {import("fpm-edge").DetectOptions} */
export function detectOptions() {
  const deadlineMs = DEADLINES[byId("deadline").value];
  const category = byId("category").value;
  return {
    ...(category && { category }),
    ...(deadlineMs !== null && { deadlineMs }),
    ...(byId("still").checked && { convergePx: "fitted" }),
    looks: byId("twice").checked ? 2 : 1,
  };
}

/** Stages one by one know neither a second look nor when to stop by themselves. */
export const wantsStages = () => !byId("still").checked && !byId("twice").checked;

export const namesWanted = () => byId("names").checked;
