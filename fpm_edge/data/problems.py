"""What can be wrong with a data set, by kind, so that nobody has to read messages to count them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

__all__ = ["Problem", "ProblemKind"]


class ProblemKind(str, Enum):
    """One kind of problem; its value is what people read."""

    # As of StrEnum, which Python 3.10 lacks.
    def __str__(self) -> str:
        return self.value

    MISSING_PICTURE = "missing picture"
    DAMAGED_PICTURE = "damaged picture"
    OTHER_SIZE = "picture of another size than stated"
    DOUBTFUL_PICTURE = "picture that two names could mean"
    SAME_PICTURE = "same picture under several names"
    OUT_OF_FRAME = "landmark out of frame"
    BAD_CELL = "bad cell"
    BAD_VISIBILITY = "bad visibility"
    UNKNOWN_CATEGORY = "unknown category"
    FOREIGN_LANDMARK = "landmark of another category"
    NOTHING_LABELLED = "nothing labelled"
    BAD_BOX = "bad box"
    MALFORMED_ROW = "malformed row"
    DUPLICATE_ROW = "duplicate row"
    SEVERAL_FILES = "same id in several annotation files"
    UNREADABLE = "not usable as a whole"

    # Warnings: the data can be used as they are, but somebody should look.
    TESTED_TOO = "in a test part too, so not trained on"
    SAME_ID = "annotation id that occurs twice"
    MIXED_SIDES = "left and right mixed up"
    AT_ORIGIN = "landmark at (0, 0)"
    ON_BORDER = "many landmarks exactly on the border"
    NO_NORMALIZER = "normalisation point not labelled"
    DEGENERATE_NORMALIZER = "normalisation points nearly coincide"
    ONE_COLOUR = "picture of nearly one colour"

    @property
    def is_warning(self) -> bool:
        """Whether the data can be used nevertheless."""
        return self in _WARNINGS


_WARNINGS = frozenset(
    {
        ProblemKind.TESTED_TOO,
        ProblemKind.SAME_ID,
        ProblemKind.MIXED_SIDES,
        ProblemKind.AT_ORIGIN,
        ProblemKind.ON_BORDER,
        ProblemKind.NO_NORMALIZER,
        ProblemKind.DEGENERATE_NORMALIZER,
        ProblemKind.ONE_COLOUR,
    }
)


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong.

    Attributes:
        kind: what it is.
        source: the annotation file, or the data set's name where no file is at fault.
        where: "line 12", the identifier of a record, or "" for all of the source.
        column: of the row, or the landmark; None for the row as a whole.
        message: what was wrong and what was expected.
    """

    kind: ProblemKind
    source: str
    where: str
    column: str | None
    message: str

    def __str__(self) -> str:
        place = ", ".join(part for part in (self.source, self.where) if part)
        return f"{place}: column {self.column}: {self.message}" if self.column else f"{place}: {self.message}"
