/** What an app gets: how large it is, what is in it, and that it does nothing by itself. */

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
// Bytes, gzipped. What an app needs to find landmarks is held to what was promised; all of it together is larger.
const LARGEST_APP = 25_000;
const LARGEST = 36_500;

const sizes: Record<string, number> = JSON.parse(
  execFileSync(process.execPath, ["bench/size.mjs", "--json"], { cwd: ROOT, encoding: "utf8" }),
);

for (const [what, largest] of [
  ["bundles, sessions, the self-check, one engine", LARGEST_APP],
  ["everything", LARGEST],
] as const) {
  test(`small: ${what}, at most ${largest} bytes, gzipped`, (t) => {
    t.diagnostic(`${sizes[what]} bytes`);
    assert.ok(sizes[what]! <= largest, `${sizes[what]} bytes`);
  });
}

test("what an app does not use is left out", () => {
  assert.ok(sizes["one function"]! < sizes.everything! / 3, JSON.stringify(sizes));
});

test("no code is made from text, and nothing is asked of the network but where the app says", async () => {
  for (const name of readdirSync(`${ROOT}src`, { recursive: true, encoding: "utf8" })) {
    if (!name.endsWith(".ts")) continue;
    const source = readFileSync(`${ROOT}src/${name}`, "utf8");
    assert.doesNotMatch(
      source,
      /\beval\s*\(|new Function|importScripts|XMLHttpRequest|https?:\/\/(?!127|localhost)/,
      name,
    );
    assert.doesNotMatch(source, /from "node:|require\(/, name);
  }
});

test("the tarball has the modules, their types, their sources, and nothing else", () => {
  const [packed] = JSON.parse(execFileSync("npm", ["pack", "--dry-run", "--json"], { cwd: ROOT, encoding: "utf8" }));
  const files: string[] = packed.files.map((file: { path: string }) => file.path);
  const strange = files.filter(
    (path) => !/^(package\.json|README\.md|LICENSE|src\/.+\.ts|dist\/.+\.(js|d\.ts)(\.map)?)$/.test(path),
  );
  assert.deepEqual(strange, []);
  for (const needed of [
    "README.md",
    "LICENSE",
    "dist/index.js",
    "dist/index.d.ts",
    "dist/index.js.map",
    "src/index.ts",
  ]) {
    assert.ok(files.includes(needed), needed);
  }
});

test("every entry of the package is there", async () => {
  const { exports } = JSON.parse(readFileSync(`${ROOT}package.json`, "utf8"));
  for (const entry of Object.values<Record<string, string>>(exports)) {
    for (const file of Object.values(entry)) assert.ok(readFileSync(`${ROOT}${file}`).length > 0, file);
  }
});

test("docs/reference/web.md is what the types say", () => {
  execFileSync(process.execPath, ["scripts/reference.mjs", "--check"], {
    cwd: ROOT,
    stdio: ["ignore", "pipe", "pipe"],
  });
});

test("the lock names no address, and has the versions of package.json", () => {
  const lock = readFileSync(`${ROOT}package-lock.json`, "utf8");
  assert.doesNotMatch(lock, /"resolved"|https?:\/\/registry/);
  const root = JSON.parse(lock).packages[""];
  const { devDependencies } = JSON.parse(readFileSync(`${ROOT}package.json`, "utf8"));
  assert.deepEqual(root.devDependencies, devDependencies);
  for (const version of Object.values<string>(devDependencies)) assert.match(version, /^\d+\.\d+\.\d+$/);
});
