// The service worker's list of files, and a version that is a hash of their content.

import { createHash } from "node:crypto";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join, relative, resolve, sep } from "node:path";

export function offline() {
  let folder;
  return {
    name: "offline",
    apply: "build",
    configResolved(config) {
      folder = resolve(config.root, config.build.outDir);
    },
    // After all other files are there.
    async closeBundle() {
      const paths = (await readdir(folder, { recursive: true, withFileTypes: true }))
        .filter((entry) => entry.isFile() && entry.name !== "sw.js")
        .map((entry) => relative(folder, join(entry.parentPath, entry.name)).split(sep).join("/"))
        .sort();
      const hash = createHash("sha256");
      for (const path of paths) hash.update(`${path}\0`).update(await readFile(join(folder, path)));
      const source = await readFile(new URL("../src/sw.js", import.meta.url), "utf-8");
      const lists = { VERSION: hash.digest("hex").slice(0, 16), FILES: paths.map((path) => `./${path}`) };
      const filled = source.replace(/^const (VERSION|FILES) = .*$/gm, (_, name) => `const ${name} = ${JSON.stringify(lists[name])};`);
      await writeFile(join(folder, "sw.js"), filled);
    },
  };
}
