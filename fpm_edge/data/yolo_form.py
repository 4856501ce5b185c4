"""How the rows of a YOLO data set are to be read: columns, key points → landmarks, classes → categories."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fpm_edge.data.keypoints import find_name, match_landmarks
from fpm_edge.data.mirror import no_mirror_reason
from fpm_edge.data.problems import ProblemKind
from fpm_edge.data.rows import BadRowError
from fpm_edge.data.yolo_config import YoloConfig
from fpm_edge_runtime.bundle.schema import LandmarkSchema
from fpm_edge_runtime.errors import UsageError

__all__ = ["BOX", "RowForm", "row_form"]

BOX = 5
"""Numbers of a row before its key points: the class, and centre and size of the box."""


@dataclass(frozen=True)
class RowForm:
    """How the rows of a data set are to be read.

    Attributes:
        config: of the data set.
        schema: of the data set read.
        source: (L,) which key point is each landmark of the schema.
        categories: (classes,) category of each class; None where the schema has none.
    """

    config: YoloConfig
    schema: LandmarkSchema
    source: NDArray[np.intp]
    categories: tuple[str | None, ...]

    @property
    def columns(self) -> int:
        """Numbers of a row."""
        return BOX + self.config.points * self.config.numbers

    def category(self, number: float) -> str:
        """The category of a class. Raises BadRowError where there is none."""
        classes = self.config.classes
        if not number.is_integer() or not 0 <= number < len(classes):
            raise BadRowError(
                ProblemKind.UNKNOWN_CATEGORY, "class", f"{number:g}; the classes are {_numbered(classes)} (names)"
            )
        category = self.categories[int(number)]
        if category is None:
            raise BadRowError(
                ProblemKind.UNKNOWN_CATEGORY,
                "class",
                f"{int(number)} ({classes[int(number)]}) is no category of schema {self.schema.name!r}, which has "
                f"{', '.join(self.schema.categories)}; the classes are {_numbered(classes)}. Leave --schema out, or "
                "add the category to a .toml file",
            )
        return category


def row_form(config: YoloConfig, schema: LandmarkSchema | None, notes: Counter[str]) -> RowForm:
    """How to read the rows of a data set; what had to be assumed goes into `notes`, with count 0: it is said once.

    Args:
        schema: of the landmarks; None for one of the key points and classes themselves.

    Raises:
        DataError: the file names key points, but not all of the schema's.
        UsageError: another number of key points than landmarks, or not one class is a category.
    """
    if schema is None:
        schema = config.schema()
        if config.flip is None:
            reason = no_mirror_reason(schema)
            then = "landmarks stay in place in a mirror image" if reason is None else "training makes no mirror images"
            notes[f"no flip_idx, so {then}"] = 0
        return RowForm(config, schema, np.arange(config.points), tuple(schema.categories))
    if config.names is None:
        if config.points != len(schema.landmarks):
            raise UsageError(
                f"{config.file}: kpt_shape says {config.points} key points, schema {schema.name!r} has "
                f"{len(schema.landmarks)} landmarks; leave --schema out, or name a .toml file that describes these"
            )
        source, by_name = np.arange(config.points), False
    else:
        source, by_name = match_landmarks(config.names, schema, str(config.file))
    if not by_name:
        notes[f"key points were matched to schema {schema.name!r} by order, not by name"] = 0
    known = list(schema.categories)
    if len(config.classes) == len(known) == 1:
        categories: tuple[str | None, ...] = tuple(known)
    else:
        places = [find_name(name, known, str(config.file)) for name in config.classes]
        categories = tuple(None if place is None else known[place] for place in places)
    if not any(categories):
        raise UsageError(
            f"{config.file}: its classes ({_numbered(config.classes)}) are no categories of schema {schema.name!r} "
            f"({', '.join(schema.categories)}); name them alike in a .toml file and give it with --schema"
        )
    return RowForm(config, schema, source, categories)


def _numbered(classes: Sequence[str]) -> str:
    return ", ".join(f"{number} {name}" for number, name in enumerate(classes))
