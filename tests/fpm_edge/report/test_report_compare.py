"""What changed between two reports or two bundles, and whether it is more than chance."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from commands import exit_code

from fpm_edge.convert.convert import Calibration, convert
from fpm_edge.data import Dataset
from fpm_edge.report import Comparison, ReportData, compare_bundles, compare_reports, measure, write_report
from fpm_edge.report.data import PictureErrors, Variant
from fpm_edge.report.match import match_variants
from fpm_edge_runtime import UsageError, open_bundle


@pytest.fixture(scope="module")
def noisy_bundle(tiny_model: Path, calibration_data: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The "tiny" network with noise on its weights, in float16 for TFLite, with its own float model inside."""
    from fpm_edge.model.store import load_model, save_model

    config, model = load_model(tiny_model)
    random = np.random.default_rng(0)
    for variable in model.trainable_variables:
        value = variable.numpy()
        variable.assign(value + 0.3 * value.std() * random.standard_normal(value.shape))
    folder = tmp_path_factory.mktemp("noisy")
    save_model(folder / "model", config, model)
    return convert(
        folder / "model",
        folder / "noisy.fpm",
        precision="float16",
        calibration=Calibration(calibration_data, samples=16),
        formats=("tflite",),
        embed_reference=True,
    ).path


@pytest.fixture(scope="module")
def noisy_report(tiny_bundle: Path, noisy_bundle: Path, render_cache: Path) -> ReportData:
    from fpm_edge.data import load_dataset

    bundles = [("tiny", open_bundle(tiny_bundle)), ("noisy", open_bundle(noisy_bundle))]
    return measure(bundles, load_dataset("rendered:30@9/64"), engines=["litert"], repeats=12, overlays=0)


def _scaled(report: ReportData, factor: float, variants: Sequence[int] = (0, 1)) -> ReportData:
    """The report with every error of some of its variants times a factor; 0 and 1 are int8."""

    def scale(values: Sequence[float | None]) -> tuple[float | None, ...]:
        return tuple(None if value is None else factor * value for value in values)

    def change(variant: Variant) -> Variant:
        errors = variant.errors
        assert errors is not None
        changed = PictureErrors(tuple(map(scale, errors.stages)), {n: scale(v) for n, v in errors.landmarks.items()})
        return replace(
            variant, errors=changed, stages=tuple(replace(row, ne=factor * row.ne) for row in variant.stages)
        )

    found = tuple(change(one) if index in variants else one for index, one in enumerate(report.variants))
    return replace(report, variants=found)


def _compare(a: ReportData, b: ReportData) -> Comparison:
    return compare_reports(("a", a), ("b", b))


def test_a_report_is_the_same_as_itself(small_report: ReportData) -> None:
    found = _compare(small_report, small_report)
    assert found.pictures == "paired"
    assert [change.name for change in found.variants] == [one.name for one in small_report.variants]
    for change in found.variants:
        assert [row.stages_b for row in change.stages] == [1, 2, 3]
        for row in change.stages:
            assert row.ne.verdict == "same"
            assert row.ne.difference is not None
            assert row.ne.difference.estimate == 0
            assert row.latency.verdict == "not judged"
            assert row.latency.ratio == 1
            assert row.bytes_a == row.bytes_b
        assert {part.ne.verdict for part in (*change.landmarks, *change.categories)} <= {"same", "not judged"}
    assert found.facts == ()
    assert "It is the same file." in found.headline
    assert any("not comparable unless it was the same device" in text for text in found.statements)


def test_a_known_change_is_found_in_pairs(small_report: ReportData) -> None:
    found = _compare(small_report, _scaled(small_report, 1.02))
    for change in found.variants[:2]:
        for row in change.stages:
            assert row.ne.verdict == "worse"
            assert row.ne.relative is not None
            assert (row.ne.relative.lower, row.ne.relative.upper) == pytest.approx((0.02, 0.02), abs=1e-9)
            assert row.drift.verdict == "worse"
            assert row.drift.difference is not None
            assert row.drift.difference.estimate == pytest.approx(
                0.02 * row.ne.a / _float_ne(small_report, row.stages_b)
            )
        losses = [part.ne.difference.estimate for part in change.landmarks if part.ne.difference is not None]
        assert losses == sorted(losses, reverse=True)
        assert {part.ne.verdict for part in change.landmarks if part.pictures_b >= 10} == {"worse"}
        assert {part.ne.verdict for part in change.landmarks if part.pictures_b < 10} == {"not judged"}
    assert found.variants[2].last.ne.verdict == "same"
    assert _compare(_scaled(small_report, 1.02), small_report).variants[0].last.ne.verdict == "better"


