"""The largest code of each heatmap, and where it is.

Each call of numpy costs more than what it computes on so few numbers. So there are few of them here, and the maps are
read as the engine leaves them: whole rows at a time, whatever the order of the axes.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from fpm_edge_runtime.pixels.subpixel import REACH, offsets

__all__ = ["Grid", "Layout", "Maps", "Peaks", "find_peaks", "grid_of"]

Layout = Literal["NHWC", "NCHW"]

# Between two rows of cells that have numbers of their own; more than any map is wide.
_APART = 2**16
_STEPS = tuple(_APART * y + x for y in range(-REACH, REACH + 1) for x in range(-REACH, REACH + 1))
# From so many maps whose largest code is in several places on, all at once are surely faster than one by one. Networks
# with few landmarks never have so many, and load less.
_MANY = 32
# Added to the address of a cell outside the map, which it makes negative; twice this is still a 32-bit number.
_OUTSIDE = -(2**30)


@dataclass(frozen=True, eq=False)
class Grid:
    """Where the cells of each channel lie among the codes of some pictures, read one after the other.

    Attributes:
        first: (channels,) address of the first cell of each picture's landmarks; the background has none.
        step: from one cell of a row to the next.
        size: height and width.
        down: (height,) what each row adds to an address.
        columns, rows: (width, window) and (height, window) what a window's cells add to an address, by its middle.
        places: (height · width, 4) x, y, −x and −y of every cell: the largest of these are a box.
    """

    first: NDArray[np.intp]
    step: int
    size: tuple[int, int]
    down: NDArray[np.intp]
    columns: NDArray[np.intp]
    rows: NDArray[np.intp]
    places: NDArray[np.intp]

    @property
    def area(self) -> int:
        """Cells of a map."""
        return self.size[0] * self.size[1]


@dataclass(frozen=True, eq=False)
class Maps:
    """Heatmaps of some pictures, C-contiguous; −inf for what is not finite.

    holes: how many cells of each channel those are; None if there are none.
    """

    codes: NDArray[Any]
    layout: Layout
    landmarks: int
    affine: tuple[float, int] | None
    grid: Grid
    holes: NDArray[np.intp] | None

    def channel(self, index: int) -> NDArray[Any]:
        """(height, width) of one channel."""
        first, grid = int(self.grid.first[index]), self.grid
        return self.codes.ravel()[first : first + grid.step * grid.area : grid.step].reshape(grid.size)

    def channels(self, indices: NDArray[np.intp]) -> NDArray[Any]:
        """(channels, height, width) of several channels, a copy."""
        picture, landmark = np.divmod(indices, self.landmarks)
        if self.layout == "NCHW":
            return np.asarray(self.codes[picture, landmark])
        return np.ascontiguousarray(self.codes[picture, :, :, landmark])

    def windows(self, middles: NDArray[np.intp], first: NDArray[np.intp]) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        """(windows, cells) codes around some cells, and which of them are in the map; the others are any code.

        Args:
            middles: (windows, 2 or more) x, y.
            first: address of the first cell of each one's channel.
        """
        address = self.grid.columns.take(middles[:, 0], axis=0)
        address += self.grid.rows.take(middles[:, 1], axis=0)
        address += first[..., np.newaxis]
        return self.codes.ravel().take(address, mode="clip"), address >= 0


@dataclass(frozen=True, eq=False)
class Peaks:
    """The largest code of each channel and the cells that hold it; every field has one entry a channel.

    code: the code itself. centre: (channels, 2) centroid of its cells. count: how many cells. low, high: (channels, 2)
    their extent. All x before y. silent: whether all that is finite is the same; the peak is then the first such cell.
    """

    code: NDArray[Any]
    centre: NDArray[np.float64]
    count: NDArray[np.intp]
    low: NDArray[np.intp]
    high: NDArray[np.intp]
    silent: NDArray[np.bool_]


@lru_cache(maxsize=16)
def grid_of(layout: Layout, pictures: int, height: int, width: int, landmarks: int) -> Grid:
    """The grid of heatmaps with `landmarks` + 1 channels; computed once."""
    channels, area = landmarks + 1, height * width
    step, apart = (channels, 1) if layout == "NHWC" else (1, area)
    first = np.add.outer(np.arange(pictures) * channels * area, np.arange(landmarks) * apart).ravel()
    below, beside = offsets()
    rows, columns = np.arange(height)[:, np.newaxis] + below, np.arange(width)[:, np.newaxis] + beside
    places = np.stack(np.divmod(np.arange(area), width)[::-1], axis=1)
    return Grid(
        first=first,
        step=step,
        size=(height, width),
        down=step * width * np.arange(height),
        columns=np.where((columns >= 0) & (columns < width), step * columns, _OUTSIDE),
        rows=np.where((rows >= 0) & (rows < height), step * width * rows, _OUTSIDE),
        places=np.concatenate([places, -places], axis=1),
    )


def find_peaks(maps: Maps) -> Peaks:
    """The peak of each channel; where its largest code lies in several places, that with the most around it."""
    code, channel, cell, flat = _largest(maps)
    count = np.bincount(channel, minlength=code.size)
    silent = flat | (count == maps.grid.area)
    if maps.holes is not None:
        silent |= count == maps.grid.area - maps.holes
    if silent.any():
        keep = ~silent[channel]
        keep[_starts(count)] = True
        channel, cell = channel[keep], cell[keep]
        count = np.bincount(channel, minlength=code.size)
    places = maps.grid.places.take(cell, axis=0)
    first = _starts(count)
    box = np.maximum.reduceat(places, first)
    extent = box[:, :2] + box[:, 2:]
    if extent.max(initial=0) > REACH:
        keep = np.ones(len(channel), np.bool_)
        scattered = np.flatnonzero(extent.max(axis=1) > REACH)
        # Sums of codes are exact in any order; those of float32 values are not.
        if len(scattered) >= _MANY and maps.affine is not None:
            # Not above: few networks have so many maps that tie.
            from fpm_edge_runtime.pixels.ties import chains_of

            peaks = chains_of(maps.channels(scattered)).reshape(len(scattered), -1)
            row = np.full(code.size, -1)
            row[scattered] = np.arange(len(scattered))
            among = row[channel] >= 0
            keep[among] = peaks[row[channel[among]], cell[among]]
        else:
            for i in scattered.tolist():
                mine = slice(first[i], first[i] + count[i])
                keep[mine] = _heaviest(maps, i, places[mine])
        places = places[keep]
        count = np.bincount(channel[keep], minlength=code.size)
        first = _starts(count)
        box = np.maximum.reduceat(places, first)
    centre = np.add.reduceat(places[:, :2], first) / count[:, np.newaxis]
    return Peaks(code, centre, count, -box[:, 2:], box[:, :2], silent)


def _largest(maps: Maps) -> tuple[NDArray[Any], NDArray[np.intp], NDArray[np.intp], NDArray[np.bool_]]:
    """The largest code of each channel and, in order of the channels, channel and cell of each place that holds it.

    The last is which channels are the same everywhere. Of those only the first column (NHWC) or the first cell is among
    the places: a network for many categories has many, and each of their cells would have to be looked at.
    """
    codes, landmarks, area = maps.codes, maps.landmarks, maps.grid.area
    if maps.layout == "NCHW":
        channels = codes.reshape(len(codes), -1, area)[:, :landmarks]
        top = channels.max(axis=2)
        holds = channels == top[:, :, np.newaxis]
        flat = holds[:, :, 0] & holds[:, :, -1]
        if flat.any():
            flat &= channels.min(axis=2) == top
            holds[flat, 1:] = False
        channel, cell = np.divmod(np.flatnonzero(holds), area)
        return top.ravel(), channel, cell, flat.ravel()
    # Which columns of which channels hold one, and then where in those.
    pictures, height, width, depth = codes.shape
    tallest = codes.reshape(pictures, height, width * depth).max(axis=1).reshape(pictures, width, depth)
    top = tallest.max(axis=1)[:, :landmarks]
    holds = tallest[:, :, :landmarks] == top[:, np.newaxis]
    flat = holds.all(axis=1)
    if flat.any():
        flat &= codes.reshape(pictures, area, depth).min(axis=1)[:, :landmarks] == top
        holds[:, 1:] &= ~flat[:, np.newaxis]
    picture, column, channel = np.nonzero(holds)
    top = top.ravel()
    channel += picture * landmarks
    start = maps.grid.first[channel] + depth * column
    strips = codes.ravel().take(start[:, np.newaxis] + maps.grid.down)
    strip, row = np.nonzero(strips == top[channel, np.newaxis])
    order = channel[strip] * area + row * width + column[strip]
    order.sort()
    return top, *np.divmod(order, area), flat.ravel()


def _starts(count: NDArray[np.intp]) -> NDArray[np.intp]:
    """Where each channel's entries begin."""
    return np.cumsum(count) - count


def _heaviest(maps: Maps, channel: int, places: NDArray[np.intp]) -> NDArray[np.bool_]:
    """Which of one channel's tied cells belong to the peak with the most around it.

    The seed is the tied cell (the first in reading order) with the largest sum over 5 × 5 cells above the map's floor;
    with it goes every tied cell that a chain of tied cells, each within `REACH` of the next, leads to.
    """
    codes = maps.channel(channel)
    around, inside = maps.windows(places, maps.grid.first[channel])
    floor = float(codes[np.isfinite(codes)].min() if maps.holes is not None else codes.min())
    above = np.maximum(around - np.float64(floor), 0.0)
    seed = int(np.argmax((above * inside).sum(axis=1)))
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
