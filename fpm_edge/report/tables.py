"""Rows of the page's tables, in the order in which they are read."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fpm_edge.accuracy.drift import PartDrift
from fpm_edge.accuracy.table1 import Row, Table1
from fpm_edge.bench import Bench
from fpm_edge.report.data import ReportData, Variant
from fpm_edge.report.devices import BenchRow, bench_rows
from fpm_edge.report.parts import PartNe
from fpm_edge.report.points import Point

__all__ = [
    "NeRow",
    "SideRow",
    "benches_of",
    "ne_rows",
    "reach",
    "side_by_side",
    "table_cells",
    "table_of",
    "worst_first",
]

# Share of the bounds that the bars' scale has room for: one wild landmark would make all others look alike.
_WITHIN = 0.85


@dataclass(frozen=True)
class NeRow:
    """One landmark or category: its points, the NE of every variant, and the first one's share of the largest NE."""

    name: str
    count: int
    values: tuple[float | None, ...]
    share: float


@dataclass(frozen=True)
class SideRow:
    """One variant with the most stages that were run, and its point on every device (None: not run there)."""

    variant: str
    stages: int
    threads: int
    points: tuple[Point | None, ...]


def ne_rows(variants: Sequence[Sequence[PartNe]]) -> list[NeRow]:
    """What has points, the largest NE of the first variant first. All variants have the same parts in one order."""
    rows = list(zip(*variants, strict=True))
    known = [(row, row[0].ne) for row in rows if row[0].ne is not None]
    largest = max((value for _, value in known), default=1.0) or 1.0
    return [
        NeRow(row[0].name, row[0].count, tuple(part.ne for part in row), value / largest)
        for row, value in sorted(known, key=lambda one: -one[1])
    ]


def worst_first(parts: Sequence[PartDrift]) -> list[PartDrift]:
    """Parts that occur, the largest relative drift first."""
    present = [entry for entry in parts if entry.count]
    return sorted(present, key=lambda e: -e.relative_drift.estimate if e.relative_drift else float("inf"))


def reach(variant: Variant) -> float:
    """The scale of a variant's bars: most bounds of its landmarks and categories lie within, those beyond are cut."""
    parts = (*variant.landmarks, *variant.categories)
    found = [entry.relative_drift for entry in parts if entry.relative_drift is not None]
    sizes = sorted(max(abs(interval.lower), abs(interval.upper)) for interval in found)
    return 1.1 * sizes[int(_WITHIN * (len(sizes) - 1))] if sizes else 0.0


def table_cells(table: Table1) -> list[tuple[str, list[tuple[str, bool]]]]:
    """Name, and (text, whether it is the lowest of its column) of each cell, of every row."""
    mark = "\x00"
    rows = table.cells(lambda text: mark + text)
    return [(name, [(text.removeprefix(mark), text.startswith(mark)) for text in cells]) for name, *cells in rows]


def table_of(plain: Mapping[str, Any]) -> Table1:
    """The table that `Table1.to_dict` gave."""

    def row(model: Mapping[str, Any]) -> Row:
        columns = model["columns"].values()
        means = [model["average"], model["column_average"], *(column["mean"] for column in columns)]
        average, column_average, *values = (math.nan if mean is None else mean for mean in means)
        counts = tuple(column["count"] for column in columns)
        return Row(model["model"], tuple(values), counts, average, column_average)

    models = tuple(row(model) for model in plain["models"])
    return Table1(plain["data"], plain["pictures"], plain["ne"], tuple(plain["columns"]), models)


def side_by_side(points: Sequence[Point]) -> list[SideRow]:
    """Every variant on every device, with the most stages that it was run with anywhere."""
    devices = list(dict.fromkeys(point.device for point in points))
    most: dict[tuple[str, int], int] = {}
    for point in points:
        key = (point.variant, point.threads)
        most[key] = max(most.get(key, 0), point.stages)
    at = {(point.variant, point.threads, point.stages, point.device): point for point in points}
    return [
        SideRow(name, stages, threads, tuple(at.get((name, threads, stages, device)) for device in devices))
        for (name, threads), stages in most.items()
    ]


def benches_of(data: ReportData) -> list[tuple[str, Bench, list[BenchRow]]]:
    """(device, bench, its rows) of every bench."""
    rows = bench_rows(data)
    found, start = [], 0
    for bench in data.benches:
        mine = list(rows[start : start + len(bench.rows)])
        start += len(bench.rows)
        found.append((mine[0].device, bench, mine))
    return found
