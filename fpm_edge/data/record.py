"""One garment of a data set: its picture, its category and where its landmarks are."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from fpm_edge_runtime.errors import DataError
from fpm_edge_runtime.image import load_image

__all__ = ["Box", "Record", "RenderKey", "read_image"]

# (x0, y0, x1, y1) in edge coordinates of a picture: (0, 0, width, height) is all of it.
Box: TypeAlias = tuple[float, float, float, float]


@dataclass(frozen=True, order=True)
class RenderKey:
    """A picture drawn on demand: `render_garment(seed, index, size=size)` always gives the same one.

    Attributes:
        seed: of the whole rendered data set.
        index: number of the garment in it, from 0.
        size: side of the square picture, pixels.
    """

    seed: int
    index: int
    size: int


@dataclass(frozen=True, eq=False)
class Record:
    """One annotated garment (or person).

    Attributes:
        image: file of the picture, or the key that draws it.
        category: one of the categories of the data set's schema.
        landmarks: (L, 2) float32, (x, y) in pixels of the picture, pixel centres at integers;
            (−1, −1) where not labelled.
        visibility: (L,) int8; 1 visible, 0 labelled but occluded, −1 not labelled.
        identifier: unique within its data set and independent of where the data set is stored.
        box: region to crop, (x0, y0, x1, y1) in edge coordinates of the picture as `Letterbox.fit` takes it;
            it may reach beyond the picture. None for the whole picture.
    """

    image: Path | RenderKey
    category: str
    landmarks: NDArray[np.float32]
    visibility: NDArray[np.int8]
    identifier: str
    box: Box | None = None

    def __post_init__(self) -> None:
        count = len(self.visibility)
        if self.landmarks.shape != (count, 2) or self.visibility.shape != (count,):
            raise DataError(
                f"record {self.identifier!r}: landmarks {self.landmarks.shape} and visibility {self.visibility.shape}; "
                "expected (L, 2) and (L,)"
            )
        if self.landmarks.dtype != np.float32 or self.visibility.dtype != np.int8:
            raise DataError(
                f"record {self.identifier!r}: landmarks {self.landmarks.dtype} and visibility "
                f"{self.visibility.dtype}; expected float32 and int8"
            )


def read_image(record: Record) -> NDArray[np.uint8]:
    """The picture of a record, (height, width, 3) uint8 RGB, read from its file or drawn.

    Raises:
        ImageError: the file is missing, corrupt or not a picture.
    """
    if isinstance(record.image, Path):
        return load_image(record.image)
    # Drawing brings code that reading photographs does not need.
    from fpm_edge.render import render_garment

    return render_garment(record.image.seed, record.image.index, size=record.image.size).image
