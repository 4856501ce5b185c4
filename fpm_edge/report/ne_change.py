"""What NE and drift of two variants differ by, with bounds from the errors of single pictures."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from fpm_edge.accuracy.bootstrap import bootstrap_changes
from fpm_edge.convert.gate import FEWEST_FOR_GATE
from fpm_edge.report.changes import Change, PartChange, verdict_of
from fpm_edge.report.data import ReportData, StageRow, Variant
from fpm_edge_runtime.bundle.manifest import Interval

__all__ = ["Pictures", "drift_changes", "ne_changes", "part_changes"]

_Array = NDArray[np.float64]
_Rows = Sequence[tuple[StageRow, StageRow]]

# Of a simultaneous bound's tail there are at least so many resamples.
_IN_TAIL = 10
_CONFIDENCE = 0.95


@dataclass(frozen=True)
class Pictures:
    """How the pictures of two reports belong together.

    Attributes:
        a, b: the reports.
        kind: ``paired``: the same ones in the same order; ``unpaired``: others; ``unknown``: a report does not have the
            errors of single pictures.
    """

    a: ReportData
    b: ReportData
    kind: Literal["paired", "unpaired", "unknown"]

    @classmethod
    def of(cls, a: ReportData, b: ReportData, pairs: Sequence[tuple[Variant, Variant]]) -> "Pictures":
        """Paired by the digest of the data sets."""
        known = all(one.errors is not None and other.errors is not None for one, other in pairs)
        if not known or a.dataset.per_picture is None or b.dataset.per_picture is None:
            return cls(a, b, "unknown")
        return cls(a, b, "paired" if a.dataset.digest == b.dataset.digest else "unpaired")

    @property
    def fewest(self) -> int:
        """Pictures of the smaller data set."""
        return min(self.a.dataset.pictures, self.b.dataset.pictures)

    def statement(self) -> str:
        """How the bounds of NE came about, in words."""
        old, new = self.a.dataset, self.b.dataset
        if self.kind == "unknown":
            return (
                "NE is not judged: a report has no errors of single pictures, as an older version made it. Make it "
                "again with this version."
            )
        if self.fewest < FEWEST_FOR_GATE:
            return f"NE is not judged: {self.fewest} pictures bound nothing; {FEWEST_FOR_GATE} are the fewest."
        if self.kind == "paired":
            return f"NE was measured on the same {new.pictures} pictures: bounds are of the paired differences."
        text = (
            f"NE was measured on different pictures or annotations ({old.pictures} of {old.name}, {new.pictures} of "
            f"{new.name}): bounds are of two samples, wider than on the same pictures, and take both to be drawn from "
            "the same kind of pictures."
        )
        if old.schema != new.schema:
            text += f" The landmarks differ too ({old.schema}, {new.schema}), so NE means different things."
        return text


def ne_changes(a: Variant, b: Variant, rows: _Rows, pictures: Pictures) -> list[Change]:
    """NE in every row: all labelled points pooled, as in the report."""
    found: list[_Found] = [(None, None)] * len(rows)
    if pictures.kind != "unknown":
        sides = []
        for side, (variant, report) in enumerate(((a, pictures.a), (b, pictures.b))):
            points = _points(report)
            sums = np.stack([_sums(variant, row[side].stages, points) for row in rows], axis=1)
            sides.append((sums, np.broadcast_to(points[:, np.newaxis], sums.shape)))
        found = _judge(sides[0], sides[1], pictures)
    return [
        Change(old.ne, new.ne, difference, relative, verdict_of(difference))
        for (old, new), (difference, relative) in zip(rows, found, strict=True)
    ]


def drift_changes(a: Variant, b: Variant, rows: _Rows, pictures: Pictures) -> list[Change]:
    """Relative NE drift from each side's own float model, in every row; None where one is the float model itself."""
    values = [(None if a.is_reference else _drift(old), None if b.is_reference else _drift(new)) for old, new in rows]
    found: dict[int, _Found] = {}
    float_a, float_b = _reference(a, pictures.a), _reference(b, pictures.b)
    if float_a is not None and float_b is not None and pictures.kind != "unknown":
        known = [
            index
            for index, (old, new) in enumerate(rows)
            if None not in values[index] and _has(float_a, old.stages) and _has(float_b, new.stages)
        ]
        sides = []
        for side, (variant, base, report) in enumerate(((a, float_a, pictures.a), (b, float_b, pictures.b))):
            points = _points(report)
            floats = [_sums(base, rows[index][side].stages, points) for index in known]
            moved = [_sums(variant, rows[index][side].stages, points) for index in known]
            if known:
                sides.append((np.stack(moved, axis=1) - np.stack(floats, axis=1), np.stack(floats, axis=1)))
        if known and all(base.sum(axis=0).all() for _, base in sides):
            found = dict(zip(known, _judge(sides[0], sides[1], pictures), strict=True))
    changes = []
    for index, (old, new) in enumerate(values):
        difference, _ = found.get(index, (None, None))
        changes.append(Change(old, new, difference, None, verdict_of(difference)))
    return changes


