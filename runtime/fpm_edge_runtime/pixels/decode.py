"""Heatmaps → landmarks, in heatmap cells, without turning the whole map into real numbers.

Three steps per channel, all channels at once:

1. The largest code. Codes and real values have the same order, so nothing is dequantized to find it.
2. Where it is. Quantized maps tie and clipped maps have plateaus, so the largest code is often in several cells: the
   peak is the centroid of those that hang together. If they lie in several places, the place with the largest sum
   over the surrounding 5 × 5 cells wins.
3. Where between the cells: a Gaussian, elliptic if need be, fitted to the logarithms of the 5 × 5 cells around the
   peak. Cells where the map is clipped say nothing about the top and are left out.

Mean error in cells over 11 kinds of int8 maps (noise, clipping, ellipses, neighbours, borders), measured by
`benchmarks/decoding.py` at scale 1/255 and 0.045: this fit 0.029 and 0.040; 5 × 5 centroid 0.145 and 0.160; parabola
on logarithms 0.167 and 0.192; parabola 0.177 and 0.200; quarter offset 0.294 and 0.304.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from fpm_edge_runtime.errors import DataError, UsageError
from fpm_edge_runtime.pixels.peaks import Grid, Layout, Maps, Peaks, find_peaks, grid_of
from fpm_edge_runtime.pixels.subpixel import RADIUS, fitted_tops, real_values

__all__ = ["MARGIN", "Doubt", "Heatmaps", "Reading", "answer_of", "is_clipped", "maps_of", "read_heatmaps"]

Doubt = Literal["not finite", "flat", "saturated"]
Heatmaps = NDArray[np.int8] | NDArray[np.int16] | NDArray[np.float32]

_CODES = (np.int8, np.int16)

# The answer lies at most this far outside the cells that hold the maximum: half a cell, and as much again for noise.
MARGIN = 1.0


@dataclass(frozen=True, eq=False)
class Reading:
    """What the heatmaps of one picture say.

    Attributes:
        cells: (landmarks, 2) float32, x and y in heatmap cells.
        scores: (landmarks,) float32, 0 to 1; 0 where there is a doubt.
        doubts: index of a landmark → why its heatmap does not say where it is. "not finite": it holds a value that is
            infinite or not a number. "flat": it is the same everywhere. "saturated": its peak is cut off over more
            than the 5 × 5 cells of the fit, so it may be anywhere in there.
    """

    cells: NDArray[np.float32]
    scores: NDArray[np.float32]
    doubts: Mapping[int, Doubt]


def read_heatmaps(
    heatmaps: Heatmaps,
    *,
    layout: Layout,
    landmarks: int,
    scale: float | None = None,
    zero_point: int | None = None,
) -> Reading:
    """The landmarks of one picture as `decode_maps.decode_heatmaps` finds them, and which of them not to believe.

    A landmark in doubt has score 0. That of a map with a value that is not finite is in the centre, as of a flat one:
    what else such a map holds is not worth more.
    """
    maps = maps_of(heatmaps[np.newaxis], layout, landmarks, scale, zero_point)
    peaks = find_peaks(maps)
    limit = is_clipped(peaks.code, maps.affine)
    cells, scores = answer_of(maps, peaks, limit)
    wide = limit & ((peaks.high - peaks.low).max(axis=1) > 2 * RADIUS)
    kinds: list[tuple[Doubt, NDArray[np.bool_]]] = [("saturated", wide), ("flat", peaks.silent)]
    if maps.holes is not None:
        broken = maps.holes > 0
        cells[broken] = _centre(maps.grid)
        kinds.append(("not finite", broken))
    doubts: dict[int, Doubt] = {}
    for doubt, mask in kinds:
        if mask.any():
            scores[mask] = 0.0
            doubts.update(dict.fromkeys(np.flatnonzero(mask).tolist(), doubt))
    return Reading(cells, scores, doubts)


def maps_of(heatmaps: Heatmaps, layout: Layout, landmarks: int, scale: float | None, zero_point: int | None) -> Maps:
    """The maps, or the error that says what is wrong with them."""
    if layout not in ("NHWC", "NCHW"):
        raise UsageError(f"heatmap layout {layout!r} is unknown; expected NHWC or NCHW")
    if heatmaps.dtype not in (*_CODES, np.float32):
        raise DataError(f"heatmaps are {heatmaps.dtype}; expected int8, int16 or float32")
    axes = (1, 2, 3) if layout == "NHWC" else (2, 3, 1)
    shape = heatmaps.shape
    if heatmaps.ndim != 4 or shape[axes[2]] != landmarks + 1 or 0 in shape[1:]:
        raise DataError(
            f"heatmaps have shape {shape[1:]} (picture axis removed); expected {layout[1:]} with "
            f"{landmarks + 1} channels, {landmarks} landmarks and the background"
        )
    quantized = heatmaps.dtype in _CODES
    if quantized and (scale is None or zero_point is None):
        raise UsageError(
            f"{heatmaps.dtype} heatmaps need scale and zero_point; take both from the tensor's entry in the manifest"
        )
    if not quantized and (scale is not None or zero_point is not None):
        raise UsageError("float32 heatmaps hold real values; leave scale and zero_point out")
    grid = grid_of(layout, shape[0], shape[axes[0]], shape[axes[1]], landmarks)
    affine = None if scale is None or zero_point is None else (scale, zero_point)
    codes = np.ascontiguousarray(heatmaps)
    holes = None
    if not quantized and not (known := np.isfinite(codes)).all():
        codes = np.where(known, codes, np.float32(-np.inf))
        holes = (~known).sum(axis=axes[:2])[:, :landmarks].ravel()
    return Maps(codes, layout, landmarks, affine, grid, holes)


def answer_of(maps: Maps, peaks: Peaks, limit: NDArray[np.bool_]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """(channels, 2) cells and (channels,) scores."""
    cells = _refine(maps, peaks, limit)
    scores = real_values(peaks.code, maps.affine).clip(0.0, 1.0).astype(np.float32)
    if peaks.silent.any():
        cells[peaks.silent] = _centre(maps.grid)
        scores[peaks.silent] = 0.0
    return cells, scores


def _centre(grid: Grid) -> tuple[float, float]:
    height, width = grid.size
    return (width - 1) / 2, (height - 1) / 2


def is_clipped(code: NDArray[Any], affine: tuple[float, int] | None) -> NDArray[np.bool_]:
    """Whether real values above these would look the same: a map ends at 1, and codes at the last of their type."""
    if affine is None:
        return np.asarray(code >= 1.0)
    scale, zero_point = affine
    last = np.iinfo(code.dtype).max
    return np.asarray(code >= min(last, (1.0 - scale / 2) / scale + zero_point))


def _refine(maps: Maps, peaks: Peaks, limit: NDArray[np.bool_]) -> NDArray[np.float32]:
    """(channels, 2) x, y in cells: the fitted top, or the centroid of the tied cells where the fit has none.

    Cells at the clipping limit are left out where several share it.
    """
    grid = maps.grid
    middle = np.rint(peaks.centre).astype(np.intp)
    around, inside = maps.windows(middle, grid.first)
    top, concave = fitted_tops(around, inside, peaks.code, limit & (peaks.count > 1), maps.affine)
    top += middle
    cells = np.where(concave[:, np.newaxis], top, peaks.centre)
    height, width = grid.size
    lowest = np.maximum(peaks.low - MARGIN, -0.5)
    highest = np.minimum(peaks.high + MARGIN, (width - 0.5, height - 0.5))
    return np.asarray(np.minimum(np.maximum(cells, lowest), highest), np.float32)
