#!/usr/bin/env python3
"""Screenshots of a report's page: light and dark on a desk, and a phone.

    scripts/report_screenshots.py out/report-demo/report.html docs/images

Needs playwright (extra ``dev``) and a Chromium on the PATH.
"""

import argparse
import io
import shutil
import sys
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, BrowserContext, sync_playwright

MOST_BYTES = 300_000
# name, width and height of the window, colour scheme, pixels for one of the page's, heading to begin at
SHOTS = (
    ("light", 1180, 1730, "light", 1, None),
    ("dark", 1180, 1240, "dark", 1, "stages"),
    ("phone", 360, 1300, "light", 1.5, None),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("page", type=Path)
    parser.add_argument("folder", type=Path)
    arguments = parser.parse_args()
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if chromium is None:
        sys.exit("no chromium on the PATH; install it (apt-get install chromium)")
    arguments.folder.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        for name, *settings in SHOTS:
            content = compressed(shot(browser, arguments.page.resolve(), *settings))
            file = arguments.folder / f"report-{name}.png"
            if len(content) > MOST_BYTES:
                sys.exit(f"{file} would have {len(content)} bytes, more than {MOST_BYTES}; show less of the page")
            file.write_bytes(content)
            print(f"{file} ({len(content) / 1000:.0f} kB)")
        browser.close()


def shot(
    browser: Browser, page: Path, width: int, height: int, scheme: str, scale: float, heading: str | None
) -> bytes:
    """A PNG of the window, scrolled to a heading."""
    context = window(browser, width, height, scheme, scale)
    opened = context.new_page()
    opened.goto(page.as_uri())
    if heading is not None:
        opened.evaluate("id => document.getElementById(id).scrollIntoView()", heading)
    content = opened.screenshot()
    context.close()
    return content


def window(browser: Browser, width: int, height: int, scheme: str, scale: float) -> BrowserContext:
    """A window in which nothing moves; the scheme is ``light`` or ``dark``."""
    return browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme="dark" if scheme == "dark" else "light",
        device_scale_factor=scale,
        reduced_motion="reduce",
    )


def compressed(png: bytes) -> bytes:
    """The same picture in 256 colours."""
    out = io.BytesIO()
    with Image.open(io.BytesIO(png)) as picture:
        picture.convert("RGB").quantize(256, dither=Image.Dither.NONE).save(out, format="PNG", optimize=True)
    return out.getvalue()


if __name__ == "__main__":
    main()
