"""What `fpm-edge evaluate` prints about recognising garments, and about scores that can be believed."""

from collections.abc import Sequence

from rich.table import Table

from fpm_edge.accuracy.recognized import StageRecognition
from fpm_edge.accuracy.trust import BELIEVED, FAR_NE, Reliability, Trust
from fpm_edge_runtime.bundle.recognition import WITHIN_NE

__all__ = ["confusion_table", "recognition_table", "reliability_table", "trust_table"]


def recognition_table(stages: Sequence[StageRecognition]) -> Table:
    """By stage: category found, and what that costs."""
    table = _table(
        "category found, by stage", "stage", "found", "lost", "none found", "NE given", "NE found", "offered"
    )
    for one in stages:
        table.add_row(
            str(one.stage),
            f"{one.found:.1%}",
            f"{one.lost:.1%}",
            _share(one.nothing_found),
            _number(one.ne_given),
            _number(one.ne_found),
            _share(one.offered),
        )
    return table


def confusion_table(last: StageRecognition) -> Table:
    """Pictures by true and found category."""
    found = list(dict.fromkeys(name for row in last.confusion.values() for name in row))
    columns = [*(name for name in last.confusion if name in found), *(n for n in found if n not in last.confusion)]
    table = _table(f"true category (rows) and found (columns), stage {last.stage}", "", *columns)
    for true, row in last.confusion.items():
        table.add_row(true, *(str(row.get(name, 0)) for name in columns))
    return table


def trust_table(stages: Sequence[Trust]) -> Table:
    """By stage: how often a point that is far off is believed."""
    table = _table(
        f"points off by more than {FAR_NE:g}, and the share of them that is believed",
        *("stage", "points", "far", f"score > {BELIEVED:g}", f"confidence > {BELIEVED:g}"),
    )
    for one in stages:
        sure = None if one.confidence is None else one.confidence.far_believed
        table.add_row(str(one.stage), str(one.points), str(one.far), _share(one.score.far_believed), _share(sure))
    return table


def reliability_table(last: Trust) -> Table:
    """By what was stated: how many points are right; the confidences, or the scores where there are none."""
    what, shown = ("score", last.score) if last.confidence is None else ("confidence", last.confidence)
    table = _table(
        f"points within {WITHIN_NE:g}, stage {last.stage}{_error(shown)}", what, "points", "stated", "within"
    )
    for one in shown.bins:
        if one.count:
            table.add_row(f"{one.low:.1f} to {one.high:.1f}", str(one.count), _share(one.stated), _share(one.right))
    return table


def _table(title: str, *headings: str) -> Table:
    table = Table(title=title, title_justify="left")
    for heading in headings:
        table.add_column(heading, justify="right")
    return table


def _error(shown: Reliability) -> str:
    return "" if shown.error is None else f"; expected calibration error {shown.error:.1%}"


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.1%}"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}"
