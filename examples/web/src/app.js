// The page: buttons, files, a model, and errors where they can be read.

import { showCertificate } from "./certificate.js";
import { choices, fillChoices, showChoices } from "./choices.js";
import { isMoving, look, showCamera, showPicture, showVideo, stopMoving, togglePause, useModel } from "./looking.js";
import { openModel } from "./model.js";
import { areKept, keepFiles } from "./offline.js";
import { kindOf, onFiles } from "./pictures.js";
import { showModel, showStages } from "./results.js";
import { fitSettings, watchSettings } from "./settings.js";

const byId = (id) => document.getElementById(id);
const BUNDLE = new URL("garments.fpm", document.baseURI).href;
const NEEDED = ["index.html", "sample.png", "garments.fpm", "engines/ort-wasm-simd-threaded.wasm"]; // to work offline
const LOOK_MS = 1000;

let model = null;
let source = BUNDLE;
let changes = 0; // of the model: the last one that was asked for counts

/** Run it, and show what goes wrong instead of leaving it in the console. */
async function guarded(work) {
  byId("error").hidden = true;
  try {
    await work();
  } catch (error) {
    fail(error);
  }
}

function fail(error) {
  byId("error").firstElementChild.textContent = error.message;
  byId("error").hidden = false;
}

async function take(file) {
  const kind = kindOf(file);
  if (kind === "bundle") return openFile(file);
  return kind === "video" ? showVideo(file) : showPicture(file);
}

/** Another bundle, engine or number of threads. Where it is refused, the model before stays. */
async function changeModel(from = source, asked = choices()) {
  const mine = ++changes;
  byId("settings").setAttribute("aria-busy", "true");
  let opened;
  try {
    opened = await openModel({ source: from, ...asked });
    if (mine !== changes) return opened.close(); // another was asked for meanwhile
  } finally {
    if (mine === changes) {
      showChoices(opened ?? model ?? asked);
      if (!opened && !model) byId("sentence").textContent = "There is no model.";
      byId("settings").removeAttribute("aria-busy");
    }
  }
  const before = model;
  [model, source] = [opened, from];
  useModel(opened);
  before?.close();
  showModel(opened, from instanceof File ? from.name : "garments.fpm");
  showStages(opened.stageCount);
  fitSettings(opened);
  byId("sentence").textContent = "The model is ready.";
  await look();
  try {
    await opened.check();
  } catch (error) {
    // One that was closed for another meanwhile owes no answer.
    if (opened === model) throw error;
  }
  if (opened === model) showCertificate(...opened.drift);
}

/** A bundle of the visitor's, in an engine that reads it. */
const openFile = (file) => changeModel(file, { threads: choices().threads });

/** The certificate follows comparisons, which come when there is time. */
async function follow() {
  if (!model?.checked) return;
  const before = byId("evidence").dataset.samples;
  showCertificate(...model.drift);
  if (byId("evidence").dataset.samples !== before) await model.remember();
}

watchSettings(() => guarded(look));
fillChoices(() => guarded(() => changeModel()));
onFiles(byId("drop"), (file) => guarded(() => take(file)));
for (const id of ["picture", "video", "bundle"]) {
  byId(id).addEventListener("change", ({ target }) => {
    const [file] = target.files;
    const show = { picture: showPicture, video: showVideo, bundle: openFile }[id];
    if (file) guarded(() => show(file)).finally(() => (target.value = "")); // the same one may be chosen again
  });
}
const showSample = async () => {
  await showPicture(await (await fetch("./sample.png")).blob(), "A garment drawn by the project's renderer. Drop or paste yours.");
};
byId("sample").addEventListener("click", () => guarded(showSample));
byId("camera").addEventListener("click", ({ target }) => {
  guarded(() => (isMoving() && target.ariaPressed === "true" ? stopMoving() : showCamera()));
});
byId("pause").addEventListener("click", () => guarded(togglePause));
byId("forget").addEventListener("click", () => guarded(async () => {
  await model?.forget();
  if (model) showCertificate(...model.drift);
}));
byId("error").lastElementChild.addEventListener("click", () => (byId("error").hidden = true));
addEventListener("unhandledrejection", ({ reason }) => fail(reason));
document.addEventListener("visibilitychange", () => document.hidden && model?.remember());
setInterval(follow, LOOK_MS);

await keepFiles();
await guarded(showSample);
await guarded(() => changeModel());
byId("offline").hidden = !(await areKept(NEEDED.map((path) => new URL(path, document.baseURI).href)));
