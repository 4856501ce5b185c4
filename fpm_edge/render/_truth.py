"""Ground truth: where the landmarks are, and whether anything drawn later covers them."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fpm_edge.render._canvas import Canvas
from fpm_edge.render._curve import Points

LANDMARKS = 24
# A landmark counts as seen while this share of the garment's pixels around it is still in view.
_SEEN = 0.5


@dataclass(frozen=True)
class _Mark:
    index: int
    point: Points
    look: Points
    layers: AbstractSet[int]
    own: list[bool]


class Truth:
    """Collects landmarks as the garment is drawn, and judges them when the picture is complete."""

    def __init__(self, canvas: Canvas) -> None:
        self._canvas = canvas
        # The radius of the neighbourhood that decides: two pixels in a picture of 256.
        self._radius = max(1, round(canvas.size / 128))
        self._marks: list[_Mark] = []

    def mark(self, index: int, point: Points, layers: AbstractSet[int], *, look: Points | None = None) -> None:
        """Label landmark `index` at `point` (body units), drawn by `layers`.

        The layers are read again at the end, so a part of the same garment that is added to the set later
        does not hide the landmark. `look` is where to test for occlusion if not at the point itself.
        """
        at = self._canvas.camera.project(point)
        seen_at = at if look is None else self._canvas.camera.project(look)
        owners = self._canvas.owners(float(seen_at[0]), float(seen_at[1]), self._radius)
        self._marks.append(_Mark(index, at, seen_at, layers, [owner in layers for owner in owners]))

    def judge(self, size: int) -> tuple[NDArray[np.float32], NDArray[np.int8]]:
        """Landmarks (24, 2) and visibility (24,); -1 where not labelled or outside the frame.

        Landmarks are in the pixels of the canvas once enlarged to `size`.
        """
        landmarks = np.full((LANDMARKS, 2), -1.0, dtype=np.float32)
        visibility = np.full(LANDMARKS, -1, dtype=np.int8)
        last, gain = size - 1, size / self._canvas.size
        for mark in self._marks:
            # Pixel centres are integers, so the corner of the picture is at (-0.5, -0.5).
            x, y = (float(value + 0.5) * gain - 0.5 for value in mark.point)
            if not (0 <= x <= last and 0 <= y <= last):
                continue
            owners = self._canvas.owners(float(mark.look[0]), float(mark.look[1]), self._radius)
            kept = sum(own and owner in mark.layers for own, owner in zip(mark.own, owners, strict=True))
            landmarks[mark.index] = x, y
            visibility[mark.index] = int(kept > _SEEN * sum(mark.own))
        return landmarks, visibility
