"""Key points as COCO writes them (x, y, v), which several other forms of data sets took over."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import numpy as np
from numpy.typing import NDArray

from fpm_edge.data.problems import ProblemKind
from fpm_edge.data.rows import BadRowError
from fpm_edge_runtime.bundle.schema import LandmarkSchema
from fpm_edge_runtime.errors import DataError

__all__ = ["VISIBILITY", "find_name", "match_landmarks", "normal_name", "number_list", "visibility_of"]

VISIBILITY = {2: 1.0, 1: 0.0, 0: -1.0}
"""2 visible, 1 labelled but occluded, 0 not labelled, as `Record.visibility` has it."""


def normal_name(name: object) -> str:
    """A name without differences of case, spaces, hyphens and underscores."""
    return "_".join(str(name).lower().replace("-", " ").replace("_", " ").split())


def match_landmarks(points: Sequence[object], schema: LandmarkSchema, where: str) -> tuple[NDArray[np.intp], bool]:
    """Which key point is each landmark of the schema, by name; by order where not one name is the schema's.

    Args:
        points: names of the K key points.
        schema: of the data set.
        where: what has these key points, for the message.

    Returns:
        source: (L,) index of the key point.
        by_name: False where the order had to do, which a note should say.

    Raises:
        DataError: some of the landmarks are missing or could be several key points, or there are no common names and
            K is not L.
    """
    found = {landmark: find_name(landmark, points, where) for landmark in schema.landmarks}
    missing = [landmark for landmark, index in found.items() if index is None]
    if not missing:
        source = np.array(list(found.values()), np.intp)
        if len(set(source.tolist())) < len(source):
            raise DataError(
                f"{where}: one keypoint would be several landmarks of schema {schema.name!r}; give them names that "
                "differ by more than case and separators"
            )
        return source, True
    if len(missing) == len(found) == len(points):
        return np.arange(len(found)), False
    has = ", ".join(str(point) for point in points[:40])
    raise DataError(f"{where} has no keypoints {', '.join(missing[:40])} of schema {schema.name!r}; it has: {has}")


def find_name(wanted: object, names: Sequence[object], where: str) -> int | None:
    """Which of `names` is the wanted one, to the letter or else as `normal_name` has it; None if none is.

    Raises:
        DataError: several are.
    """
    same = [index for index, name in enumerate(names) if name == wanted]
    same = same or [index for index, name in enumerate(names) if normal_name(name) == normal_name(wanted)]
    if len(same) > 1:
        several = ", ".join(repr(names[index]) for index in same)
        raise DataError(f"{where}: {wanted!r} could be any of {several}; expected one with this name")
    return same[0] if same else None


def number_list(value: object, count: int, column: str) -> NDArray[np.float64]:
    """A JSON list of exactly `count` numbers.

    Raises:
        BadRowError: it is something else, naming the column.
    """
    good = isinstance(value, list) and len(value) == count
    if not good or any(isinstance(v, bool) or not isinstance(v, int | float) for v in cast("list[object]", value)):
        raise BadRowError(ProblemKind.BAD_CELL, column, f"{str(value)[:60]}; expected a list of {count} numbers")
    try:
        return np.array(value, np.float64)
    except OverflowError:
        raise BadRowError(ProblemKind.BAD_CELL, column, "an integer beyond any picture; expected pixels") from None


def visibility_of(codes: NDArray[np.float64], landmarks: Sequence[str]) -> NDArray[np.float64]:
    """Codes 2, 1, 0 of so many landmarks → 1, 0, −1.

    Raises:
        BadRowError: another code, naming the landmark.
    """
    known = np.isin(codes, list(VISIBILITY))
    if not known.all():
        bad = int(known.argmin())
        raise BadRowError(
            ProblemKind.BAD_VISIBILITY,
            landmarks[bad],
            f"v={codes[bad]:g}; expected 2 (visible), 1 (occluded) or 0 (none)",
        )
    return np.array([VISIBILITY[int(code)] for code in codes])
