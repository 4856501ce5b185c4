"""Hold a report, or a comparison, to budgets. What cannot be judged fails, and says why."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields

import numpy as np

from fpm_edge.accuracy.bootstrap import bootstrap_median_ratio
from fpm_edge.accuracy.drift import DriftReport
from fpm_edge.accuracy.median import median_ranks
from fpm_edge.convert.gate import FEWEST_FOR_GATE, Budget, held_parts
from fpm_edge.report.changes import Comparison, VariantChange
from fpm_edge.report.data import Latency, ReportData, Variant
from fpm_edge.report.gates import Gate, Unit
from fpm_edge_runtime.errors import UsageError

__all__ = ["Limits", "judge_comparison", "judge_report"]

_TOO_FEW = f"bounds need at least {FEWEST_FOR_GATE}"


@dataclass(frozen=True)
class Limits:
    """Budgets, None for none. Those with `increase` in their name are for B against A; shares are such as 0.03.

    Attributes:
        own: each bundle's own drift budget, and in a comparison an NE that is not significantly worse.
        max_ne_drift, max_part_drift: relative NE drift over all points; of every landmark and category. Upper bounds.
        max_latency_ms: median of pieces and decoding, upper bound by order statistics, as in the search.
        max_latency_ratio: of its median to that of float32 in the same engine and run, upper bound.
        max_size_mb: of the pieces that run, in MB of a million bytes.
        max_ne_increase, max_part_increase: of NE, relative, upper bound.
        max_latency_increase: of the median time, relative, upper bound.
        max_size_increase: of the pieces that run, relative.

    Raises:
        UsageError: a limit is not a number, or `max_part_drift` comes without `max_ne_drift`.
    """

    own: bool = False
    max_ne_drift: float | None = None
    max_part_drift: float | None = None
    max_latency_ms: float | None = None
    max_latency_ratio: float | None = None
    max_size_mb: float | None = None
    max_ne_increase: float | None = None
    max_part_increase: float | None = None
    max_latency_increase: float | None = None
    max_size_increase: float | None = None

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if value is not None and not math.isfinite(value):
                raise UsageError(f"--{field.name.replace('_', '-')} is {value}; expected a number such as 0.03")
        Budget.of(self.max_ne_drift, self.max_part_drift)

    @property
    def relative(self) -> tuple[str, ...]:
        """The options given that only a comparison can be held to."""
        names = (field.name for field in fields(self) if field.name.endswith("increase"))
        return tuple(f"--{name.replace('_', '-')}" for name in names if getattr(self, name) is not None)

    @property
    def any(self) -> bool:
        """Whether there is anything to hold to."""
        return self.own or any(getattr(self, field.name) is not None for field in fields(self) if field.name != "own")


def judge_report(
    report: ReportData, limits: Limits, *, bundle: str | None = None, engines: Sequence[str] | None = None
) -> tuple[Gate, ...]:
    """Hold every variant with all its stages to the budgets that are not about an increase.

    float32 is what the others are measured by, and is held to none, unless there is nothing else.

    Args:
        bundle: only variants of the bundle with this label.
        engines: only variants of these.
    """
    chosen = [
        one
        for one in report.variants
        if (bundle is None or one.bundle == bundle) and (engines is None or one.engine in engines)
    ]
    judged = [one for one in chosen if one.precision != "float32"] or chosen
    return tuple(gate for one in judged for gate in _of_variant(one, report, limits))


def judge_comparison(found: Comparison, limits: Limits) -> tuple[Gate, ...]:
    """Hold B's variants to the budgets of an increase against A's. A variant that only A has fails them.

    float32 is held to none, unless there is nothing else. What only B has is not held to A.
    """
    judged = [one for one in found.variants if one.precision_b != "float32"] or list(found.variants)
    gates = [gate for one in judged for gate in _of_change(one, found, limits)]
    names = [name.removeprefix("--") for name in limits.relative] or (["gate"] if limits.own else [])
    gates += [
        _unjudged(name, one.name, "all stages", "share", None, "only A has it")
        for one in found.only_a
        if one.precision != "float32"
        for name in names
    ]
    return tuple(gates)


def _of_variant(variant: Variant, report: ReportData, limits: Limits) -> Iterator[Gate]:
    # float32 has no drift budget to keep; where it is the only one, a comparison holds its NE to A's.
    if limits.own and limits.max_ne_drift is None and variant.precision != "float32":
        if variant.budget is None:
            reason = "its bundle states no drift budget; give --max-ne-drift"
            yield _unjudged("gate", variant.name, "drift, all points", "share", None, reason)
        else:
            yield _drift("gate", variant, report, variant.budget.limit)
    budget = Budget.of(limits.max_ne_drift, limits.max_part_drift)
    if budget is not None:
        overall = _drift("max-ne-drift", variant, report, budget.overall)
        yield overall
        if overall.reason is None:
            yield from _parts(variant, report, budget.part, asked=limits.max_part_drift is not None)
    last = variant.last
    what = _stages(last.stages)
    if limits.max_latency_ms is not None:
        yield _latency_ms(variant, what, limits.max_latency_ms)
    if limits.max_latency_ratio is not None:
        yield _latency_ratio(variant, report, limits.max_latency_ratio)
    if limits.max_size_mb is not None:
        size = last.bytes / 1e6
        yield _gate("max-size-mb", variant.name, what, "MB", limits.max_size_mb, size, size)


def _drift(name: str, variant: Variant, report: ReportData, limit: float) -> Gate:
    what, found = "drift, all points", variant.last.relative_drift
    if report.dataset.pictures < FEWEST_FOR_GATE:
        reason = f"measured on {report.dataset.pictures} pictures, and {_TOO_FEW}"
    elif found is not None:
        return _gate(name, variant.name, what, "share", limit, found.estimate, found.upper)
    elif variant.reference is None:
        reason = "no float model to compare with; give the float32 bundle too, or convert with --reference"
    else:
        reason = "the float model makes no error on these pictures, or has fewer stages"
    return _unjudged(name, variant.name, what, "share", limit, reason)


def _parts(variant: Variant, report: ReportData, limit: float, asked: bool) -> Iterator[Gate]:
    parts = DriftReport(
        report.dataset.pictures, report.dataset.points, (), variant.landmarks, categories=variant.categories
    )
    held = list(held_parts(parts, limit))
    if asked and not held:
        reason = f"no landmark or category is in {FEWEST_FOR_GATE} pictures, and {_TOO_FEW}"
        yield _unjudged("max-part-drift", variant.name, "drift of parts", "share", limit, reason)
    for part in held:
        what, found = f"drift, {part.name}", part.drift
        yield _gate("max-part-drift", variant.name, what, "share", limit, found.estimate, found.upper)


def _latency_ms(variant: Variant, what: str, limit: float) -> Gate:
    times = variant.last.latency
    if len(times.runs_ms) < FEWEST_FOR_GATE:
        return _unjudged("max-latency-ms", variant.name, what, "ms", limit, _rounds(times))
    _, high = median_ranks(len(times.runs_ms))
    upper = sorted(times.runs_ms)[high]
    return _gate("max-latency-ms", variant.name, what, "ms", limit, times.inference.median, upper)


def _rounds(times: Latency) -> str:
    return f"timed in {times.inference.runs} rounds, and {_TOO_FEW}"


def _latency_ratio(variant: Variant, report: ReportData, limit: float) -> Gate:
    name, what, last = "max-latency-ratio", f"{_stages(variant.last.stages)}, to float32", variant.last
    floats = (one for one in report.variants if one.bundle == variant.reference and one.engine == variant.engine)
    row = next((row for one in floats for row in one.stages if row.stages == last.stages), None)
    if row is None:
        reason = "float32 was not measured in the same engine with as many stages"
    elif not len(last.latency.runs_ms) == len(row.latency.runs_ms) >= FEWEST_FOR_GATE:
        reason = _rounds(last.latency)
    else:
        found = bootstrap_median_ratio(np.array(last.latency.runs_ms), np.array(row.latency.runs_ms))
        return _gate(name, variant.name, what, "ratio", limit, found.estimate, found.upper)
    return _unjudged(name, variant.name, what, "ratio", limit, reason)


def _of_change(change: VariantChange, found: Comparison, limits: Limits) -> Iterator[Gate]:
    last, name = change.last, change.name
    of_ne, of_time = found.statements[0], found.statements[1]
    ne = last.ne.relative
    if limits.own and limits.max_ne_increase is None:
        if ne is None:
            yield _unjudged("gate", name, "NE against A", "share", 0.0, of_ne)
        else:
            yield _gate("gate", name, "NE against A", "share", 0.0, ne.estimate, ne.lower)
    if limits.max_ne_increase is not None:
        if ne is None:
            yield _unjudged("max-ne-increase", name, "NE, all points", "share", limits.max_ne_increase, of_ne)
        else:
            yield _gate(
                "max-ne-increase", name, "NE, all points", "share", limits.max_ne_increase, ne.estimate, ne.upper
            )
    if limits.max_part_increase is not None:
        yield from _part_increases(change, limits.max_part_increase, of_ne)
    if limits.max_latency_increase is not None:
        limit, times = limits.max_latency_increase, last.latency.interval
        if times is None:
            yield _unjudged("max-latency-increase", name, "time", "share", limit, of_time)
        else:
            yield _gate("max-latency-increase", name, "time", "share", limit, times.estimate - 1, times.upper - 1)
    if limits.max_size_increase is not None:
        more = last.bytes_b / last.bytes_a - 1
        yield _gate("max-size-increase", name, "size", "share", limits.max_size_increase, more, more)


def _part_increases(change: VariantChange, limit: float, of_ne: str) -> Iterator[Gate]:
    held = [part for part in (*change.landmarks, *change.categories) if part.ne.relative is not None]
    if not held:
        reason = of_ne if change.last.ne.relative is None else f"no part is in {FEWEST_FOR_GATE} pictures; {_TOO_FEW}"
        yield _unjudged("max-part-increase", change.name, "NE of parts", "share", limit, reason)
    for part in held:
        if part.ne.relative is not None:
            what, found = f"NE, {part.kind} {part.name}", part.ne.relative
            yield _gate("max-part-increase", change.name, what, "share", limit, found.estimate, found.upper)


def _stages(count: int) -> str:
    return f"{count} stage{'' if count == 1 else 's'}"


def _gate(name: str, variant: str, what: str, unit: Unit, limit: float, estimate: float, judged: float) -> Gate:
    # Not `judged > limit`: what is no number is not within a budget.
    return Gate(name, variant, what, unit, limit, estimate, judged, passed=judged <= limit)


def _unjudged(name: str, variant: str, what: str, unit: Unit, limit: float | None, reason: str) -> Gate:
    return Gate(name, variant, what, unit, limit, None, None, passed=False, reason=reason)
