// What is looked at, a picture that stands still or one that moves, and what is shown of the answers.

import { paint } from "./draw.js";
import { openCamera, openVideo } from "./moving.js";
import { readPicture } from "./pictures.js";
import { markStages, showAnswer, showLandmarks, timesOf } from "./results.js";
import { detectOptions, namesWanted, wantsStages } from "./settings.js";

const byId = (id) => document.getElementById(id);
const canvas = byId("canvas");
// Nobody reads a table that changes at every frame; a screen reader would never end.
const TABLE_EVERY_MS = 500;

let model = null;
let picture = null; // the ImageBitmap that stands still, or null
let fresh = false; // nobody has seen it before: evidence for the monitor
let moving = null; // the video or camera, or null
let turn = 0; // what belongs to an earlier one is not shown any more

/** From now on this model answers. */
export function useModel(opened) {
  model = opened;
}

export async function showPicture(blob, hint = blob.name) {
  const read = await readPicture(blob);
  stopMoving();
  picture?.close();
  [picture, fresh] = [read, blob instanceof File];
  byId("hint").textContent = hint;
  if (!model) return paint(canvas, picture);
  await look();
}

/** Look at the picture that stands still, stage after stage as they come; or at a paused video once more. */
export async function look() {
  if (moving?.paused) return moving.again();
  if (!picture || !model || moving) return;
  const mine = ++turn;
  const [asked, frame, options] = [model, picture, detectOptions()];
  let unseen = false;
  canvas.setAttribute("aria-busy", "true");
  markStages([]);
  try {
    const answers = [];
    if (wantsStages()) {
      for await (const stage of asked.stages(frame, options)) {
        if (mine !== turn) return;
        answers.push(stage);
        markStages(answers.map(({ elapsedMs }) => elapsedMs));
        paint(canvas, frame, asked.schema, answers.slice(-2), namesWanted());
      }
    }
    unseen = fresh;
    fresh = false; // it is compared once, however often it is looked at meanwhile
    const found = await asked.detect(frame, options, unseen);
    if (mine !== turn) return;
    markStages(timesOf(found));
    paint(canvas, frame, asked.schema, [...answers.slice(found.stagesRun - 2, found.stagesRun - 1), found], namesWanted());
    showAnswer(found);
    showLandmarks(found, asked.schema);
  } catch (error) {
    if (frame === picture) fresh ||= unseen;
    // One that was closed for another model owes no answer.
    if (mine === turn && asked === model) throw error;
  } finally {
    if (mine === turn) canvas.setAttribute("aria-busy", "false");
  }
}

export const showVideo = (file) => move(openVideo(file), file.name);

export async function showCamera() {
  await move(openCamera(), "The camera");
  byId("camera").setAttribute("aria-pressed", "true");
}

/** Frames as they come, and of those that come too fast the newest. */
async function move(opening, hint) {
  const opened = await opening;
  stopMoving();
  turn++;
  moving = opened;
  byId("hint").textContent = hint;
  byId("pause").hidden = false;
  byId("sentence").setAttribute("aria-live", "off");
  canvas.setAttribute("aria-busy", "false");
  const shown = [];
  let tableAt = 0;
  const onFrame = async (frame) => {
    const asked = model;
    if (!asked) return frame.close();
    try {
      const found = await asked.detectFrame(frame.clone(), detectOptions());
      if (!found || moving !== opened) return;
      paint(canvas, frame, asked.schema, [found], namesWanted());
      markStages(timesOf(found));
      const now = performance.now();
      if (opened.paused) shown.length = 0;
      else shown.push(now);
      if (shown.length > 30) shown.shift();
      if (!opened.paused && now - tableAt < TABLE_EVERY_MS) return;
      tableAt = now;
      const rate = shown.length > 1 ? (1000 * (shown.length - 1)) / (now - shown[0]) : 0;
      showAnswer(found, rate > 0 ? `${rate.toFixed(0)} pictures a second.` : "");
      showLandmarks(found, asked.schema);
    } catch (error) {
      if (moving !== opened || asked !== model) return;
      stopMoving();
      throw error;
    } finally {
      frame.close();
    }
  };
  opened.eachFrame(onFrame, async (error) => {
    if (moving !== opened) return;
    stopMoving();
    throw error;
  });
}

export const isMoving = () => moving !== null;

export function stopMoving() {
  moving?.stop();
  moving = null;
  byId("pause").hidden = true;
  byId("camera").setAttribute("aria-pressed", "false");
  byId("sentence").setAttribute("aria-live", "polite");
}

export async function togglePause() {
  await moving?.toggle();
  byId("pause").textContent = moving?.paused ? "Go on" : "Pause";
}
