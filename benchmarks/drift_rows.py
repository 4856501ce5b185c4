"""Shared by the ablations: drift reports kept as JSON, and printed as Markdown tables."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec

from fpm_edge.accuracy.drift import DriftReport
from fpm_edge_runtime.files import write_atomically

# A landmark of fewer points says little by itself.
FEWEST_POINTS = 20


def keep(path: Path, report: DriftReport) -> None:
    """Write a report, so that a benchmark that is run again need not measure again."""
    write_atomically(path, msgspec.json.encode(report.to_dict()))


def print_rows(paths: Iterable[tuple[str, Path]]) -> None:
    """A row for the float model, and one for each name whose report exists."""
    reports = _read(paths)
    if not reports:
        return
    stages = reports[0][1]["stages"]
    headings = ("model", f"NE, stages 1–{len(stages)}", "drift, last stage", "bounds", "worst landmark", "disagreement")
    print(f"| {' | '.join(headings)} |\n|{'---|' * len(headings)}")
    print(f"| float | {_by_stage(stage['float_ne'] for stage in stages)} | | | | |")
    for name, report in reports:
        print(f"| {' | '.join((name, *_cells(report)))} |")


def print_landmarks(paths: Iterable[tuple[str, Path]]) -> None:
    """Relative drift by landmark at the last stage, with its upper 95 % bound: a column for each report that exists."""
    reports = _read(paths)
    if not reports:
        return
    headings = ("landmark", "points", "NE, float", *(name for name, _ in reports))
    print(f"\n| {' | '.join(headings)} |\n|{'---|' * len(headings)}")
    for number, part in enumerate(reports[0][1]["landmarks"]):
        if part["count"] >= FEWEST_POINTS:
            cells = (_bounded(report["landmarks"][number]["relative_drift"]) for _, report in reports)
            print(f"| {part['name']} | {part['count']} | {part['float_ne']:.4f} | {' | '.join(cells)} |")


def _read(paths: Iterable[tuple[str, Path]]) -> list[tuple[str, Any]]:
    return [(name, msgspec.json.decode(path.read_bytes())) for name, path in paths if path.is_file()]


def _bounded(drift: dict[str, float] | None) -> str:
    return "–" if drift is None else f"{drift['estimate']:+.1%} ({drift['upper']:+.1%})"


def _by_stage(values: Iterable[float]) -> str:
    return " / ".join(f"{value:.4f}" for value in values)


def _cells(report: dict[str, Any]) -> tuple[str, ...]:
    stages = report["stages"]
    relative = stages[-1]["relative_drift"]
    known = [part for part in report["landmarks"] if part["relative_drift"] and part["count"] >= FEWEST_POINTS]
    worst = max(known, key=lambda part: part["relative_drift"]["estimate"], default=None)
    return (
        _by_stage(stage["converted_ne"] for stage in stages),
        f"{relative['estimate']:+.2%}",
        f"{relative['lower']:+.2%} to {relative['upper']:+.2%}",
        "–" if worst is None else f"{worst['name']} {worst['relative_drift']['estimate']:+.1%}",
        _by_stage(stage["disagreement"]["estimate"] for stage in stages),
    )
