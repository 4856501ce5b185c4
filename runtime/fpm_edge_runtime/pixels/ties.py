"""Peaks of many heatmaps whose largest code lies in several places, all at once.

A map that says nothing has its largest code in many cells, and a network for many categories has many such maps. The
answer is that of `peaks`, which follows the chains of few maps one after the other, with fewer calls of numpy.
"""

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from fpm_edge_runtime.pixels.plateau import Plateau
from fpm_edge_runtime.pixels.subpixel import RADIUS, REACH

__all__ = ["chains_of", "plateaus_of"]


def plateaus_of(maps: NDArray[np.integer[Any]]) -> list[Plateau]:
    """The peak of each map, as `chains_of` has it."""
    chains = chains_of(maps)
    columns, rows = chains.sum(axis=1), chains.sum(axis=2)
    count = rows.sum(axis=1)
    edges = []
    for sums in (columns, rows):
        some, size = sums > 0, sums.shape[1]
        edges.append((sums @ np.arange(size) / count, some.argmax(axis=1), size - 1 - some[:, ::-1].argmax(axis=1)))
    (x, left, right), (y, top, bottom) = edges
    fields = (count, x, y, left, top, right, bottom)
    return [Plateau(*values) for values in zip(*(field.tolist() for field in fields), strict=True)]


def chains_of(maps: NDArray[np.integer[Any]]) -> NDArray[np.bool_]:
    """The peak of each map.

    Args:
        maps: (maps, height, width) codes: their sums are exact, in any order.

    Returns:
        (maps, height, width) bool.
    """
    count, height, width = maps.shape
    flat = maps.reshape(count, -1)
    tied = maps == flat.max(axis=1)[:, np.newaxis, np.newaxis]
    above = maps.astype(np.int32)
    above -= flat.min(axis=1)[:, np.newaxis, np.newaxis]
    weights = _spread(_spread(above, RADIUS, 1), RADIUS, 2)
    # Above the floor nothing is negative, so that a cell which is not tied never wins.
    seeds = np.where(tied, weights, -1).reshape(count, -1).argmax(axis=1)
    members = np.zeros((count, height * width), np.bool_)
    members[np.arange(count), seeds] = True
    members = members.reshape(maps.shape)
    growing = np.arange(count)
    while growing.size:
        before = members[growing]
        after = _spread(_spread(before, REACH, 1), REACH, 2)
        after &= tied[growing]
        changed = (after != before).any(axis=(1, 2))
        members[growing] = after
        growing = growing[changed]
    return members


def _spread(cells: NDArray[Any], reach: int, axis: Literal[1, 2]) -> NDArray[Any]:
    """Each cell added to those at most `reach` before and after it along the axis; of bools, or."""
    whole = np.moveaxis(cells, axis, 0)
    spread = whole.copy()
    for step in range(1, reach + 1):
        spread[step:] += whole[:-step]
        spread[:-step] += whole[step:]
    return np.moveaxis(spread, 0, axis)
