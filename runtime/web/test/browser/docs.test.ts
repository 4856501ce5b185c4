/** The code of docs/web.md does what the page says: in a page that Vite built, in a worker, in Node. */

import assert from "node:assert/strict";
import { cp, mkdir, mkdtemp, readFile, realpath, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { pathToFileURL } from "node:url";
import type { Browser } from "playwright-core";
import { launch, pageOf } from "./support/browser.js";
import { expected, type Landmarks } from "./support/python.js";
import { EXAMPLE, garments, missing, REPOSITORY, run } from "./support/repository.js";
import { served } from "./support/site.js";

const SAMPLE = join(EXAMPLE, "public/sample.png");
const PAGE =
  '<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,"><img src="/sample.png"><script type="module" src="/src/main.js"></script>';
// After the page's own code: another session, in the page's worker.
const MORE = `
import { createWorkerSession } from "fpm-edge";
const draw = (...given) => console.log("stage", ...given.slice(1));
STAGES
const inWorker = await createWorkerSession(new Worker(new URL("./worker.js", import.meta.url), { type: "module" }), "/garments.fpm");
console.log("worker", (await inWorker.submit(await createImageBitmap(image))).category);
console.log("done");
`;

describe("docs/web.md", { skip: missing() || false, timeout: 600_000 }, () => {
  let folder: string;
  let browser: Browser;
  let bundle: string;
  let wanted: Landmarks;
  const code = new Map<string, string[]>();

  before(async () => {
    bundle = await garments();
    folder = await mkdtemp(join(tmpdir(), "fpm-edge-docs-"));
    [browser, wanted] = await Promise.all([launch(), expected(bundle, SAMPLE)]);
    await writeFile(join(folder, "package.json"), '{ "name": "my-page", "type": "module" }');
    const modules = join(folder, "node_modules");
    await mkdir(modules);
    await symlink(await realpath(join(EXAMPLE, "node_modules/fpm-edge")), join(modules, "fpm-edge"));
    for (const name of ["onnxruntime-web", "onnxruntime-node"]) {
      await symlink(join(REPOSITORY, "runtime/web/node_modules", name), join(modules, name));
    }
    const page = await readFile(join(REPOSITORY, "docs/web.md"), "utf8");
    for (const [, heading, text] of page.matchAll(/^## (.+)\n([\s\S]*?)(?=^## |(?![\s\S]))/gm)) {
      code.set(
        heading!,
        [...text!.matchAll(/```javascript\n([\s\S]*?)```/g)].map(([, block]) => block!),
      );
    }
  });
  after(async () => {
    await browser?.close();
    await rm(folder, { recursive: true, force: true });
  });

  test("five minutes: a page, and a worker", async () => {
    const [main, stages] = code.get("Five minutes")!;
    const [worker] = code.get("In a worker")!;
    await Promise.all([mkdir(join(folder, "src")), mkdir(join(folder, "public"))]);
    await Promise.all([
      writeFile(join(folder, "index.html"), PAGE),
      writeFile(join(folder, "src/main.js"), `${main}${MORE.replace("STAGES", stages!)}`),
      writeFile(join(folder, "src/worker.js"), worker!),
      cp(bundle, join(folder, "public/garments.fpm")),
      cp(SAMPLE, join(folder, "public/sample.png")),
    ]);
    const { build } = await import(pathToFileURL(join(EXAMPLE, "node_modules/vite/dist/node/index.js")).href);
    await build({ root: folder, configFile: false, build: { target: "es2022" }, logLevel: "error" });
    const site = await served(folder, join(folder, "dist"));
    const { page, complaints } = await pageOf(browser);
    const said: string[] = [];
    const done = page.waitForEvent("console", (message) => message.text() === "done");
    page.on("console", (message) => said.push(message.text()));
    await page.goto(site.address);
    await done;
    await site.stop();
    assert.deepEqual(complaints, []);
    const landmarks = said.filter((line) => Object.keys(wanted.landmarks).includes(line.split(" ")[0]!));
    assert.equal(landmarks.length, Object.keys(wanted.landmarks).length);
    assert.ok(said.some((line) => /\d stages, stopped by: (all stages|deadline)/.test(line)));
    assert.equal(said.filter((line) => line.startsWith("stage ")).length, 3);
    assert.ok(said.includes(`worker ${wanted.category}`));
  });

  test("Node", async () => {
    const [block] = code.get("Node")!;
    const before = "const [width, height] = [64, 48];\nconst data = new Uint8Array(width * height * 3).fill(90);\n";
    await writeFile(join(folder, "node.mjs"), `${before}${block}console.log(found.category, found.engine);`);
    await cp(bundle, join(folder, "garments.fpm"));
    const { stdout } = await run("node", ["node.mjs"], { cwd: folder });
    assert.equal(stdout.trim(), "none onnxruntime-node");
  });
});
