// Whether a browser finds what the runtime finds: node test.mjs PICTURE EXPECTED, the latter of `fpm-edge run --json`.
// CHROMIUM names the browser. Exit code 1 where a clear landmark is elsewhere by more than 0.1 px of a 192 px input.

import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { serve } from "./serve.mjs";

const ALLOWED = 0.1 / 192; // as `convert --whole` allows, of the longer side
const CLEAR = 0.1;
const PAGE = `<!doctype html><script type="module">
  const answer = (text) => fetch("/answer", { method: "POST", body: text });
  try {
    const { detect, load } = await import("./landmarks.js");
    const model = await load("assets/whole.onnx", "assets/manifest.json");
    const picture = await createImageBitmap(await (await fetch("/picture")).blob());
    const times = [];
    let found;
    for (let run = 0; run < 6; run++) {
      const start = performance.now();
      found = await detect(model, picture);
      times.push(performance.now() - start);
    }
    await answer(JSON.stringify({ width: picture.width, height: picture.height, found, times }));
  } catch (error) { await answer(JSON.stringify({ error: String(error) })); }
</script>`;

const [pictureFile, expectedFile] = process.argv.slice(2);
const [expected] = JSON.parse(await readFile(expectedFile, "utf-8"));
const profile = await mkdtemp(join(tmpdir(), "fpm-edge-web-"));
let browser;
const answered = new Promise(async (resolve) => {
  const server = await serve(0, async (request, response, path) => {
    if (path === "/answer") {
      let body = "";
      for await (const part of request) body += part;
      response.end();
      server.close();
      resolve(JSON.parse(body));
    } else if (path === "/picture") response.end(await readFile(pictureFile));
    else if (path === "/test") response.writeHead(200, { "Content-Type": "text/html" }).end(PAGE);
    else return false;
    return true;
  });
  browser = spawn(process.env.CHROMIUM ?? "chromium", ["--headless", "--no-sandbox", "--disable-gpu",
    `--user-data-dir=${profile}`, `http://127.0.0.1:${server.address().port}/test`], { stdio: "ignore" });
  browser.on("error", (error) => resolve({ error: String(error) }));
});
const late = new Promise((resolve) => setTimeout(resolve, 120000, { error: "no answer in two minutes" }));
const answer = await Promise.race([answered, late]);
const ended = new Promise((resolve) => (browser.exitCode === null ? browser.on("exit", resolve) : resolve()));
if (browser.pid) {
  browser.kill();
  await ended;
}
await rm(profile, { recursive: true, force: true, maxRetries: 5 });
if (answer.error) {
  console.error(answer.error);
  process.exit(1);
}
const side = Math.max(answer.width, answer.height);
const names = Object.keys(expected.landmarks);
let worst = 0;
for (const { name, x, y, score } of answer.found) {
  const there = expected.landmarks[name];
  if (there.score >= CLEAR) worst = Math.max(worst, Math.hypot(x - there.x, y - there.y), Math.abs(score - there.score));
}
const good = names.length === answer.found.length && worst <= Math.max(ALLOWED * side, 0.02);
const [first, ...more] = answer.times;
const median = more.sort((a, b) => a - b)[more.length >> 1];
console.log(`${names.length} landmarks; furthest from the runtime's: ${worst.toFixed(3)} px; first ${first.toFixed(0)} ms, `
  + `then ${median.toFixed(0)} ms`);
process.exit(good ? 0 : 1);
