/**
 * The web runtime as a client of the conformance suite, in Chromium: `node build/conformance/page-client.js`.
 *
 * It serves a page with the runtime to a headless Chromium (`CHROMIUM` names another than the one on the path), hands
 * it the lines of stdin, and prints its answers. The page's server also reads and writes the files that requests name.
 */

import { readFileSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { chromium } from "playwright-core";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const TYPES: Readonly<Record<string, string>> = {
  js: "text/javascript",
  mjs: "text/javascript",
  wasm: "application/wasm",
};
const POLICY = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self' blob:";
const AT_ONCE = 32; // lines
const FOLDERS: Readonly<Record<string, string>> = {
  ort: `${ROOT}node_modules/onnxruntime-web/dist`,
  litert: `${ROOT}node_modules/@litertjs/core/wasm`,
};

const { version } = JSON.parse(readFileSync(`${ROOT}package.json`, "utf8"));
const page = `<!doctype html><html lang="en" data-version="${version}"><meta charset="utf-8"><script type="module" src="/page.js"></script></html>`;
const { outputFiles } = await build({
  entryPoints: [`${ROOT}conformance/page.ts`],
  bundle: true,
  format: "esm",
  target: "es2022",
  write: false,
});
const script = outputFiles[0]!.text;

const server = createServer((request, response) => {
  serve(request, response).catch((error: Error) => response.writeHead(404).end(error.message));
});

async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? "/", "http://127.0.0.1");
  const [, folder = "", name = ""] = url.pathname.split("/");
  const send = (content: string | Buffer, type: string) => {
    response.writeHead(200, { "content-type": type, "content-security-policy": POLICY }).end(content);
  };
  if (url.pathname === "/") send(page, "text/html");
  else if (url.pathname === "/page.js") send(script, "text/javascript");
  else if (url.pathname === "/favicon.ico") response.writeHead(204).end();
  else if (FOLDERS[folder] && /^[\w.-]+$/.test(name)) {
    send(await readFile(`${FOLDERS[folder]}/${name}`), TYPES[name.split(".").at(-1)!] ?? "application/octet-stream");
  } else if (url.pathname === "/file") {
    const path = url.searchParams.get("path") ?? "";
    if (request.method === "POST") {
      const parts: Buffer[] = [];
      for await (const part of request) parts.push(part as Buffer);
      await writeFile(path, Buffer.concat(parts));
      response.writeHead(204).end();
    } else send(await readFile(path), "application/octet-stream");
  } else response.writeHead(404).end("no such file");
}

await new Promise<void>((done) => {
  server.listen(0, "127.0.0.1", done);
});
const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox"],
});
const tab = await browser.newPage();
tab.on("console", (message) => process.stderr.write(`page: ${message.text()}\n`));
tab.on("pageerror", (error) => process.stderr.write(`page: ${error.stack ?? error}\n`));
await tab.goto(address);
await tab.waitForFunction(() => "answerLine" in globalThis);

// Requests come before earlier ones are answered: what is waiting goes to the page together.
const lines: string[] = [];
let ended = false;
let awake = () => {};
const input = createInterface({ input: process.stdin, crlfDelay: Number.POSITIVE_INFINITY });
input.on("line", (line) => {
  lines.push(line);
  awake();
});
input.on("close", () => {
  ended = true;
  awake();
});
for (let last = false; !last; ) {
  if (lines.length === 0) {
    if (ended) break;
    await new Promise<void>((resolve) => {
      awake = resolve;
    });
    continue;
  }
  const answers = await tab.evaluate(
    async (some) => {
      const found: { answer: string; last: boolean }[] = [];
      for (const line of some) found.push(await globalThis.answerLine(line));
      return found;
    },
    lines.splice(0, AT_ONCE),
  );
  for (const { answer, last: is } of answers) {
    process.stdout.write(`${answer}\n`);
    last ||= is;
  }
}
await browser.close();
server.close();
process.exit(0);
