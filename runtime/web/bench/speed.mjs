// How long a frame takes in headless Chromium: node bench/speed.mjs FOLDER [ROUNDS]
//
// FOLDER is what bench/make_models.py wrote. Everything of a table is measured by turns in one page; medians of ROUNDS
// (60), and of each round's ratios, with their middle half: the machine's own ups and downs are the same for both.

import { join } from "node:path";
import { pageWith } from "./browser.mjs";

const [folder, count = "60"] = process.argv.slice(2);
if (!folder) {
  console.error("usage: node bench/speed.mjs FOLDER [ROUNDS]");
  process.exit(2);
}
const MODELS = ["lite-m-int8", "lite-m-float32", "lite-s-int8"];
const rounds = Number(count);
const sorted = (values) => [...values].sort((a, b) => a - b);
const quantile = (values, share) => sorted(values)[Math.floor(share * (values.length - 1))];
const median = (values) => quantile(values, 0.5);

/** How much longer one way takes than another in the same round, and how far that goes up and down. */
function ratio(times, one, other) {
  const each = times[one].map((time, i) => time / times[other][i]);
  return `${median(each).toFixed(3)} (${quantile(each, 0.25).toFixed(2)} to ${quantile(each, 0.75).toFixed(2)})`;
}

async function measured(files, prepare, names, warm = 10) {
  const { page, close } = await pageWith("bench/speed-page.ts", files);
  try {
    const said = await page.evaluate(prepare.run, prepare.with);
    const times = await page.evaluate(([some, n, w]) => globalThis.measure(some, n, w), [names, rounds, warm]);
    return { said, times };
  } finally {
    await close();
  }
}

console.log(`## Frame: detect without resizing, the engine's own calls, and the network in one file\n`);
console.log(
  "| network, engine | threads | own calls, pieces | one file | `detect` | detect / own calls | pieces / one file |",
);
console.log("|---|---|---|---|---|---|---|");
for (const model of MODELS) {
  for (const format of ["onnx", "tflite"]) {
    for (const threads of [1, 2]) {
      const inOne = format === "onnx"; // LiteRT.js reads the pieces only
      const files = {
        "bundle.fpm": join(folder, `${model}.fpm`),
        ...(inOne && { "whole.onnx": join(folder, `${model}.onnx`) }),
      };
      const run = async ([form, number]) => {
        const engine = await globalThis.load("bundle.fpm", form, number);
        if (form === "onnx") {
          await globalThis.whole("whole.onnx");
          if (!(await globalThis.same("stages", "whole"))) throw new Error("pieces and one file differ");
        }
        return engine;
      };
      const { said, times } = await measured(files, { run, with: [format, threads] }, [
        "stages",
        ...(inOne ? ["whole"] : []),
        "detect",
      ]);
      const ms = (name) => (times[name] ? `${median(times[name]).toFixed(1)} ms` : "");
      console.log(
        `| ${model}, ${said} | ${threads} | ${ms("stages")} | ${ms("whole")} | ${ms("detect")} | ` +
          `${ratio(times, "detect", "stages")} | ${inOne ? ratio(times, "stages", "whole") : ""} |`,
      );
    }
  }
}

console.log(`\n## Engines: detect in both, by turns in one page\n`);
console.log("| network | threads | ONNX Runtime | LiteRT.js | LiteRT.js / ONNX Runtime |\n|---|---|---|---|---|");
for (const model of MODELS) {
  for (const threads of [1, 2]) {
    const run = async ([number]) => globalThis.both("bundle.fpm", number);
    const files = { "bundle.fpm": join(folder, `${model}.fpm`) };
    const { times } = await measured(files, { run, with: [threads] }, ["onnx", "tflite"]);
    const ms = (name) => `${median(times[name]).toFixed(1)} ms`;
    console.log(`| ${model} | ${threads} | ${ms("onnx")} | ${ms("tflite")} | ${ratio(times, "tflite", "onnx")} |`);
  }
}

console.log(`\n## A frame of 1920 × 1080 into an input of 192 × 192\n`);
const names = [
  "letterbox",
  "drawImage into 1920 × 1080 and getImageData",
  "drawImage into the input and getImageData",
  "both: the frame to the input by ours",
];
const { times } = await measured({}, { run: (size) => globalThis.frames(size), with: 192 }, names, 30);
console.log("| way | ms |\n|---|---|");
for (const name of names) console.log(`| ${name} | ${median(times[name]).toFixed(2)} |`);
console.log(`\nletterbox / drawImage into 1920 × 1080 and getImageData: ${ratio(times, names[0], names[1])}`);
