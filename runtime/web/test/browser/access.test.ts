/** The example on a phone, by keyboard, in the dark. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Page } from "playwright-core";
import { open, pageOf } from "./support/browser.js";
import { example } from "./support/example.js";
import { missing } from "./support/repository.js";

// In the order of the page. Of a group of one control, the control.
const CONTROLS = [
  "a.skip",
  "#sample",
  "#picture",
  "#video",
  "#camera",
  "summary Where the time went",
  "#category",
  "#engine",
  "#threads",
  "#deadline",
  "#still",
  "#twice",
  "#names",
  "summary Model",
  "summary What that rests on",
];

describe("everybody can use the example", { skip: missing() || false, timeout: 600_000 }, () => {
  const made = example();

  test("by keyboard: every control is reached, in order, and is seen to be", async () => {
    const { context, page } = await pageOf(made.browser, { viewport: { width: 1180, height: 860 } });
    await open(page, made.web.address);
    const reached: string[] = [];
    for (;;) {
      await page.keyboard.press("Tab");
      const { name, outline } = await focused(page);
      if (name === "body" || reached.length > CONTROLS.length) {
        break;
      }
      reached.push(name);
      assert.ok(outline >= 2, `${name} has an outline of ${outline} px`);
    }
    const disabled = await page.$$eval("main :disabled", (found) => found.map((control) => `#${control.id}`));
    assert.deepEqual(
      reached,
      CONTROLS.filter((name) => !disabled.includes(name)),
    );
    await context.close();
  });

  test("by keyboard: the first link leads past the picture, Enter asks for the sample, a message can be closed", async () => {
    const { context, page } = await pageOf(made.browser);
    await open(page, made.web.address);
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    assert.equal(await page.evaluate(() => document.activeElement?.id), "answer");
    await page.focus("#sample");
    await page.keyboard.press("Enter");
    await page.waitForSelector('#canvas[aria-busy="true"]');
    await page.waitForSelector('#canvas[aria-busy="false"]');
    await page.setInputFiles("#picture", { name: "a.txt", mimeType: "text/plain", buffer: Buffer.from("a") });
    await page.waitForSelector("#error:not([hidden])");
    await page.focus("#error button");
    await page.keyboard.press("Space");
    assert.equal(await page.isHidden("#error"), true);
    await context.close();
  });

  test("for a screen reader: names, a table, and what has changed", async () => {
    const { context, page } = await pageOf(made.browser);
    await open(page, made.web.address);
    const nameless = await page.$$eval("button, input, select, canvas, table, section, form", (found) =>
      found
        .filter((element) => {
          const labels = (element as HTMLInputElement).labels;
          const name =
            element.getAttribute("aria-label") ??
            element.getAttribute("aria-labelledby") ??
            (labels?.length ? labels[0]!.textContent : null) ??
            element.querySelector("caption")?.textContent ??
            element.textContent;
          return !name?.trim();
        })
        .map((element) => element.outerHTML.slice(0, 80)),
    );
    assert.deepEqual(nameless, []);
    assert.equal(await page.getAttribute("#sentence", "role"), "status");
    assert.equal(await page.getAttribute("#error", "role"), "alert");
    assert.match((await page.getAttribute("#canvas", "aria-label"))!, /\d+ of \d+ landmarks are sure/);
    await context.close();
  });

  for (const width of [320, 360, 768, 1180]) {
    test(`${width} px wide: nothing lies outside, and what is pressed is large enough`, async () => {
      const { context, page } = await pageOf(made.browser, { viewport: { width, height: 740 } });
      await open(page, made.web.address);
      await page.$$eval("details", (found) => {
        for (const details of found) {
          (details as HTMLDetailsElement).open = true;
        }
      });
      assert.ok((await page.evaluate(() => document.documentElement.scrollWidth)) <= width);
      const small = await page.$$eval(".sources > :not([hidden]), select, summary", (found) =>
        found.filter((element) => element.getBoundingClientRect().height < 24).map((element) => element.textContent),
      );
      assert.deepEqual(small, []);
      await context.close();
    });
  }

  for (const colorScheme of ["light", "dark"] as const) {
    test(`${colorScheme}: text has a contrast of 4.5 to what is behind it`, async () => {
      const { context, page } = await pageOf(made.browser, { colorScheme });
      await open(page, made.web.address);
      const low = await page.evaluate(lowContrasts);
      assert.deepEqual(low, []);
      const [red] = await page.evaluate(() =>
        getComputedStyle(document.body).backgroundColor.match(/\d+/g)!.map(Number),
      );
      assert.equal(red! < 128, colorScheme === "dark");
      await context.close();
    });
  }
});

/** What has the focus, and how wide the line around it is. */
function focused(page: Page): Promise<{ name: string; outline: number }> {
  return page.evaluate(() => {
    const element = document.activeElement!;
    const shown = element.closest(".button") ?? element;
    const { outlineStyle, outlineWidth } = getComputedStyle(shown);
    const name =
      element === document.body
        ? "body"
        : element.id
          ? `#${element.id}`
          : element.matches(".skip")
            ? "a.skip"
            : `summary ${element.textContent}`;
    return { name, outline: outlineStyle === "none" ? 0 : Number.parseFloat(outlineWidth) };
  });
}

/** Runs in the page: texts whose contrast (WCAG 2) is below 4.5. */
function lowContrasts(): string[] {
  const parts = (colour: string): number[] => {
    const context = new OffscreenCanvas(1, 1).getContext("2d")!;
    context.fillStyle = colour;
    context.fillRect(0, 0, 1, 1);
    return [...context.getImageData(0, 0, 1, 1).data];
  };
  const light = (colour: number[]): number => {
    const [red, green, blue] = colour.map((part) => {
      const share = part / 255;
      return share <= 0.03928 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * red! + 0.7152 * green! + 0.0722 * blue!;
  };
  const behind = (element: Element | null): number[] => {
    for (let at = element; at; at = at.parentElement) {
      const colour = parts(getComputedStyle(at).backgroundColor);
      if (colour[3]! > 250) {
        return colour;
      }
    }
    return [255, 255, 255, 255];
  };
  const low: string[] = [];
  for (const element of document.body.querySelectorAll("*")) {
    const own = [...element.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.textContent?.trim());
    if (!own || element.getClientRects().length === 0 || element.matches(":disabled, :has(:disabled), option")) {
      continue;
    }
    const [one, other] = [light(parts(getComputedStyle(element).color)), light(behind(element))].sort((a, b) => b - a);
    const contrast = (one! + 0.05) / (other! + 0.05);
    if (contrast < 4.5) {
      low.push(`${element.textContent?.trim().slice(0, 30)}: ${contrast.toFixed(2)}`);
    }
  }
  return low;
}
