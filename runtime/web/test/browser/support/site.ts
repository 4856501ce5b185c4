/** The example, built by Vite with a bundle, and served as it serves itself. */

import { cp, mkdtemp, rm } from "node:fs/promises";
import type { AddressInfo, Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { EXAMPLE } from "./repository.js";

export interface Site {
  /** With a slash at the end. */
  readonly address: string;
  readonly folder: string;
  /** No answer any more, as without a network. */
  stop(): Promise<void>;
  /** Stop, and delete what was built. */
  remove(): Promise<void>;
}

interface ClosableServer extends Server {
  closeAllConnections(): void;
}

/** Build the example around a bundle, into a folder of its own. */
export async function site(bundle: string): Promise<Site> {
  const folder = await mkdtemp(join(tmpdir(), "fpm-edge-site-"));
  const publicDir = join(folder, "public");
  const outDir = join(folder, "dist");
  await cp(join(EXAMPLE, "public"), publicDir, { recursive: true });
  await cp(bundle, join(publicDir, "garments.fpm"));
  const vite = await imported(join(EXAMPLE, "node_modules/vite/dist/node/index.js"));
  await vite.build({ root: EXAMPLE, publicDir, build: { outDir, emptyOutDir: true }, logLevel: "warn" });
  return served(folder, outDir);
}

/** A folder, served as the example serves itself; it is in `folder`, which `remove` deletes. */
export async function served(folder: string, outDir: string): Promise<Site> {
  const { serve } = await imported(join(EXAMPLE, "serve.mjs"));
  const server: ClosableServer = await serve(outDir, 0);
  const stop = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  return {
    address: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    folder: outDir,
    stop,
    async remove() {
      if (server.listening) {
        await stop();
      }
      await rm(folder, { recursive: true, force: true });
    },
  };
}

// biome-ignore lint/suspicious/noExplicitAny: modules of another package, whose types are not there
function imported(path: string): Promise<any> {
  return import(pathToFileURL(path).href);
}
