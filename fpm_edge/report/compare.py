"""Compare two reports, or two bundles of one report: what changed, and whether it is more than chance."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timezone

import numpy as np

from fpm_edge.accuracy.bootstrap import bootstrap_median_ratio
from fpm_edge.convert.gate import FEWEST_FOR_GATE
from fpm_edge.report.change_words import headline
from fpm_edge.report.changes import (
    Comparison,
    LatencyChange,
    LoneVariant,
    SideFacts,
    StageChange,
    VariantChange,
    verdict_of,
)
from fpm_edge.report.data import ReportData, StageRow, Variant
from fpm_edge.report.facts import changed_facts, same_device
from fpm_edge.report.match import match_variants
from fpm_edge.report.ne_change import Pictures, drift_changes, ne_changes, part_changes
from fpm_edge.report.plan import main_index
from fpm_edge_runtime.errors import UsageError

__all__ = ["compare_bundles", "compare_reports"]


@dataclass(frozen=True)
class _Side:
    title: str
    report: ReportData
    variants: tuple[Variant, ...]

    def facts(self) -> SideFacts:
        data = self.report.dataset
        return SideFacts(self.title, self.report.created, data.name, data.pictures, data.digest)

    def digest(self, variant: Variant) -> str:
        return next((one.digest for one in self.report.bundles if one.label == variant.bundle), "")


def compare_reports(
    a: tuple[str, ReportData], b: tuple[str, ReportData], engines: Sequence[str] | None = None
) -> Comparison:
    """Compare report `b` with report `a`, each with its title.

    NE is compared picture by picture where both have the same pictures (by the digest of the data set), else as that of
    two samples. Times of two runs are shown and not judged.

    Args:
        engines: only variants of these; None for all.

    Raises:
        UsageError: no variant of one has a counterpart in the other.
    """
    sides = []
    for title, report in (a, b):
        chosen = tuple(one for one in report.variants if engines is None or one.engine in engines)
        sides.append(_Side(title, report, chosen))
    return _compare(sides[0], sides[1], one_run=False)


def compare_bundles(report: ReportData, a: str, b: str) -> Comparison:
    """Compare two bundles of one report, by their labels: same pictures, same machine, measured in turn.

    Raises:
        UsageError: a label that the report does not have, or no engine that ran both.
    """
    sides = []
    for label in (a, b):
        chosen = tuple(one for one in report.variants if one.bundle == label)
        if not chosen:
            raise UsageError(f"no variant of bundle {label!r}: {'; '.join(report.notes) or 'it is not in the report'}")
        sides.append(_Side(label, report, chosen))
    return _compare(sides[0], sides[1], one_run=True)


def _compare(a: _Side, b: _Side, one_run: bool) -> Comparison:
    matched = match_variants(a.variants, b.variants, one_bundle_each=one_run)
    if not matched.pairs:
        names = [", ".join(repr(one.name) for one in side.variants) or "nothing" for side in (a, b)]
        raise UsageError(
            f"nothing to compare: A ({a.title}) has {names[0]}, B ({b.title}) has {names[1]}; a variant is compared "
            "with the one of the same engine and precision"
        )
    pictures = Pictures.of(a.report, b.report, matched.pairs)
    changes = tuple(_variant(one, other, a, b, pictures, one_run) for one, other in matched.pairs)
    main = changes[main_index([other for _, other in matched.pairs])]
    return Comparison(
        headline=headline(main),
        created=datetime.now(timezone.utc).isoformat(timespec="seconds"),
        a=a.facts(),
        b=b.facts(),
        pictures=pictures.kind,
        one_run=one_run,
        statements=(pictures.statement(), *_time_statements(a, b, one_run)),
        variants=changes,
        only_a=tuple(LoneVariant(one.name, one.precision) for one in matched.only_a),
        only_b=tuple(LoneVariant(one.name, one.precision) for one in matched.only_b),
        facts=changed_facts(a.report, b.report, matched.pairs),
    )


def _time_statements(a: _Side, b: _Side, one_run: bool) -> tuple[str, ...]:
    if one_run:
        rounds = a.report.environment.repeats
        text = f"Times were measured in turn in one run of {rounds} rounds; their ratios have bounds."
        if rounds < FEWEST_FOR_GATE:
            text = f"Times were measured in {rounds} rounds, too few to judge; {FEWEST_FOR_GATE} are the fewest."
        return (text,)
    kind = (
        "on the same kind of device with the same versions, as far as the reports tell"
        if same_device(a.report.environment, b.report.environment)
        else "on different devices, versions or settings"
    )
    return (
        f"Times are of two runs {kind}: not comparable unless it was the same device under the same load. The ratios "
        "are shown and not judged; give both bundles to one run to compare times.",
    )


def _variant(a: Variant, b: Variant, of_a: _Side, of_b: _Side, pictures: Pictures, one_run: bool) -> VariantChange:
    rows = _rows(a, b)
    ne = ne_changes(a, b, rows, pictures)
    drift = drift_changes(a, b, rows, pictures)
    stages = tuple(
        StageChange(
            stages_a=old.stages,
            stages_b=new.stages,
            ne=ne[index],
            drift=drift[index],
            bytes_a=old.bytes,
            bytes_b=new.bytes,
            latency=_latency(old, new, one_run),
        )
        for index, (old, new) in enumerate(rows)
    )
    return VariantChange(
        name=a.name if a.name == b.name else f"{a.name} → {b.name}",
        a=a.name,
        b=b.name,
        precision_a=a.precision,
        precision_b=b.precision,
        digest_a=of_a.digest(a),
        digest_b=of_b.digest(b),
        is_reference=a.is_reference and b.is_reference,
        stages=stages,
        landmarks=part_changes(a, b, pictures, "landmark"),
        categories=part_changes(a, b, pictures, "category"),
    )


def _rows(a: Variant, b: Variant) -> list[tuple[StageRow, StageRow]]:
    """Rows with as many stages; where A and B have different numbers of stages, all of each as well."""
    of_a = {row.stages: row for row in a.stages}
    rows = [(of_a[row.stages], row) for row in b.stages if row.stages in of_a]
    if a.last.stages != b.last.stages:
        rows.append((a.last, b.last))
    return rows


def _latency(a: StageRow, b: StageRow, one_run: bool) -> LatencyChange:
    old, new = a.latency, b.latency
    interval = None
    if one_run and len(old.runs_ms) == len(new.runs_ms) >= FEWEST_FOR_GATE:
        interval = bootstrap_median_ratio(np.array(new.runs_ms), np.array(old.runs_ms))
    return LatencyChange(
        a_ms=old.inference.median,
        b_ms=new.inference.median,
        ratio=new.inference.median / old.inference.median,
        interval=interval,
        verdict=verdict_of(interval, 1.0),
    )
