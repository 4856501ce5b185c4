"""The report's numbers as JSON with its schema, CSV and Markdown; and JSON read back."""

import csv
import io
import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest

from fpm_edge.report import ReportData, read_report
from fpm_edge.report.csv_text import csv_text
from fpm_edge.report.data import FORMAT
from fpm_edge.report.json_schema import report_schema, schema_text
from fpm_edge.report.json_text import json_text
from fpm_edge.report.markdown import markdown_table, report_markdown
from fpm_edge_runtime import DataError

SCHEMA = Path(__file__).parents[3] / "docs/schemas/report.schema.json"


@pytest.fixture
def content(small_report_folder: Path) -> Any:
    return json.loads((small_report_folder / "report.json").read_text())


def test_single_pictures_give_the_means(small_report: ReportData) -> None:
    each = small_report.dataset.per_picture
    assert each is not None
    points = np.array(each.points)
    assert points.sum() == small_report.dataset.points
    names = list(small_report.dataset.categories)
    assert {name: each.categories.count(names.index(name)) for name in names} == small_report.dataset.categories
    for variant in small_report.variants:
        assert variant.errors is not None
        for row, means in zip(variant.stages, variant.errors.stages, strict=True):
            assert (np.array(means) * points).sum() / points.sum() == pytest.approx(row.ne, abs=1e-6)
        for part in variant.landmarks:
            values = [value for value in variant.errors.landmarks.get(part.name, ()) if value is not None]
            assert len(values) == part.count
            if values:
                assert np.mean(values) == pytest.approx(part.converted_ne, abs=1e-5)
        of = np.array(each.categories)
        for part in variant.categories:
            mine = of == names.index(part.name)
            total = (np.array(variant.errors.stages[-1]) * points)[mine].sum()
            assert total / points[mine].sum() == pytest.approx(part.converted_ne, abs=1e-6)


def test_rounds_give_the_median(small_report: ReportData) -> None:
    for variant in small_report.variants:
        for row in variant.stages:
            assert len(row.latency.runs_ms) == 12
            assert np.median(row.latency.runs_ms) == pytest.approx(row.latency.inference.median, abs=2e-3)


def test_the_published_schema_is_that_of_the_code() -> None:
    assert SCHEMA.read_text("utf-8") == schema_text()


def test_a_report_keeps_the_schema(content: Any) -> None:
    schema = report_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    validator.validate(content)
    assert not validator.is_valid(content | {"format": FORMAT + 1})
    del content["variants"][0]["stages"][1]["ne"]
    with pytest.raises(jsonschema.ValidationError, match="'ne' is a required property"):
        validator.validate(content)


def test_read_is_what_was_written(small_report_folder: Path, content: Any) -> None:
    assert json.loads(json_text(read_report(small_report_folder).to_dict())) == content
    assert read_report(small_report_folder / "report.json") == read_report(small_report_folder)


def test_an_older_report_is_read(content: Any, tmp_path: Path) -> None:
    del content["dataset"]["per_picture"]
    for variant in content["variants"]:
        del variant["errors"]
        for row in variant["stages"]:
            del row["latency"]["runs_ms"]
    content["something_new"] = {"of": "a later version"}
    (tmp_path / "report.json").write_text(json.dumps(content))
    read = read_report(tmp_path)
    assert read.variants[0].errors is None
    assert read.variants[0].last.latency.runs_ms == ()


def _newer(content: Any) -> None:
    content["format"] = FORMAT + 1
    content["variants"] = "in a form that is not known yet"


def _no_format(content: Any) -> None:
    del content["format"]


def _text_for_number(content: Any) -> None:
    content["variants"][1]["stages"][0]["ne"] = "good"


def _too_few_errors(content: Any) -> None:
    content["variants"][1]["errors"]["stages"][0].pop()


def _an_error_left_out(content: Any) -> None:
    content["variants"][1]["errors"]["stages"][0][3] = None


def _a_landmark_left_out(content: Any) -> None:
    content["variants"][1]["errors"]["landmarks"].popitem()


def _nothing_in_no_time(content: Any) -> None:
    content["variants"][1]["stages"][0]["bytes"] = 0


def _too_few_points(content: Any) -> None:
    content["dataset"]["per_picture"]["points"].pop()


def _no_such_category(content: Any) -> None:
    content["dataset"]["per_picture"]["categories"][0] = 99


