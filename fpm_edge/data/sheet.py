"""A contact sheet: one picture of many, each with its true landmarks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from fpm_edge.data.dataset import Dataset
from fpm_edge.data.pictures import damaged
from fpm_edge.data.problems import Problem
from fpm_edge.data.record import read_image
from fpm_edge.pictures.overlay import contact_sheet, draw_landmarks
from fpm_edge_calibration.png import png_bytes
from fpm_edge_runtime.errors import DataError

__all__ = ["Sheet", "draw_sheet"]

_COLUMNS = 5


@dataclass(frozen=True)
class Sheet:
    """A drawn sheet.

    Attributes:
        png: the file; None if no picture could be read.
        drawn: records on it.
        problems: one for each picture that could not be read.
    """

    png: bytes | None
    drawn: int
    problems: tuple[Problem, ...]


def draw_sheet(dataset: Dataset, count: int, advance: Callable[[], None] = lambda: None) -> Sheet:
    """Draw `count` records, taken evenly from the whole data set; all if there are fewer."""
    count = min(count, len(dataset))
    pictures, titles, problems = [], [], []
    for number in range(count):
        record = dataset.records[number * len(dataset) // count]
        advance()
        try:
            picture = read_image(record)
        except DataError as error:
            problems.append(damaged(dataset, record, error))
            continue
        keep = record.visibility >= 0
        pictures.append(
            draw_landmarks(
                picture, record.landmarks, schema=dataset.schema, category=record.category, keep=keep, labels=False
            )
        )
        titles.append(f"{record.category} {record.identifier}")
    png = png_bytes(contact_sheet(pictures, _COLUMNS, titles=titles)) if pictures else None
    return Sheet(png, len(pictures), tuple(problems))
