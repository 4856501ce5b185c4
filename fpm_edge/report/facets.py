"""By what the page can filter its points."""

from collections.abc import Sequence
from dataclasses import dataclass

from fpm_edge.report.plan import ENGINE_TITLES
from fpm_edge.report.points import Point

__all__ = ["Facet", "facets_of"]


@dataclass(frozen=True)
class Facet:
    """A field of `Point`: its name in the page, its title, and (value, label) of each choice."""

    name: str
    title: str
    choices: tuple[tuple[str, str], ...]


def facets_of(points: Sequence[Point]) -> tuple[Facet, ...]:
    """Stages, precision, engine, threads and device, each with the values that occur."""
    fields: dict[str, tuple[str, Sequence[int | str]]] = {
        "stages": ("Stages", sorted({point.stages for point in points})),
        "precision": ("Precision", list(dict.fromkeys(point.precision for point in points))),
        "engine": ("Engine", list(dict.fromkeys(point.engine for point in points))),
        "threads": ("Threads", sorted({point.threads for point in points})),
        "device": ("Device", list(dict.fromkeys(point.device for point in points))),
    }
    return tuple(
        Facet(name, title, tuple((str(value), ENGINE_TITLES.get(str(value), str(value))) for value in values))
        for name, (title, values) in fields.items()
    )