def _no_such_main(content: Any) -> None:
    content["main"] = 4


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (_newer, f"format {FORMAT + 1}.*reads up to {FORMAT}; update fpm-edge"),
        (_no_format, "not a report, or damaged: .*format"),
        (_text_for_number, r"\$\.variants\[1\]\.stages\[0\]\.ne"),
        (_too_few_errors, "variant 'int8, ONNX Runtime' has errors of other pictures"),
        (_an_error_left_out, "has labelled points without an error"),
        (_a_landmark_left_out, "has labelled points without an error"),
        (_nothing_in_no_time, "a size or a time that is not above 0"),
        (_too_few_points, "29 per_picture.points for 30 pictures"),
        (_no_such_category, "numbers of no category"),
        (_no_such_main, "main is 4, and it has 4 variants"),
    ],
)
def test_what_is_no_report_is_refused(content: Any, tmp_path: Path, spoil: Callable[[Any], None], message: str) -> None:
    spoil(content)
    path = tmp_path / "report.json"
    path.write_text(json.dumps(content))
    with pytest.raises(DataError, match=message) as caught:
        read_report(tmp_path)
    assert str(path) in str(caught.value)


def test_what_is_not_there_or_cut_off_is_refused(small_report_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no report\.json in this folder"):
        read_report(tmp_path)
    with pytest.raises(DataError, match="no such file or folder"):
        read_report(tmp_path / "nowhere")
    path = tmp_path / "report.json"
    path.write_bytes((small_report_folder / "report.json").read_bytes()[:-500])
    with pytest.raises(DataError, match="not a report, or damaged"):
        read_report(path)
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DataError, match="not a report, or damaged"):
        read_report(path)


def test_lists_of_numbers_take_one_line() -> None:
    value = {"numbers": [1, -2.5e-7, None], "text": "[\n  1,\n  2\n]", "lists": [[1, 2], [], ["a", 1]], "flags": [True]}
    text = json_text(value)
    assert json.loads(text) == value
    lines = text.decode().splitlines()
    assert '  "numbers": [1, -2.5e-7, null],' in lines
    assert "    [1, 2]," in lines


def test_csv_has_a_row_for_each_variant_and_number_of_stages(
    small_report: ReportData, small_report_folder: Path
) -> None:
    text = (small_report_folder / "report.csv").read_text("utf-8")
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    wanted = [(variant, row) for variant in small_report.variants for row in variant.stages]
    assert len(rows) == len(wanted) == 12
    for found, (variant, row) in zip(rows, wanted, strict=True):
        assert (found["variant"], found["stages"]) == (variant.name, str(row.stages))
        assert float(found["ne"]) == row.ne
        assert row.relative_drift is not None
        assert float(found["relative_drift_share_upper"]) == row.relative_drift.upper
        assert float(found["inference_median_ms"]) == row.latency.inference.median
        assert int(found["size_bytes"]) == row.bytes
        assert found["bundle_sha256"] == {one.label: one.digest for one in small_report.bundles}[variant.bundle]


def test_csv_leaves_out_what_is_not_known_and_quotes(small_report: ReportData) -> None:
    variant = small_report.variants[0]
    row = replace(variant.last, drift=None, relative_drift=None, float_ne=None, ratio=None)
    changed = replace(small_report, variants=(replace(variant, name='a "b",\nc', stages=(row,)),))
    (found,) = csv.DictReader(io.StringIO(csv_text(changed), newline=""))
    assert found["variant"] == 'a "b",\nc'
    assert found["drift_lower"] == found["float_ne"] == found["inference_to_float32_ratio"] == ""


def test_markdown_has_the_numbers(small_report: ReportData, small_report_folder: Path) -> None:
    text = (small_report_folder / "report.md").read_text("utf-8")
    assert small_report.headline in text
    for variant in small_report.variants:
        for row in variant.stages:
            assert re.search(rf"^\| {variant.name} \| {row.stages} \| {row.ne:.4f} \|", text, re.MULTILINE)
    tables = [part for part in text.split("\n\n") if part.startswith("|")]
    assert len(tables) >= 4
    for table in tables:
        assert len({line.count("|") for line in table.splitlines()}) == 1


def test_names_cannot_break_a_table(small_report: ReportData) -> None:
    table = markdown_table(("a", "b"), [("x|y\n| z", "<img src=x> `*[1](2)")])
    assert table.splitlines() == [
        "| a | b |",
        "| --- | ---: |",
        "| x&#124;y &#124; z | &#60;img src=x&#62; &#96;&#42;&#91;1&#93;(2) |",
    ]
    name = "</details><script>"
    assert name not in report_markdown(replace(small_report, notes=(name,), command=name, headline=name))
