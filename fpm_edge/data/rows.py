"""What passes between the readers and the judge: a row, a bad row, and how to read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fpm_edge.data.problems import Problem, ProblemKind
from fpm_edge.data.record import Box

__all__ = ["BadRowError", "ReadOptions", "Row"]


@dataclass(frozen=True)
class ReadOptions:
    """How to read any data set.

    Attributes:
        skip_bad: leave bad rows out and list them in `Dataset.skipped`, instead of refusing the file.
        check_images: find every picture and compare the landmarks with its size. Reads headers, not pixels.
        images: folder that the file names of pictures are relative to; None for the data set's usual layout.
        progress: called with (done, total) while something takes long.
        on_problem: called with each bad row that is skipped, and each row that is left out for another reason.
    """

    skip_bad: bool = False
    check_images: bool = True
    images: Path | None = None
    progress: Callable[[int, int], None] | None = None
    on_problem: Callable[[Problem], None] | None = None


@dataclass(frozen=True)
class Row:
    """What a reader found in one row, not yet judged.

    Attributes:
        image: name of the picture as the file gives it.
        category: as the file gives it.
        landmarks: (L, 2) float64, pixels of the picture; anything finite where visibility is −1.
        visibility: (L,) float64; good values are −1, 0 and 1.
        box: region to crop, edge coordinates, or None.
        key: two rows with the same key are duplicates; None: those alike in picture, category, box and landmarks.
        stated_size: (width, height) of the picture as the file says, pixels; None where it does not say.
    """

    image: str
    category: str
    landmarks: NDArray[np.float64]
    visibility: NDArray[np.float64]
    box: Box | None = None
    key: tuple[str, ...] | None = None
    stated_size: tuple[float | None, float | None] = (None, None)


class BadRowError(Exception):
    """A row that cannot be used; raised by readers and turned into a `DataError` or a skipped row by `collect`.

    Args:
        kind: what is wrong with it.
        column: name of the column or field at fault, or None if the row as a whole is.
        problem: what was wrong and what was expected.
    """

    def __init__(self, kind: ProblemKind, column: str | None, problem: str) -> None:
        super().__init__(problem)
        self.kind, self.column, self.problem = kind, column, problem

    def at(self, source: str, where: str) -> Problem:
        """The same, with its place."""
        return Problem(self.kind, source, where, self.column, self.problem)
