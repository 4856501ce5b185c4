"""Outlines: smooth curves through given points, and tubes around a limb."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Points: TypeAlias = NDArray[np.float64]


@lru_cache(maxsize=64)
def _basis(count: int, steps: int) -> Points:
    """Matrix that takes `count` control points to samples of their Catmull-Rom curve."""
    rows = []
    for segment in range(count - 1):
        for step in range(steps + (segment == count - 2)):
            t = step / steps
            weights = (
                -0.5 * t + t**2 - 0.5 * t**3,
                1 - 2.5 * t**2 + 1.5 * t**3,
                0.5 * t + 2 * t**2 - 1.5 * t**3,
                -0.5 * t**2 + 0.5 * t**3,
            )
            row = np.zeros(count)
            for offset, weight in enumerate(weights):
                row[min(max(segment + offset - 1, 0), count - 1)] += weight
            rows.append(row)
    return np.asarray(rows)


def smooth(points: Sequence[Sequence[float]] | Points, steps: int = 6) -> Points:
    """Catmull-Rom curve through `points` (n, 2), ends included exactly; `steps` samples a segment."""
    control = np.asarray(points, dtype=np.float64)
    curve: Points = np.dot(_basis(len(control), steps), control)
    return curve


def mirror_x(points: Points) -> Points:
    """The same points on the other side of the body's middle."""
    mirrored: Points = points * np.array([-1.0, 1.0])
    return mirrored


def edges(centres: Points, half_widths: Sequence[float], side: float) -> tuple[Points, Points]:
    """Outer and inner control points of a limb with the given centre line.

    `side` is -1 for the limb at the viewer's left and 1 for the other: its outer edge is the one
    away from the body when the limb hangs down.
    """
    # Differences of the neighbours, at the ends of the only one: the direction along the limb.
    along = np.empty_like(centres)
    along[1:-1] = centres[2:] - centres[:-2]
    along[0], along[-1] = centres[1] - centres[0], centres[-1] - centres[-2]
    reach = side * np.asarray(half_widths) / np.maximum(np.hypot(along[:, 0], along[:, 1]), 1e-9)
    offset = along[:, ::-1] * (1.0, -1.0) * reach[:, None]
    return centres + offset, centres - offset


def tube(centres: Points, half_widths: Sequence[float], steps: int = 6) -> Points:
    """Closed outline of a limb, smooth along its length and cut straight at both ends."""
    outer, inner = edges(centres, half_widths, 1.0)
    return np.concatenate([smooth(outer, steps), smooth(inner, steps)[::-1]])


def ellipse(x: float, y: float, radius_x: float, radius_y: float, count: int = 20) -> Points:
    angle = np.arange(count) * (2 * np.pi / count)
    return np.stack([x + radius_x * np.cos(angle), y + radius_y * np.sin(angle)], axis=1)
