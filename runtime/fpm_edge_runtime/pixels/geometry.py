"""The one map between pictures, network input and heatmap cells.

Pixel centres are integers: the centre of the top-left pixel is (0, 0), and pixel i covers [i − 0.5, i + 0.5].
Cell i of a stride-s heatmap covers the input around (i + 0.5)·s − 0.5 (the half-pixel rule). Training targets,
decoding and the inverse letterbox use these functions and no others.
"""

from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray

from fpm_edge_runtime.errors import DataError

__all__ = ["Letterbox", "cells_to_input", "input_to_cells"]


def cells_to_input(cells: NDArray[np.float32], stride: int) -> NDArray[np.float32]:
    """Heatmap coordinates (…, 2) in cells → input coordinates in pixels."""
    return (cells + np.float32(0.5)) * np.float32(stride) - np.float32(0.5)


def input_to_cells(points: NDArray[np.float32], stride: int) -> NDArray[np.float32]:
    """Input coordinates (…, 2) in pixels → heatmap coordinates in cells. Inverse of `cells_to_input`."""
    return np.asarray((points + np.float32(0.5)) / np.float32(stride) - np.float32(0.5), np.float32)


@dataclass(frozen=True)
class Letterbox:
    """A region of a picture, scaled to fit the input with its aspect ratio kept, centred, black around it.

    Attributes:
        box: (x0, y0, x1, y1) the region in edge coordinates of the picture: (0, 0, width, height) is all of it.
        width, height: size of the resized region inside the input, in pixels.
        left, top: where it lies inside the input, in pixels.
        scale_x, scale_y: input pixels per picture pixel. They differ by less than one pixel over the region,
            because the resized region has a whole number of pixels; both are exact.
    """

    box: tuple[float, float, float, float]
    width: int
    height: int
    left: int
    top: int
    scale_x: float
    scale_y: float

    @classmethod
    def fit(
        cls,
        picture_size: tuple[int, int],
        input_size: tuple[int, int],
        box: tuple[float, float, float, float] | None = None,
    ) -> "Letterbox":
        """The letterbox of a picture, or of a box in it clipped to the picture.

        Args:
            picture_size: (width, height) of the picture, pixels.
            input_size: (width, height) of the network input, pixels.
            box: region (x0, y0, x1, y1) in edge coordinates of the picture; None for all of it.

        Raises:
            DataError: the box does not overlap the picture, or is not finite.
        """
        return _fitted(picture_size, input_size, None if box is None else (*map(float, box),))

    def to_input(self, points: NDArray[np.float32]) -> NDArray[np.float32]:
        """Picture coordinates (…, 2) → input coordinates, both in pixels."""
        scale, offset = self._affine
        return np.asarray(points * scale + offset, np.float32)

    def to_picture(self, points: NDArray[np.float32]) -> NDArray[np.float32]:
        """Input coordinates (…, 2) → picture coordinates, both in pixels. Exact inverse of `to_input`."""
        scale, offset = self._affine
        return np.asarray((points - offset) / scale, np.float32)

    @cached_property
    def _affine(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        scale = np.array([self.scale_x, self.scale_y])
        # Edges map to edges: picture pixel p covers [p, p + 1] in edge coordinates, hence the two half pixels.
        offset = (0.5 - np.array(self.box[:2])) * scale + np.array([self.left, self.top]) - 0.5
        return scale, offset


@lru_cache(maxsize=16)  # a camera's pictures are all of one size
def _fitted(picture_size: tuple[int, int], input_size: tuple[int, int], box: tuple[float, ...] | None) -> Letterbox:
    full = (0.0, 0.0, float(picture_size[0]), float(picture_size[1]))
    x0, y0, x1, y1 = box or full
    if not np.isfinite([x0, y0, x1, y1]).all():
        raise DataError(f"box {box} is not finite; expected (x0, y0, x1, y1) in pixels of the picture")
    x0, y0, x1, y1 = max(x0, 0.0), max(y0, 0.0), min(x1, full[2]), min(y1, full[3])
    if x1 - x0 < 1.0 or y1 - y0 < 1.0:
        raise DataError(f"box {box} covers no pixel of a {picture_size[0]} × {picture_size[1]} picture")
    scale = min(input_size[0] / (x1 - x0), input_size[1] / (y1 - y0))
    width = min(input_size[0], max(1, round((x1 - x0) * scale)))
    height = min(input_size[1], max(1, round((y1 - y0) * scale)))
    return Letterbox(
        box=(x0, y0, x1, y1),
        width=width,
        height=height,
        left=(input_size[0] - width) // 2,
        top=(input_size[1] - height) // 2,
        scale_x=width / (x1 - x0),
        scale_y=height / (y1 - y0),
    )
