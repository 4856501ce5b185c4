"""Smaller facts that `ReportData` holds: accuracy by part of the garment, and answers under deadlines."""

from collections.abc import Sequence
from dataclasses import dataclass

from fpm_edge.accuracy.metrics import Part
from fpm_edge_runtime.bundle.manifest import Interval

__all__ = ["Anytime", "DeadlinePoint", "PartNe", "parts_ne"]


@dataclass(frozen=True)
class PartNe:
    """NE over the `count` points of one landmark or category, at the last stage; None where it has none."""

    name: str
    count: int
    ne: float | None


def parts_ne(parts: Sequence[Part]) -> tuple[PartNe, ...]:
    """The same parts, with None for what has no points."""
    return tuple(PartNe(part.name, part.count, part.mean if part.count else None) for part in parts)


@dataclass(frozen=True)
class DeadlinePoint:
    """One deadline.

    Attributes:
        deadline_ms: from the call; the picture was in memory and still had to be resized.
        ne: of the answers, with bounds over pictures.
        stages: mean number of stages that ran.
        late: share of answers that came after the deadline.
    """

    deadline_ms: float
    ne: Interval
    stages: float
    late: float


@dataclass(frozen=True)
class Anytime:
    """Deadlines tried on the variant with this name, each on the same `pictures` pictures."""

    variant: str
    pictures: int
    points: tuple[DeadlinePoint, ...]
