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

__all__ = ["Doubt", "Heatmaps", "Reading", "answer_of", "maps_of", "read_heatmaps"]

Doubt = Literal["not finite", "flat", "saturated"]
Heatmaps = NDArray[np.int8] | NDArray[np.uint8] | NDArray[np.int16] | NDArray[np.float32]

# Lowest and highest code of each type of heatmap; real values have no limit of their own.
_LIMITS: Mapping[Any, tuple[float, float]] = {
    np.dtype(np.int8): (-128, 127),
    np.dtype(np.uint8): (0, 255),
    np.dtype(np.int16): (-32768, 32767),
    np.dtype(np.float32): (-np.inf, 1.0),
}


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
    cells, scores = answer_of(maps, peaks)
    doubts: dict[int, Doubt] = {
        index: "saturated" for index in _clipped(maps, peaks) if peaks.plateaus[index].extent > 2 * RADIUS
    }
    doubts.update(dict.fromkeys(peaks.silent, "flat"))
    if maps.holes is not None:
        broken = np.flatnonzero(maps.holes).tolist()
        cells[broken] = _centre(maps.grid)
        doubts.update(dict.fromkeys(broken, "not finite"))
    for index in doubts:
        scores[index] = 0.0
    return Reading(cells, scores, dict(sorted(doubts.items())))


def maps_of(heatmaps: Heatmaps, layout: Layout, landmarks: int, scale: float | None, zero_point: int | None) -> Maps:
    """The maps, or the error that says what is wrong with them."""
    if layout not in ("NHWC", "NCHW"):
        raise UsageError(f"heatmap layout {layout!r} is unknown; expected NHWC or NCHW")
    if heatmaps.dtype not in _LIMITS:
        raise DataError(f"heatmaps are {heatmaps.dtype}; expected int8, uint8, int16 or float32")
    axes = (1, 2, 3) if layout == "NHWC" else (2, 3, 1)
    shape = heatmaps.shape
    if heatmaps.ndim != 4 or shape[axes[2]] != landmarks + 1 or 0 in shape[1:]:
        raise DataError(
            f"heatmaps have shape {shape[1:]} (picture axis removed); expected {layout[1:]} with "
            f"{landmarks + 1} channels, {landmarks} landmarks and the background"
        )
    quantized = heatmaps.dtype != np.float32
    if quantized and (scale is None or zero_point is None):
        raise UsageError(
            f"{heatmaps.dtype} heatmaps need scale and zero_point; take both from the tensor's entry in the manifest"
        )
    if not quantized and (scale is not None or zero_point is not None):
        raise UsageError("float32 heatmaps hold real values; leave scale and zero_point out")
    pictures, (height, width) = shape[0], [shape[axis] for axis in axes[:2]]
    maps, area = pictures * landmarks, height * width
    codes = np.empty(maps * area + 1, heatmaps.dtype)
    codes[-1] = _LIMITS[heatmaps.dtype][0]
    by_channel = heatmaps.transpose(0, 3, 1, 2) if layout == "NHWC" else heatmaps
    codes[:-1].reshape(pictures, landmarks, height, width)[...] = by_channel[:, :landmarks]
    holes = None
    if not quantized and not (known := np.isfinite(codes[:-1])).all():
        codes[:-1][~known] = -np.inf
        holes = area - known.reshape(maps, area).sum(axis=1)
    affine = None if scale is None or zero_point is None else (scale, zero_point)
    return Maps(codes, grid_of(maps, height, width), affine, holes)


def answer_of(maps: Maps, peaks: Peaks) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """(maps, 2) cells, the fitted top or the centroid of the tied cells where the fit has none; and (maps,) scores."""
    boxes = peaks.boxes
    around = maps.windows(peaks.middles, maps.grid.first)
    top, concave = fitted_tops(around, peaks.code, _clipped(maps, peaks), maps.affine)
    top += boxes[:, :2]
    cells = np.where(concave[:, np.newaxis], top, boxes[:, 2:4])
    cells = np.minimum(np.maximum(cells, boxes[:, 4:6]), boxes[:, 6:]).astype(np.float32)
    scores = np.minimum(np.maximum(real_values(peaks.code, maps.affine), 0.0), 1.0).astype(np.float32)
    for index in peaks.silent:
        cells[index] = _centre(maps.grid)
        scores[index] = 0.0
    return cells, scores


def _centre(grid: Grid) -> tuple[float, float]:
    height, width = grid.size
    return (width - 1) / 2, (height - 1) / 2


def _clipped(maps: Maps, peaks: Peaks) -> list[int]:
    """Peaks of several cells above which real values would look the same: a map ends at 1, and codes at their last."""
    limit = _LIMITS[maps.codes.dtype][1]
    if maps.affine is not None:
        scale, zero_point = maps.affine
        limit = min(limit, (1.0 - scale / 2) / scale + zero_point)
    return [index for index, plateau in peaks.plateaus.items() if plateau.cells > 1 and peaks.code[index] >= limit]
