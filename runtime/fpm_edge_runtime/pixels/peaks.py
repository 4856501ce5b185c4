"""The largest code of each heatmap, and where it is.

After a network has emptied the caches, what a call of numpy costs is fetching it, not what it computes on so few
numbers. So there are few of them here, and what is asked of a handful of maps only, those that tie, is plain Python.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from fpm_edge_runtime.pixels.plateau import Plateau
from fpm_edge_runtime.pixels.subpixel import REACH, offsets

__all__ = ["MARGIN", "Grid", "Layout", "Maps", "Peaks", "find_peaks", "grid_of"]

Layout = Literal["NHWC", "NCHW"]

MARGIN = 1.0
"""The answer lies at most so far outside the cells that hold the maximum: half a cell, and as much again for noise."""

# Between two rows of cells that have numbers of their own; more than any map is wide.
_APART = 2**16
_STEPS = tuple(_APART * y + x for y in range(-REACH, REACH + 1) for x in range(-REACH, REACH + 1))
# From so many cells of a map on that hold its largest code, all such maps at once are faster than one by one.
_MANY = 8


@dataclass(frozen=True, eq=False)
class Grid:
    """Where the cells of some maps lie among their codes, one map after the other, and one code more.

    Attributes:
        size: height and width.
        area: cells of a map.
        first: (maps, 1) address of each map's first cell.
        windows: (area, window) address of the cells around each cell; of those outside the map, beyond any code.
        boxes: (area, 8) what `Peaks.boxes` says of a peak that is this cell alone.
    """

    size: tuple[int, int]
    area: int
    first: NDArray[np.intp]
    windows: NDArray[np.intp]
    boxes: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Maps:
    """Heatmaps of landmarks.

    Attributes:
        codes: (maps · area + 1,) map after map; −inf for what is not finite. The last is for cells outside a map: the
            lowest of its type.
        affine: scale and zero point; None for real values.
        holes: (maps,) how many cells of each are not finite; None if there are none.
    """

    codes: NDArray[Any]
    grid: Grid
    affine: tuple[float, int] | None
    holes: NDArray[np.intp] | None

    @property
    def cells(self) -> NDArray[Any]:
        """(maps, area)."""
        return self.codes[:-1].reshape(-1, self.grid.area)

    def windows(self, middles: Any, first: NDArray[np.intp]) -> NDArray[Any]:
        """(windows, cells) codes around some cells of the maps that begin there."""
        address = self.grid.windows.take(middles, axis=0)
        address += first
        return np.asarray(self.codes.take(address, mode="clip"))


@dataclass(frozen=True, eq=False)
class Peaks:
    """The largest code of each map and the cells that hold it.

    Attributes:
        code: (maps,) the codes.
        middles: the cell around which to look, of each map.
        boxes: (maps, 8) that cell, the centroid of the peak's cells, and the lowest and highest that the answer may be;
            x before y.
        plateaus: of those with several cells, by their map.
        silent: maps in which all that is finite is the same. The peak is then the first such cell.
    """

    code: NDArray[Any]
    middles: list[int]
    boxes: NDArray[np.float64]
    plateaus: Mapping[int, Plateau]
    silent: list[int]


@lru_cache(maxsize=16)
def grid_of(maps: int, height: int, width: int) -> Grid:
    """The grid of some maps; computed once."""
    area = height * width
    y, x = np.divmod(np.arange(area), width)
    below, beside = offsets()
    rows, columns = y[:, np.newaxis] + below, x[:, np.newaxis] + beside
    inside = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
    cells = np.stack([x, y], axis=1).astype(np.float64)
    ends = np.array([width - 0.5, height - 0.5])
    return Grid(
        size=(height, width),
        area=area,
        first=area * np.arange(maps)[:, np.newaxis],
        windows=np.where(inside, rows * width + columns, maps * area),
        boxes=np.hstack([cells, cells, np.maximum(cells - MARGIN, -0.5), np.minimum(cells + MARGIN, ends)]),
    )


def find_peaks(maps: Maps) -> Peaks:
    """The peak of each map; where its largest code lies in several places, that with the most around it."""
    cells, area = maps.cells, maps.grid.area
    code = np.maximum.reduce(cells, axis=1)
    holds = cells == code[:, np.newaxis]
    places = holds.ravel().nonzero()[0]
    silent: list[int] = []
    plateaus: dict[int, Plateau] = {}
    if places.size >= _MANY * code.size or places.size >= area or maps.holes is not None:
        silent, many = _unclear(maps, holds)
        if many:
            # Not above: few networks have so many cells that tie.
            from fpm_edge_runtime.pixels.ties import plateaus_of

            plateaus.update(zip(many, plateaus_of(cells[many].reshape(-1, *maps.grid.size)), strict=True))
        # Of these the first cell stands for all.
        shown = [*silent, *many]
        first = holds[shown].argmax(axis=1)
        holds[shown] = False
        holds[shown, first] = True
        places = holds.ravel().nonzero()[0]
    middles: list[int] = []
    several: dict[int, list[int]] = {}
    for place in places.tolist():
        index, cell = divmod(place, area)
        if index == len(middles):
            middles.append(cell)
        else:
            several.setdefault(index, [middles[index]]).append(cell)
    for index, cells_of in several.items():
        plateaus[index] = _plateau(maps, index, cells_of)
    height, width = maps.grid.size
    for index, plateau in plateaus.items():
        middles[index] = round(plateau.y) * width + round(plateau.x)
    boxes = maps.grid.boxes.take(middles, axis=0)
    for index, (_, x, y, left, top, right, bottom) in plateaus.items():
        boxes[index, 2:] = (
            x,
            y,
            max(left - MARGIN, -0.5),
            max(top - MARGIN, -0.5),
            min(right + MARGIN, width - 0.5),
            min(bottom + MARGIN, height - 0.5),
        )
    return Peaks(code, middles, boxes, plateaus, silent)


def _unclear(maps: Maps, holds: NDArray[np.bool_]) -> tuple[list[int], list[int]]:
    """Which maps are the same everywhere, and which others have so many such cells that they are seen to together."""
    area = maps.grid.area
    counts = holds.sum(axis=1)
    silent = (counts == area) | (counts == (area if maps.holes is None else area - maps.holes))
    # Sums of codes are exact in any order; those of float32 values are not.
    many = ~silent & (counts >= _MANY) & (maps.affine is not None)
    return np.flatnonzero(silent).tolist(), np.flatnonzero(many).tolist()


def _plateau(maps: Maps, index: int, cells: list[int]) -> Plateau:
    """The peak of a map with several such cells, which are in reading order."""
    width = maps.grid.size[1]
    places = [divmod(cell, width) for cell in cells]
    columns = [column for _, column in places]
    if max(columns) - min(columns) > REACH or places[-1][0] - places[0][0] > REACH:
        places = _heaviest(maps, index, places, cells)
        columns = [column for _, column in places]
    rows, count = [row for row, _ in places], len(places)
    return Plateau(count, sum(columns) / count, sum(rows) / count, min(columns), rows[0], max(columns), rows[-1])


def _heaviest(maps: Maps, index: int, places: list[tuple[int, int]], cells: list[int]) -> list[tuple[int, int]]:
    """Those of one map's tied cells that belong to the peak with the most around it.

    The seed is the tied cell (the first in reading order) with the largest sum over 5 × 5 cells above the map's floor;
    with it goes every tied cell that a chain of tied cells, each within `REACH` of the next, leads to.
    """
    codes = maps.cells[index]
    floor = float(codes[np.isfinite(codes)].min() if maps.holes is not None else codes.min())
    around = maps.windows(cells, maps.grid.first[index])
    seed = int(np.maximum(around - np.float64(floor), 0.0).sum(axis=1).argmax())
    left = {row * _APART + column for row, column in places}
    waiting = [places[seed][0] * _APART + places[seed][1]]
    left.discard(waiting[0])
    member = set(waiting)
    while waiting:
        here = waiting.pop()
        for step in _STEPS:
            if here + step in left:
                left.discard(here + step)
                member.add(here + step)
                waiting.append(here + step)
    return [(row, column) for row, column in places if row * _APART + column in member]
