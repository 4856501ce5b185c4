#!/usr/bin/env python3
"""Screenshots of the web example, on drawn garments; and its icons, from icon.svg.

    scripts/web_screenshots.py docs/images
    scripts/web_screenshots.py --icons examples/web/public

Needs the built example (`npm run build` in examples/web), Node, playwright (extra ``dev``) and a Chromium on the PATH.
"""

import argparse
import io
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from PIL import Image
from playwright.sync_api import Browser, FilePayload, Page, sync_playwright
from report_screenshots import MOST_BYTES, compressed, window

from fpm_edge.data import load_dataset, read_image

EXAMPLE = Path(__file__).resolve().parent.parent / "examples/web"
ICON_SIZES = (192, 512)
# name, width and height of the window, colour scheme, pixels for one of the page's
SHOTS = (
    ("light", 1180, 1080, "light", 1),
    ("dark", 1180, 860, "dark", 1),
    ("phone", 360, 1500, "light", 1.5),
    ("camera", 1180, 860, "dark", 1),
    ("error", 1180, 860, "light", 1),
)
CAMERA = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")
# What the camera sees: the last of these.
GARMENTS = "rendered:12@7/480"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--icons", action="store_true", help="draw the icons of the installed app instead")
    arguments = parser.parse_args()
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if chromium is None:
        sys.exit("no chromium on the PATH; install it (apt-get install chromium)")
    with sync_playwright() as playwright, TemporaryDirectory() as folder:
        film = Path(folder) / "camera.y4m"
        write_film(film)
        flags = ["--no-sandbox", "--disable-gpu", *CAMERA, f"--use-file-for-fake-video-capture={film}"]
        browser = playwright.chromium.launch(executable_path=chromium, args=flags)
        if arguments.icons:
            draw_icons(browser, arguments.folder)
        else:
            with served() as address:
                for name, width, height, scheme, scale in SHOTS:
                    save(
                        arguments.folder / f"web-{name}.png", shot(browser, address, name, width, height, scheme, scale)
                    )
        browser.close()


def draw_icons(browser: Browser, folder: Path) -> None:
    """icon.svg as PNG, for systems that take no SVG."""
    for size in ICON_SIZES:
        page = browser.new_page(viewport={"width": size, "height": size})
        page.goto((EXAMPLE / "public/icon.svg").as_uri())
        save(folder / f"icon-{size}.png", page.screenshot())
        page.close()


def write_film(file: Path) -> None:
    """One drawn garment as a raw video, which Chromium shows in place of a camera."""
    picture = Image.fromarray(read_image(load_dataset(GARMENTS).records[-1])).convert("YCbCr")
    luma, *chroma = (np.asarray(plane) for plane in picture.split())
    halved = (
        plane.reshape(plane.shape[0] // 2, 2, -1, 2).mean(axis=(1, 3)).round().astype(np.uint8) for plane in chroma
    )
    frame = b"FRAME\n" + luma.tobytes() + b"".join(plane.tobytes() for plane in halved)
    file.write_bytes(b"YUV4MPEG2 W%d H%d F30:1 Ip A1:1 C420jpeg\n" % picture.size + 3 * frame)


@contextmanager
def served() -> Iterator[str]:
    """The built example's address."""
    server = subprocess.Popen(["node", str(EXAMPLE / "serve.mjs"), "0"], stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        yield server.stdout.readline().strip()
    finally:
        server.terminate()
        server.wait()


def shot(browser: Browser, address: str, name: str, width: int, height: int, scheme: str, scale: float) -> bytes:
    """A PNG of the window, with the sample looked at, or a file that is no bundle refused."""
    context = window(browser, width, height, scheme, scale)
    page = context.new_page()
    page.goto(address)
    answered(page)
    page.locator("#verdict").wait_for()
    if name == "dark":
        page.get_by_label("write names").check()
        answered(page)
    if name == "camera":
        page.get_by_label("Deadline").fill("9")
        page.get_by_role("button", name="Camera").click()
        page.get_by_text("pictures a second").wait_for()
        page.get_by_text("Where the time went").click()
        page.wait_for_timeout(2000)
    if name == "error":
        garbage: FilePayload = {
            "name": "mine.fpm",
            "mimeType": "application/octet-stream",
            "buffer": b"not a bundle" * 50,
        }
        page.locator("#bundle").set_input_files(garbage)
        page.locator("#error").wait_for()
    content = page.screenshot()
    context.close()
    return content


def answered(page: Page) -> None:
    """Wait for the answer to the picture on the page."""
    page.locator('#canvas[aria-busy="false"]').wait_for()


def save(file: Path, png: bytes) -> None:
    content = compressed(png)
    if len(content) > MOST_BYTES:
        sys.exit(f"{file} would have {len(content)} bytes, more than {MOST_BYTES}; show less of the page")
    file.write_bytes(content)
    with Image.open(io.BytesIO(content)) as picture:
        print(f"{file} ({picture.width} × {picture.height}, {len(content) / 1000:.0f} kB)")


if __name__ == "__main__":
    main()
