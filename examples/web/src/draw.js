// A picture with what was found in it, as `fpm-edge run --overlay` draws it: only what is believed.

import { believed, categoryWords } from "./believed.js";
import { drawNames } from "./names.js";
import { outlineOf, traceOutline } from "./outlines.js";

const INK = "rgb(22 24 30)";
const ACCENT = "rgb(255 45 110)"; // hardly any garment, floor or skin is like it
// A canvas of more pixels only takes memory.
const MOST_PIXELS = 1600;
// Radius of a dot: a share of the picture's longer side, and so much on the screen that it can be seen.
const [DOT_SHARE, LEAST_DOT_PX] = [1 / 115, 3.5];

/**
 * Draw the picture, answers of earlier stages faintly, and the newest answer.
 *
 * @param {HTMLCanvasElement} canvas gets the picture's shape
 * @param {ImageBitmap | VideoFrame} picture
 * @param {import("fpm-edge").LandmarkSchema} [schema] of the bundle
 * @param {object[]} answers of the stages so far, or one detection; none draws the picture alone
 * @param {boolean} names write the landmarks' names beside them
 */
export function paint(canvas, picture, schema, answers = [], names = false) {
  const [width, height] = [picture.displayWidth ?? picture.width, picture.displayHeight ?? picture.height];
  const longest = Math.max(width, height);
  // As many pixels as the screen shows: lines are sharp, however small the picture is.
  const scale = Math.min(canvas.clientWidth * devicePixelRatio, MOST_PIXELS) / longest;
  const [across, down] = [Math.max(1, Math.round(width * scale)), Math.max(1, Math.round(height * scale))];
  // Setting a size clears the canvas and costs memory, which a video need not do at each frame.
  if (canvas.width !== across || canvas.height !== down) [canvas.width, canvas.height] = [across, down];
  const context = canvas.getContext("2d");
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.clearRect(0, 0, across, down);
  context.drawImage(picture, 0, 0, across, down);
  context.setTransform(across / width, 0, 0, down / height, 0, 0);
  const radius = Math.max(longest * DOT_SHARE, (LEAST_DOT_PX * devicePixelRatio) / scale);
  const style = { radius, line: radius * 0.3, size: [width, height] };
  answers.forEach((found, index) => {
    const newest = index === answers.length - 1;
    context.globalAlpha = newest ? 1 : 0.35;
    drawAnswer(context, schema, found, style, newest && names);
    context.globalAlpha = 1;
  });
  if (answers.length) drawCaption(context, categoryWords(answers.at(-1)), style);
}

function drawAnswer(context, schema, found, style, names) {
  const shown = believed(found);
  // Pixel centres are whole numbers in landmarks, and halves on a canvas.
  const at = shown.map((_, i) => [found.landmarks[2 * i] + 0.5, found.landmarks[2 * i + 1] + 0.5]);
  const around = outlineOf(schema, found.category);
  if (around) drawOutline(context, traceOutline(schema, around, shown), at, style.line * 2.4, style.line);
  const colours = around ? null : groupColours(schema);
  const alpha = context.globalAlpha;
  for (const [i, point] of at.entries()) {
    if (!shown[i]) continue;
    context.globalAlpha = 0.35 * alpha;
    disc(context, point, style.radius + style.line + style.line * 0.5, INK);
    context.globalAlpha = alpha;
    disc(context, point, style.radius + style.line, "white");
    disc(context, point, style.radius, colours ? colours[i] : ACCENT);
  }
  if (!names) return;
  const points = at.map(([x, y], i) => ({ name: schema.landmarks[i], x, y })).filter((_, i) => shown[i]);
  drawNames(context, points, style.radius, style.size);
}

function drawOutline(context, { solid, dashed }, at, width, line) {
  const path = new Path2D();
  const dashes = new Path2D();
  for (const [target, lines] of [[path, solid], [dashes, dashed]]) {
    for (const points of lines) points.forEach((i, n) => target[n ? "lineTo" : "moveTo"](...at[i]));
  }
  [context.lineJoin, context.lineCap] = ["round", "round"];
  const alpha = context.globalAlpha;
  // A dark edge for pictures that are bright, a white one for those that are dark, and between them the colour.
  for (const [wide, colour, opacity] of [
    [width + 2.2 * line, INK, 0.35], [width + 1.1 * line, "white", 0.85], [width, ACCENT, 1],
  ]) {
    Object.assign(context, { lineWidth: wide, strokeStyle: colour, globalAlpha: opacity * alpha });
    context.stroke(path);
    context.setLineDash([2.5 * width, 3.5 * width]);
    context.stroke(dashes);
    context.setLineDash([]);
  }
  context.globalAlpha = alpha;
}

function disc(context, [x, y], radius, colour) {
  context.fillStyle = colour;
  context.beginPath();
  context.arc(x, y, radius, 0, 2 * Math.PI);
  context.fill();
}

function drawCaption(context, text, style) {
  if (!text) return;
  const size = style.radius * 3;
  const gap = size * 0.5;
  Object.assign(context, { font: `${size}px system-ui, sans-serif`, textBaseline: "middle", textAlign: "left" });
  Object.assign(context, { fillStyle: INK, globalAlpha: 0.62 });
  context.beginPath();
  context.roundRect(gap, gap, context.measureText(text).width + 2 * gap, size * 1.2 + gap, gap * 0.8);
  context.fill();
  Object.assign(context, { fillStyle: "white", globalAlpha: 1 });
  context.fillText(text, 2 * gap, gap + (size * 1.2 + gap) / 2);
}

/** One colour a landmark: that of its group, or without groups that of its flip pair. */
function groupColours(schema) {
  const group = schema.flip.map((other, i) => `pair ${Math.min(i, other)}`);
  for (const [name, members] of Object.entries(schema.groups)) for (const i of members) group[i] = name;
  const numbers = [...new Set(group)];
  // Successive hues are the golden ratio of a turn apart: however many groups there are, neighbours differ.
  return group.map((name) => `hsl(${360 * ((0.97 + 0.618 * numbers.indexOf(name)) % 1)} 90% 55%)`);
}
