/** What the documentation tells people to write passes the compiler, so that every name in it is there. */

import assert from "node:assert/strict";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import ts from "typescript";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const PAGES = ["../../docs/web.md", "README.md"];
// Inside the package, so that its own name and its engines' are found.
const FOLDER = `${ROOT}build/docs/`;

/** What the text around the code says is there. */
const AROUND = `
declare module "*?url" {
  const address: string;
  export default address;
}
declare const bundle: import("fpm-edge").Bundle;
declare const session: import("fpm-edge").WorkerSession;
declare const store: import("fpm-edge").StateStore;
declare const [worker, floatWorker]: Worker[];
declare const image: HTMLImageElement;
declare const video: HTMLVideoElement;
declare const frame: VideoFrame;
declare const [draw, self]: any[];
declare const { data, width, height }: { data: Uint8Array; width: number; height: number };
declare const [litert, ort, onnxRuntime, releaseKey]: any[];
`;

const blocks = PAGES.flatMap((page) =>
  [...readFileSync(ROOT + page, "utf8").matchAll(/^```(?:javascript|js|typescript|ts)\n(.*?)^```$/gms)].map(
    ([, code], i) => [`${page.split("/").at(-1)}-${i + 1}.ts`, code!] as const,
  ),
);

test("the documentation's code passes the compiler", () => {
  assert.ok(blocks.length >= 7, `${blocks.length} blocks of code`);
  rmSync(FOLDER, { recursive: true, force: true });
  mkdirSync(FOLDER, { recursive: true });
  const written = ([["around.d.ts", AROUND], ...blocks] as const).map(([name, code]) => {
    writeFileSync(FOLDER + name, name.endsWith(".d.ts") ? code : `${code}\nexport {};\n`);
    return FOLDER + name;
  });
  const program = ts.createProgram(written, {
    module: ts.ModuleKind.ESNext,
    moduleResolution: ts.ModuleResolutionKind.Bundler,
    target: ts.ScriptTarget.ES2022,
    lib: ["lib.es2022.d.ts", "lib.dom.d.ts", "lib.dom.iterable.d.ts", "lib.dom.asynciterable.d.ts"],
    types: ["node"],
    strict: false, // it is JavaScript
    noEmit: true,
    skipLibCheck: true,
  });
  const found = ts.getPreEmitDiagnostics(program).map(({ file, start, messageText }) => {
    const line = file ? file.getLineAndCharacterOfPosition(start ?? 0).line + 1 : 0;
    return `${file?.fileName.slice(FOLDER.length)}:${line}: ${ts.flattenDiagnosticMessageText(messageText, " ")}`;
  });
  assert.deepEqual(found, []);
});
