/** Headless Chromium, and a page whose console and policy are listened to. */

import { type Browser, chromium, type Page } from "playwright-core";
import { CHROMIUM } from "./repository.js";

export function launch(...args: string[]): Promise<Browser> {
  return chromium.launch({ executablePath: CHROMIUM, args: ["--no-sandbox", "--disable-gpu", ...args] });
}

// A machine that is busy with other tests takes its time.
const PATIENCE_MS = 120_000;
// What LiteRT.js tells of itself when it is loaded.
const CHATTER = /^(INFO|WARNING): /;

/** A page, and what went wrong on it: errors in the console, uncaught ones, what the policy refused. */
export async function pageOf(browser: Browser, options: Parameters<Browser["newContext"]>[0] = {}) {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE_MS);
  const complaints: string[] = [];
  page.on("pageerror", (error) => complaints.push(`uncaught: ${error.message}`));
  page.on("console", (message) => {
    const text = message.text();
    if ((message.type() === "error" && !CHATTER.test(text)) || /content security policy/i.test(text)) {
      complaints.push(`console: ${text}`);
    }
  });
  await page.addInitScript(() => {
    addEventListener("securitypolicyviolation", (event) => {
      console.error(`policy: ${event.violatedDirective} refused ${event.blockedURI}`);
    });
  });
  return { context, page, complaints };
}

/** Open the example and wait for the sample's answer. */
export async function open(page: Page, address: string): Promise<void> {
  await page.goto(address);
  await answered(page);
}

/** Wait until what stands still on the page was looked at. */
export async function answered(page: Page): Promise<void> {
  await page.waitForSelector('#canvas[aria-busy="false"]');
}

/** Ask for the sample, and wait for its answer. */
export async function askForSample(page: Page): Promise<void> {
  await page.evaluate(() => document.querySelector("#landmarks tbody")!.replaceChildren());
  await page.click("#sample");
  await page.waitForSelector("#landmarks tbody tr");
}

export async function textOf(page: Page, selector: string): Promise<string> {
  return (await page.textContent(selector)) ?? "";
}
