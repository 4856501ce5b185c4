"""The drift gate: one rule for the conversion and for the device."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

from fpm_edge.accuracy.drift import DriftReport
from fpm_edge_runtime.bundle.manifest import Interval
from fpm_edge_runtime.errors import GateError, UsageError

__all__ = ["FEWEST_FOR_GATE", "Budget", "Held", "check_drift", "excess", "held_parts"]

# The bootstrap's bounds say nothing about a handful of pictures; with one they coincide with the estimate.
FEWEST_FOR_GATE = 10

# Of one landmark or category, where nothing else is asked for (the project's own target).
_USUAL_PART = 0.05


@dataclass(frozen=True)
class Budget:
    """Largest upper 95 % bounds of the last stage's relative NE drift that are allowed, as shares (0.03 is 3 %).

    Attributes:
        overall: over all points.
        part: of every landmark and every category that enough pictures have.
    """

    overall: float
    part: float

    @classmethod
    def of(cls, overall: float | None, part: float | None = None) -> "Budget | None":
        """A budget from options; without `part` the larger of 5 % and `overall`. None where there is none.

        Raises UsageError for one that is not a number, or for `part` without `overall`.
        """
        for budget in (overall, part):
            if budget is not None and not math.isfinite(budget):
                raise UsageError(f"the NE drift budget is {budget}; expected a share such as 0.03 for 3 %")
        if overall is None:
            if part is not None:
                raise UsageError("a budget for landmarks and categories comes with one for all; give --max-ne-drift")
            return None
        return cls(overall, max(overall, _USUAL_PART) if part is None else part)


@dataclass(frozen=True)
class Held:
    """A relative NE drift and the budget that it is held to.

    Attributes:
        name: such as ``landmark crotch``.
        drift: over these points.
        budget: for its upper bound.
    """

    name: str
    drift: Interval
    budget: float


def check_drift(report: DriftReport, budget: Budget | None, what: str, advice: str) -> None:
    """Hold the last stage's relative NE drift to a budget: overall, every landmark, every category.

    Landmarks and categories of fewer than `FEWEST_FOR_GATE` pictures, and those where the float model makes no error,
    are not judged by themselves.

    Args:
        report: drift against the float model.
        budget: None for any.
        what: names the file, for the message.
        advice: what to do about it.

    Raises:
        GateError: a bound is over its budget, with all that are in one table, worst first; or the float model makes no
            error that drift could be relative to.
        UsageError: too few pictures for the bound to mean anything.
    """
    if budget is None:
        return
    _check_pictures(report)
    overall = report.stages[-1].relative_drift
    if overall is None:
        raise GateError(f"{what}: the float model makes no error on this data, so there is no drift relative to it")
    failed = [row for row in _rows(report, overall, budget) if not row.drift.upper <= row.budget]
    if failed:
        failed.sort(key=lambda row: row.budget - row.drift.upper)
        raise GateError(f"{what}: the NE drift is over its budget; {advice}\n{_table(failed)}")


def excess(report: DriftReport, budget: Budget) -> float:
    """How far the worst of the bounds that `check_drift` holds to a budget is over it; infinite where there is none.

    Raises:
        UsageError: too few pictures for the bound to mean anything.
    """
    _check_pictures(report)
    overall = report.stages[-1].relative_drift
    if overall is None:
        return math.inf
    return max(row.drift.upper - row.budget for row in _rows(report, overall, budget))


def _check_pictures(report: DriftReport) -> None:
    if report.pictures < FEWEST_FOR_GATE:
        raise UsageError(
            f"drift was measured on {report.pictures} pictures, which bounds nothing; give at least {FEWEST_FOR_GATE} "
            "to hold it to a budget, better hundreds"
        )


def _rows(report: DriftReport, overall: Interval, budget: Budget) -> list[Held]:
    return [Held("all points", overall, budget.overall), *held_parts(report, budget.part)]


def held_parts(report: DriftReport, budget: float) -> Iterator[Held]:
    """Every landmark and category that enough pictures have for its bound to mean something."""
    for kind, parts in (("landmark", report.landmarks), ("category", report.categories)):
        for part in parts:
            if part.pictures >= FEWEST_FOR_GATE and part.relative_drift is not None:
                yield Held(f"{kind} {part.name}", part.relative_drift, budget)


def _table(rows: list[Held]) -> str:
    cells = [("", "drift", "upper bound", "budget", "over by")]
    for row in rows:
        over = row.drift.upper - row.budget
        cells.append(
            (row.name, f"{row.drift.estimate:+.2%}", f"{row.drift.upper:+.2%}", f"{row.budget:.2%}", f"{over:.2%}")
        )
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return "\n".join(
        "  ".join([name.ljust(widths[0]), *(cell.rjust(w) for cell, w in zip(numbers, widths[1:], strict=True))])
        for name, *numbers in cells
    )
