"""The points that answer the usual questions, on the report's own device."""

from collections.abc import Sequence
from dataclasses import dataclass

from fpm_edge.report.data import ReportData
from fpm_edge.report.points import Point

__all__ = ["Choice", "choices_of"]

# An NE this much above the lowest is told as nearly as good.
_NEARLY = 0.03


@dataclass(frozen=True)
class Choice:
    """Wishes in words, and the point that fulfils them."""

    wishes: tuple[str, ...]
    point: Point


def choices_of(data: ReportData, points: Sequence[Point]) -> tuple[Choice, ...]:
    """Most accurate, fastest nearly as accurate, fastest within the drift budget, smallest, fastest of all."""
    mine = [point for point in points if point.device == data.environment.cpu]
    if not mine:
        return ()
    best = min(round(point.ne, 4) for point in mine)
    near = [point for point in mine if point.ne <= best * (1 + _NEARLY)]
    met = {(variant.name, variant.last.stages) for variant in data.variants if variant.budget and variant.budget.met}
    kept = [point for point in mine if (point.variant, point.stages) in met]
    near_words = f"within {_NEARLY * 100:.0f} % of the lowest NE"
    found = [
        ("Lowest NE", min(mine, key=lambda point: (round(point.ne, 4), point.median))),
        (f"Fastest {near_words}", min(near, key=_time)),
        (f"Smallest {near_words}", min(near, key=_size)),
    ]
    if kept:
        found.append(("Fastest that keeps its drift budget, all stages", min(kept, key=_time)))
    found.append(("Fastest of all", min(mine, key=_time)))
    points_found = dict.fromkeys(point for _, point in found)
    return tuple(Choice(tuple(wish for wish, one in found if one == point), point) for point in points_found)


def _time(point: Point) -> float:
    return point.median


def _size(point: Point) -> tuple[int, float]:
    return point.bytes, point.median