def part_changes(
    a: Variant, b: Variant, pictures: Pictures, kind: Literal["landmark", "category"]
) -> tuple[PartChange, ...]:
    """NE of each landmark or category that both have, with all stages, worst change first.

    The bounds hold for all parts together (Bonferroni): of 24 landmarks that did not change, one would be outside its
    own 95 % bounds about every time. Parts of fewer than `FEWEST_FOR_GATE` pictures are not judged.
    """
    if pictures.kind == "unknown":
        return ()
    old, new = _parts(a, pictures.a, kind), _parts(b, pictures.b, kind)
    names = [name for name in new if name in old]
    judged = [name for name in names if min(_count(old[name]), _count(new[name])) >= FEWEST_FOR_GATE]
    found: dict[str, _Found] = {}
    if judged:
        tables = [
            tuple(np.stack([side[name][number] for name in judged], axis=1) for number in (0, 1)) for side in (old, new)
        ]
        first, second = ((table[0], table[1]) for table in tables)
        found = dict(zip(judged, _judge(first, second, pictures, together=len(judged)), strict=True))
    changes = []
    for name in names:
        difference, relative = found.get(name, (None, None))
        before, after = (float(side[name][0].sum() / side[name][1].sum()) for side in (old, new))
        change = Change(before, after, difference, relative, verdict_of(difference))
        changes.append(PartChange(kind, name, _count(old[name]), _count(new[name]), change))
    return tuple(sorted(changes, key=_worst_first))


_Found = tuple[Interval | None, Interval | None]


def _judge(
    a: tuple[_Array, NDArray[Any]], b: tuple[_Array, NDArray[Any]], pictures: Pictures, together: int = 1
) -> list[_Found]:
    if pictures.fewest < FEWEST_FOR_GATE:
        return [(None, None)] * a[0].shape[1]
    return list(
        bootstrap_changes(
            a,
            b,
            paired=pictures.kind == "paired",
            confidence=1 - (1 - _CONFIDENCE) / together,
            resamples=max(2000, round(2 * _IN_TAIL * together / (1 - _CONFIDENCE))),
        )
    )


def _worst_first(part: PartChange) -> tuple[bool, float]:
    """Those that are judged first, by what they lost."""
    change = part.ne
    return change.difference is None, (change.a or 0.0) - (change.b or 0.0)


def _drift(row: StageRow) -> float | None:
    return None if row.relative_drift is None else row.relative_drift.estimate


def _reference(variant: Variant, report: ReportData) -> Variant | None:
    """The float model that it is compared with, in the engine that stands for it."""
    found = (one for one in report.variants if one.is_reference and one.bundle == variant.reference)
    return next((one for one in found if one.errors is not None), None)


def _has(variant: Variant, stages: int) -> bool:
    return any(row.stages == stages for row in variant.stages)


def _points(report: ReportData) -> _Array:
    each = report.dataset.per_picture
    return np.array(() if each is None else each.points, np.float64)


def _sums(variant: Variant, stages: int, points: _Array) -> _Array:
    """(pictures,) summed NE with so many stages."""
    if variant.errors is None:
        raise ValueError(f"{variant.name} has no errors of single pictures")
    index = next(index for index, row in enumerate(variant.stages) if row.stages == stages)
    return _numbers(variant.errors.stages[index]) * points


def _numbers(values: Sequence[float | None]) -> _Array:
    return np.array([0.0 if value is None else value for value in values], np.float64)


def _parts(variant: Variant, report: ReportData, kind: str) -> dict[str, tuple[_Array, _Array]]:
    """Name → (pictures,) summed NE and number of points, with all stages; only parts with points."""
    each = report.dataset.per_picture
    if variant.errors is None or each is None:
        return {}
    if kind == "landmark":
        found = {
            name: (_numbers(values), np.array([value is not None for value in values], np.float64))
            for name, values in variant.errors.landmarks.items()
        }
    else:
        points, of = _points(report), np.array(each.categories)
        sums = _sums(variant, variant.last.stages, points)
        found = {
            name: (np.where(of == number, sums, 0.0), np.where(of == number, points, 0.0))
            for number, name in enumerate(report.dataset.categories)
        }
    return {name: part for name, part in found.items() if part[1].any()}


def _count(part: tuple[_Array, _Array]) -> int:
    return int(np.count_nonzero(part[1]))