def _float_ne(report: ReportData, stages: int) -> float:
    (reference,) = [one for one in report.variants if one.is_reference]
    return next(row.ne for row in reference.stages if row.stages == stages)


def test_other_pictures_are_two_samples(small_report: ReportData) -> None:
    changed = _scaled(small_report, 1.02)
    other = replace(changed, dataset=replace(changed.dataset, digest="0" * 64, name="other"))
    found = _compare(small_report, other)
    assert found.pictures == "unpaired"
    assert "different pictures or annotations" in found.statements[0]
    row = found.variants[0].last
    assert row.ne.verdict == "no significant change"
    assert row.ne.relative is not None
    assert row.ne.relative.estimate == pytest.approx(0.02)
    assert row.ne.relative.lower < 0 < 0.1 < row.ne.relative.upper
    assert {"data name", "data annotations (SHA-256)"} <= {fact.what for fact in found.facts}


def test_what_is_not_known_is_not_judged(small_report: ReportData) -> None:
    old = tuple(replace(one, errors=None) for one in small_report.variants)
    found = _compare(replace(small_report, variants=old), small_report)
    assert found.pictures == "unknown"
    assert "an older version made it" in found.statements[0]
    assert found.variants[0].last.ne.verdict == "not judged"
    assert found.variants[0].last.ne.a == small_report.variants[0].last.ne
    assert found.variants[0].landmarks == ()


def test_a_handful_of_pictures_is_not_judged(small_report: ReportData) -> None:
    each = small_report.dataset.per_picture
    assert each is not None

    def few(variant: Variant) -> Variant:
        errors = variant.errors
        assert errors is not None
        cut = PictureErrors(tuple(row[:9] for row in errors.stages), {n: v[:9] for n, v in errors.landmarks.items()})
        return replace(variant, errors=cut)

    facts = replace(
        small_report.dataset,
        pictures=9,
        per_picture=replace(each, categories=each.categories[:9], points=each.points[:9]),
    )
    report = replace(small_report, dataset=facts, variants=tuple(map(few, small_report.variants)))
    found = _compare(report, _scaled(report, 2.0))
    assert found.statements[0] == "NE is not judged: 9 pictures bound nothing; 10 are the fewest."
    assert found.variants[0].last.ne.verdict == "not judged"


def test_two_truly_different_bundles_differ(noisy_report: ReportData) -> None:
    found = compare_bundles(noisy_report, "tiny", "noisy")
    (change,) = found.variants
    assert (change.precision_a, change.precision_b) == ("int8", "float16")
    assert found.one_run
    assert change.last.ne.verdict == "worse"
    assert "worse" in found.headline
    assert change.last.latency.interval is not None
    assert change.last.latency.interval.lower <= change.last.latency.ratio <= change.last.latency.interval.upper
    assert change.last.bytes_b == noisy_report.variants[1].last.bytes
    assert "tiny → noisy: precision" in {fact.what for fact in found.facts}
    same = compare_bundles(noisy_report, "tiny", "tiny")
    assert {part.ne.verdict for part in same.variants[0].landmarks} <= {"same", "not judged"}
    with pytest.raises(UsageError, match="no variant of bundle 'other'"):
        compare_bundles(noisy_report, "tiny", "other")


def test_each_bundle_drifts_from_its_own_float_model(noisy_report: ReportData) -> None:
    by_label = {one.bundle: one for one in noisy_report.variants}
    assert by_label["tiny"].reference == "tiny (float model inside)"
    assert by_label["noisy"].reference == "noisy (float model inside)"
    # The same layers with other weights: from the wrong one it would be far.
    drift = by_label["noisy"].last.relative_drift
    assert drift is not None
    assert abs(drift.estimate) < 0.01


def test_variants_are_matched_by_what_they_share(small_report: ReportData) -> None:
    int8, int8_onnx, floats, floats_onnx = small_report.variants
    renamed = replace(int8, bundle="new", name="int8 new, LiteRT")
    wide = replace(int8, precision="int16x8", name="int16x8, LiteRT")
    found = match_variants([int8, floats], [floats, renamed])
    assert found.pairs == ((floats, floats), (int8, renamed))
    found = match_variants([int8, floats], [wide, floats])
    assert found.pairs == ((int8, wide), (floats, floats))
    found = match_variants([int8, wide], [wide])
    assert (found.pairs, found.only_a) == (((wide, wide),), (int8,))
    # Two that could be meant: none is.
    found = match_variants([int8, replace(int8, bundle="other")], [renamed])
    assert (found.pairs, len(found.only_a), found.only_b) == ((), 2, (renamed,))
    found = match_variants([int8_onnx], [floats_onnx])
    assert found.pairs == ()
    assert match_variants([int8_onnx], [floats_onnx], one_bundle_each=True).pairs == ((int8_onnx, floats_onnx),)


