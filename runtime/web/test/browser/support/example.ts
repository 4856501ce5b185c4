/** What most tests in a browser begin and end with: the example, built and served, and a browser. */

import { after, before } from "node:test";
import type { Browser } from "playwright-core";
import { launch } from "./browser.js";
import { garments } from "./repository.js";
import { type Site, site } from "./site.js";

/** There from the first test of a `describe` on, gone after its last. */
export interface Example {
  web: Site;
  browser: Browser;
}

/** To be called inside a `describe`. */
export function example(...flags: string[]): Example {
  const made = {} as Example;
  before(async () => {
    [made.web, made.browser] = await Promise.all([garments().then(site), launch(...flags)]);
  });
  after(async () => {
    await made.browser?.close();
    await made.web?.remove();
  });
  return made;
}
