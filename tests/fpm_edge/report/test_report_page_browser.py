"""The report's page in a headless Chromium: by mouse, by keyboard, on a phone, in the dark, on paper, unscripted."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from fpm_edge.report.points import points_of

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed (extra: dev)")

_CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = pytest.mark.skipif(_CHROMIUM is None, reason="no chromium on this machine (apt-get install chromium)")

_QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
# The least that WCAG 2.2 AA asks of text.
_CONTRAST = 4.5

# (contrast, text, color, background) of every text that is shown.
_CONTRASTS = """() => {
  const parse = (text) => { const n = text.match(/[\\d.]+/g).map(Number); return [n[0], n[1], n[2], n[3] ?? 1]; };
  const over = (top, below) => top.slice(0, 3).map((v, i) => v * top[3] + below[i] * (1 - top[3])).concat(1);
  const light = (c) => {
    const [r, g, b] = c.map((v) => (v / 255 <= 0.03928 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element) => {
    const bubble = element.closest(".point");
    if (bubble) return parse(getComputedStyle(bubble.querySelector(".dot")).fill);
    const layers = [];
    for (let at = element; at; at = at.parentElement) layers.push(parse(getComputedStyle(at).backgroundColor));
    return layers.reverse().reduce((below, top) => over(top, below), [255, 255, 255, 1]);
  };
  const found = [];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const text = walk.currentNode.textContent.trim();
    const element = walk.currentNode.parentElement;
    if (!text || ["SCRIPT", "STYLE", "title", "desc"].includes(element.tagName)) continue;
    if (!element.checkVisibility()) continue;
    const style = getComputedStyle(element);
    const below = behind(element);
    const ink = over(parse(element instanceof SVGElement ? style.fill : style.color), below);
    const [a, b] = [light(ink), light(below)].sort((x, y) => y - x);
    found.push([(a + 0.05) / (b + 0.05), text.slice(0, 40), `${ink}`, `${below}`]);
  }
  return found;
}"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with sync_api.sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=_CHROMIUM, args=list(_QUIET))
        yield started
        started.close()


@pytest.fixture
def view(browser: Any, page_folder: Path) -> Any:
    """Opens the page with a size and other settings; whatever it says or asks for is in `said` and `asked`."""

    @contextmanager
    def opened(width: int = 1280, **settings: Any) -> Iterator[Any]:
        context = browser.new_context(viewport={"width": width, "height": 900}, offline=True, **settings)
        page = context.new_page()
        page.said, page.asked = [], []
        page.on("console", lambda message: page.said.append(message.text))
        page.on("pageerror", lambda error: page.said.append(str(error)))
        page.on("request", lambda request: page.asked.append(request.url[:200]))
        page.goto((page_folder / "report.html").as_uri())
        try:
            yield page
        finally:
            context.close()

    return opened


def shown_points(page: Any) -> int:
    return page.locator("#pareto .point:not([hidden])").count()


def test_it_is_quiet_and_asks_for_nothing(view: Any, page_folder: Path) -> None:
    with view() as page:
        page.mouse.wheel(0, 20_000)
        page.wait_for_function("[...document.images].every((image) => image.complete)")
        assert page.said == []
        file = (page_folder / "report.html").as_uri()
        assert [url for url in page.asked if not url.startswith("data:")] == [file]


def test_filters_hide_points_rows_and_lines_and_draw_the_front_anew(view: Any) -> None:
    with view() as page:
        assert shown_points(page) == 18
        front = page.locator("#pareto .front").first.get_attribute("points")
        page.get_by_label("int8", exact=True).uncheck()
        assert shown_points(page) == 6
        assert page.locator("#shown").inner_text() == "6 of 18 points"
        assert page.locator("#measurements tbody tr:visible").count() == 6
        assert page.locator("#pareto .ladder.int8:not([hidden])").count() == 0
        assert page.locator("#pareto .front").first.get_attribute("points") != front
        assert page.locator("#pareto .point.float32.optimal").count() >= 1
        for name, value, left in (("engine", "litert", 3), ("stages", "3", 1), ("threads", "1", 0)):
            page.locator(f"#filters input[name={name}][value='{value}']").set_checked(name == "threads")
            if name == "threads":
                page.locator("#filters input[name=threads][value='1']").uncheck()
            assert shown_points(page) == (left if name != "stages" else 2)
        page.get_by_role("button", name="Show all").click()
        page.wait_for_function("document.getElementById('shown').textContent === '18 of 18 points'")
        page.locator("#filters input[name=device]").first.uncheck()
        assert shown_points(page) == 6
        assert page.locator("#pareto .front").first.get_attribute("points") == ""
        assert page.said == []


def test_hover_and_keys_show_what_a_point_is(view: Any) -> None:
    with view() as page:
        tip = page.locator("#tip")
        assert not tip.is_visible()
        page.locator("#pareto .point.int8 .dot").first.hover()
        assert tip.is_visible()
        assert "NE" in tip.inner_text()
        page.keyboard.press("Escape")
        assert not tip.is_visible()
        page.mouse.move(0, 0)
        page.locator("#filters button").focus()
        for _ in range(3):
            page.keyboard.press("Tab")
            if page.evaluate("document.activeElement.matches('.point')"):
                break
        first = tip.inner_text()
        # What focus scrolls away from under the mouse is left by it, and takes nothing with it.
        page.evaluate(
            "document.querySelectorAll('#pareto .point').forEach((p) => p.dispatchEvent(new Event('pointerleave')))"
        )
        assert tip.is_visible()
        page.keyboard.press("ArrowRight")
        assert tip.is_visible()
        assert tip.inner_text() != first
        page.keyboard.press("End")
        times = page.evaluate("[...document.querySelectorAll('#pareto .point')].map((p) => +p.dataset.ms)")
        assert page.evaluate("+document.activeElement.dataset.ms") == max(times)
        box, around = tip.bounding_box(), page.locator("#pareto-box").bounding_box()
        assert around["x"] <= box["x"]
        assert box["x"] + box["width"] <= around["x"] + around["width"] + 1
        page.keyboard.press("Tab")
        assert not page.evaluate("document.activeElement.matches('.point')")


def test_the_keyboard_reaches_every_control(view: Any) -> None:
    with view() as page:
        wanted = page.evaluate(
            "addEventListener('focusin', (event) => (event.target.dataset.reached = ''));"
            "[...document.querySelectorAll('a, button, input, summary, [role=region]')]"
            ".filter((one) => one.checkVisibility()).map((one) => (one.dataset.wanted = '')).length"
        )
        for _ in range(wanted + 10):
            page.keyboard.press("Tab")
        missed = page.evaluate(
            "[...document.querySelectorAll('[data-wanted]:not([data-reached])')].map((one) => one.outerHTML)"
        )
        assert missed == []


def test_small_controls_do_what_they_say(view: Any, page_report: Any) -> None:
    with view() as page:
        # It begins with the time of the most accurate, which is enough for it.
        assert f"NE {min(point.ne for point in points_of(page_report)):.4f}" in page.locator("#best").inner_text()
        page.locator("#most").fill("100000")
        lowest = min(row.ne for variant in page_report.variants for row in variant.stages)
        assert f"NE {lowest:.4f}" in page.locator("#best").inner_text()
        page.locator("#most").fill("0.001")
        assert "nothing" in page.locator("#best").inner_text()

        table = page.locator("table.sortable", has_text="Drift by landmark").first
        heading = table.get_by_role("button", name="points")
        read = "(table) => [...table.tBodies[0].rows].map((row) => Number(row.cells[1].textContent))"
        heading.click()
        down = table.evaluate(read)
        assert down == sorted(down, reverse=True)
        heading.press("Enter")
        assert table.evaluate(read) == sorted(down)
        assert table.locator("th[aria-sort=ascending]").count() == 1

        truth = page.locator(".scene .truth").first
        assert truth.is_visible()
        page.locator("input[data-layer=truth]").uncheck()
        assert not truth.is_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out(view: Any, scheme: str) -> None:
    with view(color_scheme=scheme) as page:
        page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true")
        found = page.evaluate(_CONTRASTS)
        assert len(found) > 300
        assert [one for one in found if one[0] < _CONTRAST] == []
        dark = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert (dark == "rgb(255, 255, 255)") == (scheme == "light")


def test_a_narrow_page_does_not_scroll_sideways(view: Any) -> None:
    with view(360) as page:
        page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true")
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
        page.locator("#pareto .point .dot").last.hover()
        assert page.locator("#tip").is_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
        page.set_viewport_size({"width": 768, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") <= 768


def test_on_paper_nothing_is_cut_off_or_folded(view: Any) -> None:
    # A4 across, less its margins, at 96 dots an inch.
    with view(1032) as page:
        page.emulate_media(media="print", color_scheme="dark")
        assert page.evaluate("document.documentElement.scrollWidth") <= 1032
        clipped = page.evaluate(
            "[...document.querySelectorAll('table, svg')].filter((one) => one.getBoundingClientRect().right > 1033)"
            ".map((one) => one.textContent.slice(0, 60))"
        )
        assert clipped == []
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
        assert not page.locator("nav").is_visible()
        folded = "[...document.querySelectorAll('details')].filter((d) => d.clientHeight < 60).length"
        page.evaluate("dispatchEvent(new Event('beforeprint'))")
        assert page.evaluate(folded) == 0
        page.evaluate("dispatchEvent(new Event('afterprint'))")
        assert page.locator("details:not([open])").count() > 0


def test_without_its_script_the_page_is_whole(view: Any) -> None:
    with view(java_script_enabled=False) as page:
        assert page.locator("#pareto .point").count() == 18
        assert page.locator("#pareto .point title").count() == 18
        assert not page.locator("#filters").is_visible()
        assert not page.locator("#chooser").is_visible()
        assert page.locator("#measurements tbody tr:visible").count() == 12
        assert page.locator(".scene").first.is_visible()
