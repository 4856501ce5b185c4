"""Where the largest code of a heatmap lies in several places: which of them is the peak.

The seed is the tied cell (the first in reading order) with the largest sum over 5 × 5 cells above the map's floor; with
it goes every tied cell that a chain of tied cells, each within `REACH` of the next, leads to.

A map that says nothing has the largest code in many cells, and a network for many categories has many such maps: their
chains are followed in all of them at once. For a few maps following one after the other takes fewer calls of numpy.
"""

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from fpm_edge_runtime.subpixel import RADIUS

__all__ = ["REACH", "chain_of", "chains_of"]

REACH = 2
"""Tied cells at most this far apart (Chebyshev) belong to one peak."""

# Between two rows of cells that have numbers of their own; more than any map is wide.
_APART = 2**16
_STEPS = tuple(_APART * y + x for y in range(-REACH, REACH + 1) for x in range(-REACH, REACH + 1))


def chain_of(places: NDArray[np.intp], weights: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which of one map's tied cells are its peak.

    Args:
        places: (cells, 2 or more) x, y of the tied cells, in reading order.
        weights: (cells,) sum around each above the floor.

    Returns:
        (cells,) bool.
    """
    seed = int(np.argmax(weights))
    x, y = places[:, 0], places[:, 1]
    left = dict(zip((y * _APART + x).tolist(), range(len(x)), strict=True))
    member = np.zeros(len(x), np.bool_)
    waiting = [int(y[seed] * _APART + x[seed])]
    del left[waiting[0]]
    member[seed] = True
    while waiting:
        here = waiting.pop()
        for step in _STEPS:
            if (index := left.pop(here + step, None)) is not None:
                member[index] = True
                waiting.append(here + step)
    return member


def chains_of(maps: NDArray[np.int8] | NDArray[np.int16]) -> NDArray[np.bool_]:
    """The peak of each map.

    Args:
        maps: (maps, height, width) int8 or int16 codes: their sums are exact, in any order.

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
