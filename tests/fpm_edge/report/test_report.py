"""The report: one page that needs nothing else, and the same numbers as JSON."""

import base64
import io
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from fpm_edge.__main__ import main
from fpm_edge.convert.convert import Calibration, convert
from fpm_edge.data import Dataset, load_dataset
from fpm_edge.report import ReportData, measure, write_report
from fpm_edge.report.latency import interleave, latency_of, spread_of
from fpm_edge_runtime import Timings, open_bundle

_VOID = {"meta", "link", "img", "br", "hr", "input", "col"}


@pytest.fixture(scope="module")
def garments(render_cache: Path) -> Dataset:
    return load_dataset("rendered:10@9/64")


@pytest.fixture(scope="module")
def measured(tiny_bundle: Path, tiny_float_bundle: Path, garments: Dataset) -> ReportData:
    bundles = [("int8", open_bundle(tiny_bundle)), ("float32", open_bundle(tiny_float_bundle))]
    return measure(bundles, garments, repeats=3, overlays=2)


@pytest.fixture(scope="module")
def folder(measured: ReportData, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("report")
    write_report(measured, path)
    return path


@pytest.fixture(scope="module")
def numbers(folder: Path) -> Any:
    return json.loads((folder / "report.json").read_text())


@pytest.fixture(scope="module")
def page(folder: Path) -> str:
    return (folder / "report.html").read_text()


class Page(HTMLParser):
    """Collects references, and complains about tags that do not match."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.references: list[str] = []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.references += [value or "" for name, value in attrs if name in {"src", "href"}]
        if tag not in _VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.references += [value or "" for name, value in attrs if name in {"src", "href"}]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_every_variant_and_stage_is_there(numbers: Any) -> None:
    found = {(v["precision"], v["engine"]): v for v in numbers["variants"]}
    assert set(found) == {(p, e) for p in ("int8", "float32") for e in ("litert", "onnxruntime")}
    for variant in found.values():
        assert [row["stages"] for row in variant["stages"]] == [1, 2, 3]
        sizes = [row["bytes"] for row in variant["stages"]]
        assert sizes == sorted(sizes)
        assert all(row["latency"]["inference"]["runs"] == 3 for row in variant["stages"])
    assert found["float32", "litert"]["is_reference"]
    assert found["int8", "litert"]["reference"] == "float32"
    last = found["int8", "litert"]["stages"][-1]
    assert last["drift"]["estimate"] == pytest.approx(last["ne"] - last["float_ne"])
    assert last["float_ne"] == pytest.approx(found["float32", "litert"]["stages"][-1]["ne"])
    float_time = found["float32", "litert"]["stages"][-1]["latency"]["inference"]["median"]
    assert last["ratio"] == pytest.approx(last["latency"]["inference"]["median"] / float_time)


def test_the_page_shows_the_numbers(numbers: Any, page: str) -> None:
    for variant in numbers["variants"]:
        for row in variant["stages"]:
            assert f"{row['ne']:.4f}" in page
    assert numbers["headline"] in page
    assert page.count('class="point ') == 12


def test_the_page_needs_nothing_else(page: str) -> None:
    references = Page(page).references
    images = [reference for reference in references if reference.startswith("data:image/")]
    assert all(reference.startswith(("data:image/", "#")) for reference in references)
    assert "url(http" not in page
    assert len(images) >= 2
    for image in images:
        content = base64.b64decode(image.split(",", 1)[1])
        with Image.open(io.BytesIO(content)) as decoded:
            # A heatmap of the tiny network has 16 × 16 cells.
            assert decoded.width >= 16
    assert len(page) < 3_000_000
    described = re.findall(r'<svg class="scene"[^>]* role="img" aria-label="[^"]+"', page)
    assert len(described) == page.count('<svg class="scene"') > 2


def test_pictures_lie_beside_the_page(numbers: Any, folder: Path) -> None:
    assert len([o for o in numbers["overlays"] if o["kind"] != "stage"]) >= 2
    for overlay in numbers["overlays"]:
        with Image.open(folder / overlay["file"]) as picture:
            assert picture.format == "PNG"


def test_the_embedded_float_model_serves_as_reference(tiny_bundle: Path, garments: Dataset) -> None:
    data = measure([("int8", open_bundle(tiny_bundle))], garments, engines=["litert"], repeats=1, overlays=0)
    (variant,) = [v for v in data.to_dict()["variants"] if v["precision"] == "int8"]
    assert variant["reference"] is not None
    assert variant["stages"][-1]["drift"] is not None


def test_the_reference_has_as_many_stages_where_there_is_one(
    tiny_bundle: Path,
    tiny_float_bundle: Path,
    tiny_model: Path,
    calibration_data: Dataset,
    garments: Dataset,
    tmp_path: Path,
) -> None:
    calibration = Calibration(calibration_data, samples=16)
    short = convert(tiny_model, tmp_path / "two.fpm", precision="float32", calibration=calibration, stages=2).path
    bundles = [
        (name, open_bundle(path)) for name, path in (("two", short), ("a", tiny_bundle), ("b", tiny_float_bundle))
    ]
    data = measure(bundles, garments, engines=["litert"], repeats=1, overlays=0)
    variants = {variant.bundle: variant for variant in data.variants}
    assert variants["a"].reference == "b"
    assert variants["a"].last.drift is not None


def test_times_are_taken_in_turn() -> None:
    order: list[tuple[str, int]] = []

    def task(name: str, milliseconds: float) -> Any:
        def run(number: int) -> Timings:
            order.append((name, number))
            return Timings(0.5, {"stage_1": milliseconds + number}, 0.25, 0.0)

        return run

    found = interleave({"a": task("a", 10.0), "b": task("b", 20.0)}, 4, warm_up=2)
    assert [number for _, number in order] == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5]
    assert all({name for name, n in order if n == number} == {"a", "b"} for number in range(6))
    latency = latency_of(found["a"])
    assert latency.engine.median == pytest.approx(13.5)
    assert latency.inference.median == pytest.approx(13.75)
    spread = spread_of([float(n) for n in range(1, 101)])
    assert (spread.median, spread.p90, spread.p99) == pytest.approx((50.5, 90.1, 99.01))


def test_the_command_writes_it(
    tiny_bundle: Path, tiny_float_bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bundles = (str(tiny_bundle), str(tiny_float_bundle))
    options = ("--data", "rendered:6@9/64", "--repeats", "1", "--overlays", "1", "-o", str(tmp_path / "out"))
    with pytest.raises(SystemExit) as caught:
        main(["report", *bundles, *options, "--json"])
    captured = capsys.readouterr()
    assert caught.value.code == 0, captured.err
    printed = json.loads(captured.out)
    written = json.loads((tmp_path / "out" / "report.json").read_text())
    assert printed == written
    assert written["command"].startswith("fpm-edge report")
    assert (tmp_path / "out" / "report.html").is_file()
