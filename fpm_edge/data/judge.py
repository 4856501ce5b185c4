"""The one place that decides whether a row of an annotation file is good."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fpm_edge.data.images import ImageFinder
from fpm_edge.data.problems import ProblemKind
from fpm_edge.data.record import Record
from fpm_edge.data.rows import BadRowError, Row
from fpm_edge_runtime.bundle.schema import LandmarkSchema

__all__ = ["Judge"]

# How far outside the picture a landmark may lie: annotators click on the border, and FashionAI has x = 512 in
# pictures of 512 pixels.
_SLACK_PIXELS = 2.0
_SLACK_SHARE = 0.02
# The longest side that a JPEG file can have: the only bound there is when pictures are not looked at.
_LONGEST_SIDE = 65535


class Judge:
    """Turns good rows into records, and says what is wrong with the others.

    Args:
        schema: of the data set.
        finder: name of a picture → its file.
        check_images: find every picture, and compare landmarks and box with its size.
    """

    def __init__(self, schema: LandmarkSchema, finder: ImageFinder, *, check_images: bool) -> None:
        self._schema = schema
        self._finder = finder
        self._check_images = check_images
        # (L,) bool for each category: the landmarks that it does not have.
        self._foreign = {
            category: ~np.isin(np.arange(len(schema.landmarks)), indices)
            for category, indices in schema.categories.items()
        }

    def record(self, row: Row) -> Record:
        """The record of a good row.

        Raises:
            BadRowError: naming the column where there is one.
        """
        schema, visibility = self._schema, row.visibility
        if not row.image:
            raise BadRowError(ProblemKind.MALFORMED_ROW, None, "no name of a picture; expected one")
        if row.category not in schema.categories:
            known = ", ".join(schema.categories)
            raise BadRowError(
                ProblemKind.UNKNOWN_CATEGORY,
                None,
                f"category {row.category!r} is not in schema {schema.name!r}; expected one of: {known}",
            )
        finite = np.isfinite(row.landmarks).all(axis=1) & np.isfinite(visibility)
        self._refuse(ProblemKind.BAD_CELL, row, ~finite, "expected finite numbers")
        codes = np.clip(visibility, -2, 2).astype(np.int8)
        unknown = (codes != visibility) | (abs(codes) == 2)
        self._refuse(ProblemKind.BAD_VISIBILITY, row, unknown, "expected v = 1 (visible), 0 (occluded) or -1 (none)")
        labelled = codes >= 0
        if not labelled.any():
            raise BadRowError(
                ProblemKind.NOTHING_LABELLED, None, "no landmark is labelled; expected at least one with v = 0 or 1"
            )
        foreign = labelled & self._foreign[row.category]
        expected = f"schema {schema.name!r} has no such landmark for {row.category}; expected v = -1"
        self._refuse(ProblemKind.FOREIGN_LANDMARK, row, foreign, expected)
        image = self._image(row, labelled) if self._check_images else self._unseen(row, labelled)
        points = np.where(labelled[:, None], row.landmarks, -1.0).astype(np.float32)
        points.setflags(write=False)
        codes.setflags(write=False)
        return Record(image, row.category, points, codes, row.image, row.box)

    def _refuse(self, kind: ProblemKind, row: Row, bad: NDArray[np.bool_], expected: str) -> None:
        """Raise for the first landmark that is bad."""
        if bad.any():
            i = int(bad.argmax())
            x, y, v = row.landmarks[i, 0], row.landmarks[i, 1], row.visibility[i]
            raise BadRowError(kind, self._schema.landmarks[i], f"x={x:g}, y={y:g}, v={v:g}; {expected}")

    def _image(self, row: Row, labelled: NDArray[np.bool_]) -> Path:
        """The file of the picture, when it is there and the landmarks and the box lie in it."""
        image, (width, height) = self._finder.find(row.image)
        if image is None:
            raise BadRowError(
                ProblemKind.MISSING_PICTURE,
                None,
                f"the picture {row.image} is missing; looked in {self._finder.roots}",
            )
        if width == 0:
            raise BadRowError(
                ProblemKind.DAMAGED_PICTURE,
                None,
                f"{image} is no picture, damaged, or too large; expected e.g. JPEG, PNG or WebP",
            )
        _check_size(row, image, (width, height))
        slack_x, slack_y = (max(_SLACK_PIXELS, _SLACK_SHARE * side) for side in (width, height))
        x, y = row.landmarks[:, 0], row.landmarks[:, 1]
        outside = (x < -slack_x) | (x > width - 1 + slack_x) | (y < -slack_y) | (y > height - 1 + slack_y)
        expected = f"expected at most {slack_x:g} and {slack_y:g} px outside the picture of {width} × {height}"
        self._refuse(ProblemKind.OUT_OF_FRAME, row, labelled & outside, expected)
        self._check_box(row, width, height)
        return image

    def _unseen(self, row: Row, labelled: NDArray[np.bool_]) -> Path:
        """Where the picture belongs, without looking."""
        outside = (np.abs(row.landmarks) > _LONGEST_SIDE).any(axis=1)
        expected = f"expected at most {_LONGEST_SIDE} px, the longest side of a JPEG"
        self._refuse(ProblemKind.OUT_OF_FRAME, row, labelled & outside, expected)
        self._check_box(row, _LONGEST_SIDE, _LONGEST_SIDE)
        return self._finder.guess(row.image)

    def _check_box(self, row: Row, width: int, height: int) -> None:
        """Refuse a box that `Letterbox.fit` would refuse."""
        if row.box is None:
            return
        x0, y0, x1, y1 = row.box
        covered = min(x1, width) - max(x0, 0.0) >= 1 and min(y1, height) - max(y0, 0.0) >= 1
        if not (np.isfinite(row.box).all() and covered):
            raise BadRowError(
                ProblemKind.BAD_BOX,
                "box",
                f"{row.box} covers no pixel of the picture; expected x0 < x1, y0 < y1 inside it",
            )


def _check_size(row: Row, image: Path, size: tuple[int, int]) -> None:
    """Refuse a picture of another size than its file of annotations says: the landmarks were made on another one."""
    stated = tuple(said if said is not None else true for said, true in zip(row.stated_size, size, strict=True))
    if stated == size:
        return
    if stated == size[::-1]:
        what_to_do = "its EXIF orientation was ignored when it was annotated; remove that, or turn the landmarks"
    else:
        what_to_do = "bring the picture that was annotated, or correct the size if only that is wrong"
    raise BadRowError(
        ProblemKind.OTHER_SIZE,
        None,
        f"the file says {stated[0]:g} × {stated[1]:g}, {image} is {size[0]} × {size[1]} upright; {what_to_do}",
    )
