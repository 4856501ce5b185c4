"""Budgets of a report and of a comparison: met, not met, and not to be judged."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from commands import exit_code

from fpm_edge.report import (
    Limits,
    ReportData,
    compare_bundles,
    compare_reports,
    judge_comparison,
    judge_report,
    write_report,
)
from fpm_edge.report.data import Variant
from fpm_edge.report.gate_words import gate_summary, shown_gates
from fpm_edge.report.gates import Gate, failed_gates
from fpm_edge_runtime import UsageError


def _upper(variant: Variant) -> float:
    drift = variant.last.relative_drift
    assert drift is not None
    return drift.upper


def _only(gates: tuple[Gate, ...], variant: str = "int8, LiteRT") -> Gate:
    (found,) = [gate for gate in gates if gate.variant == variant]
    return found


@pytest.mark.parametrize("side", [1, -1])
def test_the_worst_bound_is_held_to_the_budget(small_report: ReportData, side: int) -> None:
    upper = _upper(small_report.variants[0])
    gates = judge_report(small_report, Limits(max_ne_drift=upper + side * 1e-6, max_part_drift=100.0))
    gate = next(one for one in gates if one.name == "max-ne-drift" and one.variant == "int8, LiteRT")
    assert gate.passed == (side > 0)
    assert gate.judged == upper
    assert gate.over == pytest.approx(-side * 1e-6)
    # float32 is what the others are measured by.
    assert {one.variant for one in gates} == {"int8, LiteRT", "int8, ONNX Runtime"}


def test_parts_are_held_where_enough_pictures_have_them(small_report: ReportData) -> None:
    variant = small_report.variants[0]
    gates = judge_report(small_report, Limits(max_ne_drift=10.0, max_part_drift=-2.0))
    judged = [gate.what for gate in gates if gate.variant == variant.name and gate.name == "max-part-drift"]
    parts = [("landmark", one) for one in variant.landmarks] + [("category", one) for one in variant.categories]
    assert judged == [f"drift, {kind} {part.name}" for kind, part in parts if part.pictures >= 10]
    assert len(judged) > 5
    assert not any(gate.passed for gate in gates if gate.name == "max-part-drift")
    # As for `convert`: 5 %, or the budget for all points where that is larger.
    assert {gate.limit for gate in judge_report(small_report, Limits(max_ne_drift=0.01))} == {0.01, 0.05}


def test_size_and_time_are_held_to_their_budgets(small_report: ReportData) -> None:
    last = small_report.variants[0].last
    size, times = last.bytes / 1e6, sorted(last.latency.runs_ms)
    for factor in (1.001, 0.999):
        assert _only(judge_report(small_report, Limits(max_size_mb=factor * size))).passed == (factor > 1)
        # Of 12 values the median is at most the third largest, with 95 % confidence (binomial: 3.9 % outside).
        assert _only(judge_report(small_report, Limits(max_latency_ms=factor * times[-3]))).passed == (factor > 1)
    ratio = _only(judge_report(small_report, Limits(max_latency_ratio=1e-6)))
    assert ratio.estimate == pytest.approx(last.ratio, rel=0.01)
    assert ratio.judged is not None
    assert ratio.estimate is not None
    assert ratio.judged >= ratio.estimate
    assert _only(judge_report(small_report, Limits(max_latency_ratio=ratio.judged))).passed


def test_a_bundle_is_held_to_its_own_budget(small_report: ReportData) -> None:
    gate = _only(judge_report(small_report, Limits(own=True)))
    assert (gate.name, gate.limit, gate.passed) == ("gate", 10.0, True)
    variant = small_report.variants[0]
    without = replace(small_report, variants=(replace(variant, budget=None), *small_report.variants[1:]))
    gate = _only(judge_report(without, Limits(own=True)))
    assert not gate.passed
    assert gate.reason == "its bundle states no drift budget; give --max-ne-drift"
    assert _only(judge_report(without, Limits(own=True, max_ne_drift=10.0, max_part_drift=10.0))[:1]).passed


def test_what_cannot_be_judged_fails_and_says_why(small_report: ReportData) -> None:
    variant = small_report.variants[0]
    short = replace(variant.last, latency=replace(variant.last.latency, runs_ms=variant.last.latency.runs_ms[:9]))
    lone = replace(
        variant, reference=None, stages=(*variant.stages[:2], replace(short, relative_drift=None)), landmarks=()
    )
    report = replace(small_report, variants=(lone, *small_report.variants[2:]))
    gate = _only(judge_report(report, Limits(max_ne_drift=0.5)))
    assert (gate.passed, gate.judged, gate.over) == (False, None, None)
    assert gate.reason is not None
    assert "no float model" in gate.reason
    gate = _only(judge_report(report, Limits(max_latency_ratio=100.0)))
    assert gate.reason == "float32 was not measured in the same engine with as many stages"
    report = replace(small_report, variants=(replace(lone, reference="tiny_float"), *small_report.variants[2:]))
    assert "rounds" in str(_only(judge_report(report, Limits(max_latency_ratio=100.0))).reason)
    few = replace(small_report, dataset=replace(small_report.dataset, pictures=9))
    assert "measured on 9 pictures" in str(_only(judge_report(few, Limits(own=True))).reason)
    nothing = replace(variant, landmarks=(), categories=())
    gates = judge_report(replace(small_report, variants=(nothing,)), Limits(max_ne_drift=10.0, max_part_drift=10.0))
    assert [(gate.name, gate.passed) for gate in gates] == [("max-ne-drift", True), ("max-part-drift", False)]


def test_an_increase_is_held_by_its_worst_bound(small_report: ReportData) -> None:
    found = compare_bundles(small_report, "tiny", "tiny_float")
    change = found.variants[0]
    ne, time = change.last.ne.relative, change.last.latency.interval
    assert ne is not None
    assert time is not None
    for side in (1e-6, -1e-6):
        limits = Limits(max_ne_increase=ne.upper + side, max_latency_increase=time.upper - 1 + side)
        gates = [gate for gate in judge_comparison(found, limits) if gate.variant == change.name]
        assert [gate.passed for gate in gates] == [side > 0, side > 0]
    size = next(iter(judge_comparison(found, Limits(max_size_increase=0.5))))
    assert size.judged == change.last.bytes_b / change.last.bytes_a - 1 > 0.5
    assert not size.passed
    parts = judge_comparison(found, Limits(max_part_increase=-1.0))
    judged = [part for part in (*change.landmarks, *change.categories) if part.ne.relative is not None]
    assert len([gate for gate in parts if gate.variant == change.name]) == len(judged) > 5
    assert not any(gate.passed for gate in parts)


def test_gate_alone_wants_no_significant_loss(small_report: ReportData) -> None:
    found = compare_bundles(small_report, "tiny", "tiny_float")
    change = found.variants[0]
    ne = change.last.ne
    assert ne.relative is not None
    for lower in (-0.001, 0.001):
        moved = replace(ne, relative=type(ne.relative)(0.01, lower, 0.02))
        stages = (*change.stages[:-1], replace(change.last, ne=moved))
        (gate,) = judge_comparison(replace(found, variants=(replace(change, stages=stages),)), Limits(own=True))
        assert gate.passed == (lower < 0)


def test_two_runs_tell_nothing_of_time(small_report: ReportData) -> None:
    found = compare_reports(("a", small_report), ("b", small_report))
    gate = _only(judge_comparison(found, Limits(max_latency_increase=10.0)))
    assert not gate.passed
    assert "not comparable unless it was the same device" in str(gate.reason)
    assert _only(judge_comparison(found, Limits(max_ne_increase=0.0))).passed


def test_a_variant_that_has_gone_fails(small_report: ReportData) -> None:
    fewer = replace(small_report, variants=(small_report.variants[0], *small_report.variants[2:]))
    found = compare_reports(("a", small_report), ("b", fewer))
    gates = judge_comparison(found, Limits(max_ne_increase=0.1))
    assert [(gate.variant, gate.passed, gate.reason) for gate in gates] == [
        ("int8, LiteRT", True, None),
        ("int8, ONNX Runtime", False, "only A has it"),
    ]
    assert judge_comparison(compare_reports(("a", fewer), ("b", small_report)), Limits(max_ne_increase=0.1))[0].passed


def test_the_worst_is_told_first() -> None:
    ok = Gate("max-size-mb", "a", "3 stages", "MB", 1.0, 0.5, 0.5, True)
    slightly = Gate("max-size-mb", "b", "3 stages", "MB", 1.0, 1.1, 1.1, False)
    far = Gate("max-ne-drift", "c", "all points", "share", 0.01, 0.02, 0.03, False)
    part = Gate("max-part-drift", "c", "landmark crotch", "share", 0.05, 0.0, 0.01, True)
    unjudged = Gate("max-ne-drift", "d", "all points", "share", 0.01, None, None, False, "no float model")
    assert failed_gates([ok, slightly, far, unjudged]) == [unjudged, far, slightly]
    assert shown_gates([ok, part, slightly]) == [slightly, ok]
    assert gate_summary([ok, slightly]) == (
        "1 of 2 budgets not met. First max-size-mb of b (3 stages): 1.100 MB, and the budget is 1.000 MB"
    )
    assert gate_summary([ok, part]) == "All 2 budgets are met."


def test_limits_are_numbers() -> None:
    with pytest.raises(UsageError, match="--max-size-mb is nan"):
        Limits(max_size_mb=float("nan"))
    with pytest.raises(UsageError, match="give --max-ne-drift"):
        Limits(max_part_drift=0.1)


def test_exit_code_3_after_all_is_written(
    tiny_bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ("--data", "rendered:12@9/64", "--engine", "litert", "--repeats", "1", "--overlays", "0")
    assert exit_code("report", tiny_bundle, *options, "--max-size-mb", "0.001", "--gate", "-o", tmp_path) == 3
    captured = capsys.readouterr()
    assert "FAILED" in captured.out
    assert "1 of 2 budgets not met. First max-size-mb of int8, LiteRT" in captured.err
    gates: Any = json.loads((tmp_path / "report.json").read_text())["gates"]
    assert [(gate["name"], gate["passed"]) for gate in gates] == [("gate", True), ("max-size-mb", False)]
    assert "### Budgets" in (tmp_path / "report.md").read_text("utf-8")
    assert (tmp_path / "report.html").is_file()


def test_reports_are_gated(
    small_report: ReportData, small_report_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    compared = ("--compare", small_report_folder, small_report_folder)
    assert exit_code("report", *compared, "--gate", "--max-ne-increase", "0", "--max-size-increase", "0") == 0
    assert "All 6 budgets are met." in capsys.readouterr().out
    assert exit_code("report", *compared, "--max-latency-increase", "0.1", "--json", "-o", tmp_path / "out") == 3
    captured = capsys.readouterr()
    assert json.loads(captured.out)["gates"][0]["passed"] is False
    assert "not judged, Times are of two runs" in captured.err
    assert (tmp_path / "out/compare.md").is_file()
    floats = replace(small_report, variants=small_report.variants[2:], main=0)
    write_report(floats, tmp_path / "floats")
    assert exit_code("report", "--compare", tmp_path / "floats", tmp_path / "floats", "--gate") == 0


def test_a_budget_that_is_about_nothing_fails(
    tiny_float_bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ("--data", "rendered:2@9/64", "--engine", "litert", "--repeats", "1", "--overlays", "0")
    assert exit_code("report", tiny_float_bundle, *options, "--gate", "-o", tmp_path) == 3
    assert "there is nothing to hold to the budgets" in capsys.readouterr().err
    assert (tmp_path / "report.json").is_file()