def test_fewer_stages_are_compared_as_they_ship(small_report: ReportData) -> None:
    first = small_report.variants[0]
    assert first.errors is not None
    short = replace(
        first, stages=first.stages[:2], errors=replace(first.errors, stages=first.errors.stages[:2], landmarks={})
    )
    found = _compare(small_report, replace(small_report, variants=(short,), main=0))
    assert [(row.stages_a, row.stages_b) for row in found.variants[0].stages] == [(1, 1), (2, 2), (3, 2)]
    assert found.variants[0].last.ne.verdict != "same"
    assert [one.name for one in found.only_a] == [one.name for one in small_report.variants[1:]]


def test_the_environment_is_compared(small_report: ReportData) -> None:
    facts = small_report.environment
    other = replace(
        small_report, environment=replace(facts, cpu="another", packages={**facts.packages, "numpy": "1.0"})
    )
    found = _compare(small_report, other)
    assert {(fact.what, fact.b) for fact in found.facts} == {("processor", "another"), ("numpy", "1.0")}
    assert "on different devices" in found.statements[1]


def test_the_command_compares_reports(
    small_report: ReportData, small_report_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_report(_scaled(small_report, 1.02), tmp_path / "b")
    reports = (small_report_folder, tmp_path / "b/report.json")
    assert exit_code("report", "--compare", *reports, "--json", "-o", tmp_path / "out") == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed == json.loads((tmp_path / "out/compare.json").read_text())
    assert printed["variants"][0]["stages"][-1]["ne"]["verdict"] == "worse"
    text = (tmp_path / "out/compare.md").read_text("utf-8")
    assert printed["headline"] in text
    tables = [part for part in text.split("\n\n") if part.startswith("|")]
    for table in tables:
        assert len({line.count("|") for line in table.splitlines()}) == 1
    assert exit_code("report", "--compare", small_report_folder, tmp_path / "b", "--engine", "onnxruntime") == 0
    captured = capsys.readouterr()
    assert "What changed from A to B" in captured.out
    assert "+2.0\u202f%, 95 % bounds" in captured.err
    assert "LiteRT" not in captured.out


def test_the_command_compares_bundles(tiny_bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ("--data", "rendered:6@9/64", "--engine", "litert", "--repeats", "2", "--overlays", "0")
    assert exit_code("report", "--compare", tiny_bundle, tiny_bundle, *options, "--json", "-o", tmp_path) == 0
    captured = capsys.readouterr()
    assert "deadlines of" in captured.err
    printed = json.loads(captured.out)
    assert (printed["a"]["title"], printed["b"]["title"]) == (str(tiny_bundle), f"{tiny_bundle} (2)")
    assert printed["one_run"]
    assert printed["variants"][0]["digest_a"] == printed["variants"][0]["digest_b"]
    report: Any = json.loads((tmp_path / "report.json").read_text())
    assert f"--compare {tiny_bundle} {tiny_bundle}" in report["command"]
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_file()) == [
        "compare.json",
        "compare.md",
        "report.csv",
        "report.html",
        "report.json",
        "report.md",
    ]


def test_without_a_page_nothing_is_measured_for_one(tiny_bundle: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ("--data", "rendered:6@9/64", "--engine", "litert", "--repeats", "2")
    assert exit_code("report", "--compare", tiny_bundle, tiny_bundle, *options) == 0
    captured = capsys.readouterr()
    assert "What changed from A to B" in captured.out
    assert "deadlines of" not in captured.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--compare", "A", "x.fpm"), "a report (A) and a bundle (x.fpm)"),
        (("--compare", "A", "A", "--data", "rendered:6@9/64"), "leave out --data"),
        (("--compare", "A", "A", "more.fpm"), "leave out --data and other bundles"),
        (("--compare", "x.fpm", "y.fpm"), "give --data KIND:PATH"),
        (("x.fpm", "--data", "rendered:6@9/64"), "give -o PATH"),
        (("--data", "rendered:6@9/64", "-o", "A"), "give at least one BUNDLE"),
        (("x.fpm", "--data", "rendered:6@9/64", "-o", "A", "--max-ne-increase", "0.1"), "give --compare A B too"),
        (("--compare", "A", "A", "--engine", "openvino"), "nothing to compare"),
    ],
)
def test_what_cannot_be_meant_is_refused(
    small_report_folder: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], message: str
) -> None:
    named = [str(small_report_folder) if one == "A" else one for one in arguments]
    assert exit_code("report", *named) == 2
    assert message.replace("(A)", f"({small_report_folder})") in capsys.readouterr().err
