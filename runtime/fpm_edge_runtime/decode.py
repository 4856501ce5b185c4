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

__all__ = ["Doubt", "Reading", "decode_batch", "decode_heatmaps", "read_heatmaps"]

Layout = Literal["NHWC", "NCHW"]
Doubt = Literal["not finite", "flat", "saturated"]
Heatmaps = NDArray[np.int8] | NDArray[np.int16] | NDArray[np.float32]

_CODES = (np.int8, np.int16)

# Tied cells at most this far apart (Chebyshev) belong to one peak.
_REACH = 2
# The fit looks at (2 · _RADIUS + 1)² cells.
_RADIUS = 2
# The answer lies at most this far outside the cells that hold the maximum: half a cell, and as much again for noise.
_MARGIN = 1.0
# Curvature below which a fitted surface counts as flat: a Gaussian of σ = 22 cells.
_FLAT = 1e-3
# Ridge on the two terms that make the Gaussian elliptic, relative to the summed weights.
_ELLIPSE_PRIOR = 0.5
# Ridge on all terms: a peak of fewer cells than terms has the smallest fit.
_RIDGE = 1e-9

_OFFSETS = np.arange(-_RADIUS, _RADIUS + 1)
_DY, _DX = (grid.ravel() for grid in np.meshgrid(_OFFSETS, _OFFSETS, indexing="ij"))
# (cells, terms): 1, u, v, u² + v², u² − v², uv; and their products, (cells, terms²), for the normal equations.
_DESIGN = np.stack([_DX**0, _DX, _DY, _DX**2 + _DY**2, _DX**2 - _DY**2, _DX * _DY], axis=1).astype(np.float64)
_TERMS = _DESIGN.shape[1]
_PRODUCTS = (_DESIGN[:, :, np.newaxis] * _DESIGN[:, np.newaxis, :]).reshape(len(_DESIGN), -1)
_ROUNDNESS = np.array([0.0, 0.0, 0.0, 0.0, _ELLIPSE_PRIOR, _ELLIPSE_PRIOR])


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


@dataclass(frozen=True)
class _Peak:
    """The largest code of each channel and the cells that hold it; every field has one entry a channel.

    code: the code itself. x, y: centroid of its cells. count: how many cells. box: their extent x0, y0, x1, y1.
    """

    code: NDArray[Any]
    x: NDArray[np.float64]
    y: NDArray[np.float64]
    count: NDArray[np.intp]
    box: tuple[NDArray[np.intp], ...]


def decode_heatmaps(
    heatmaps: Heatmaps,
    *,
    layout: Layout,
    landmarks: int,
    scale: float | None = None,
    zero_point: int | None = None,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The landmarks of one picture. The same computation as `decode_batch`, which has the details.

    Args:
        heatmaps: (height, width, landmarks + 1) for NHWC, (landmarks + 1, height, width) for NCHW; int8,
            int16 or float32.

    Returns:
        cells: (landmarks, 2) float32, x and y in heatmap cells.
        scores: (landmarks,) float32, 0 to 1.
    """
    cells, scores = decode_batch(
        heatmaps[np.newaxis], layout=layout, landmarks=landmarks, scale=scale, zero_point=zero_point
    )
    return cells[0], scores[0]


def read_heatmaps(
    heatmaps: Heatmaps,
    *,
    layout: Layout,
    landmarks: int,
    scale: float | None = None,
    zero_point: int | None = None,
) -> Reading:
    """The landmarks of one picture as `decode_heatmaps` finds them, and which of them not to believe.

    A landmark in doubt has score 0. That of a map with a value that is not finite is in the centre, as of a flat one:
    what else such a map holds is not worth more.
    """
    height, width = _check(heatmaps[np.newaxis], layout, landmarks, scale, zero_point)
    codes = _rows(heatmaps[np.newaxis], layout, landmarks)
    silent, peak = _peaks(codes, (height, width))
    cells, scores = _answer(codes, silent, peak, (height, width), scale, zero_point)
    broken = np.zeros(landmarks, np.bool_)
    if codes.dtype == np.float32:
        broken |= np.isneginf(codes).any(axis=1)
    cells[broken] = (width - 1) / 2, (height - 1) / 2
    x0, y0, x1, y1 = peak.box
    wide = _is_clipped(peak.code, scale, zero_point) & (np.maximum(x1 - x0, y1 - y0) > 2 * _RADIUS)
    doubts: dict[int, Doubt] = {}
    kinds: tuple[tuple[Doubt, NDArray[np.bool_]], ...] = (("saturated", wide), ("flat", silent), ("not finite", broken))
    for doubt, mask in kinds:
        scores[mask] = 0.0
        doubts.update(dict.fromkeys(np.flatnonzero(mask).tolist(), doubt))
    return Reading(cells.astype(np.float32), scores.astype(np.float32), doubts)


def decode_batch(
    heatmaps: Heatmaps,
    *,
    layout: Layout,
    landmarks: int,
    scale: float | None = None,
    zero_point: int | None = None,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The landmarks of several pictures.

    A channel whose finite values are all equal says nothing: it gets the centre of the map and score 0. NaN and ±inf
    count as lower than every number.

    Args:
        heatmaps: (pictures, height, width, landmarks + 1) for NHWC, (pictures, landmarks + 1, height, width) for NCHW;
            int8 or int16 codes or float32 values. The last channel is background and is not read.
        layout: order of the axes.
        landmarks: L, the number of channels without the background.
        scale, zero_point: of codes, real = scale · (code − zero_point); None for float32 maps.

    Returns:
        cells: (pictures, landmarks, 2) float32, x and y in heatmap cells, from −0.5 to width − 0.5 and height − 0.5.
        scores: (pictures, landmarks) float32, the real value of the peak clipped to 0..1.

    Raises:
        DataError: the array is not of this shape or dtype.
        UsageError: scale and zero_point are missing for codes, or given for float32 maps.
    """
    height, width = _check(heatmaps, layout, landmarks, scale, zero_point)
    codes = _rows(heatmaps, layout, landmarks)
    silent, peak = _peaks(codes, (height, width))
    cells, scores = _answer(codes, silent, peak, (height, width), scale, zero_point)
    pictures = heatmaps.shape[0]
    return (
        cells.reshape(pictures, landmarks, 2).astype(np.float32),
        scores.reshape(pictures, landmarks).astype(np.float32),
    )


def _check(
    heatmaps: Heatmaps, layout: str, landmarks: int, scale: float | None, zero_point: int | None
) -> tuple[int, int]:
    """Height and width of the maps, or the error that says what is wrong with them."""
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
    return shape[axes[0]], shape[axes[1]]


def _rows(heatmaps: Heatmaps, layout: str, landmarks: int) -> NDArray[Any]:
    """(pictures · landmarks, height · width), same dtype, −inf for what is not finite. Reads every code once."""
    if layout == "NHWC":
        heatmaps = heatmaps.transpose(0, 3, 1, 2)
    pictures, _, height, width = heatmaps.shape
    rows = np.ascontiguousarray(heatmaps[:, :landmarks]).reshape(pictures * landmarks, height * width)
    if rows.dtype == np.float32 and not np.isfinite(rows).all():
        return np.where(np.isfinite(rows), rows, np.float32(-np.inf))
    return rows


def _peaks(codes: NDArray[Any], size: tuple[int, int]) -> tuple[NDArray[np.bool_], _Peak]:
    top = codes.max(axis=1)
    silent = _silence(codes, top)
    return silent, _maxima(codes, top, silent, size)


def _answer(
    codes: NDArray[Any],
    silent: NDArray[np.bool_],
    peak: _Peak,
    size: tuple[int, int],
    scale: float | None,
    zero_point: int | None,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(channels, 2) cells and (channels,) scores."""
    cells = _refine(codes, peak, size, scale, zero_point)
    scores = np.minimum(np.maximum(_real(peak.code, scale, zero_point), 0.0), 1.0)
    cells[silent] = (size[1] - 1) / 2, (size[0] - 1) / 2
    scores[silent] = 0.0
    return cells, scores


def _is_clipped(code: NDArray[Any], scale: float | None, zero_point: int | None) -> NDArray[np.bool_]:
    """Whether real values above these would look the same: a map ends at 1, and codes at the last of their type."""
    clipped = _real(code, scale, zero_point) >= 1.0 - (scale or 0.0) / 2
    if code.dtype in _CODES:
        clipped |= code == np.iinfo(code.dtype).max
    return np.asarray(clipped, np.bool_)


def _silence(codes: NDArray[Any], top: NDArray[Any]) -> NDArray[np.bool_]:
    """(channels,) True where all finite values of a channel are equal, or none is finite; `top` are the largest."""
    low = codes.min(axis=1)
    holes = np.flatnonzero(np.isneginf(low)) if codes.dtype == np.float32 else ()
    for channel in holes:
        finite = codes[channel][np.isfinite(codes[channel])]
        low[channel] = finite.min() if finite.size else -np.inf
    return np.asarray(low == top)


def _real(codes: NDArray[Any], scale: float | None, zero_point: int | None) -> NDArray[np.float64]:
    values = codes.astype(np.float64)
    return values if scale is None or zero_point is None else scale * (values - zero_point)


def _maxima(codes: NDArray[Any], code: NDArray[Any], silent: NDArray[np.bool_], size: tuple[int, int]) -> _Peak:
    """The peak of each channel; of a silent one, its first cell."""
    height, width = size
    tied = codes == code[:, np.newaxis]
    if silent.any():
        tied[silent] = False
        tied[silent, 0] = True
    channel, cell = np.divmod(np.flatnonzero(tied), height * width)
    y, x = np.divmod(cell, width)
    count, box = _extent(channel, x, y)
    scattered = np.flatnonzero(np.maximum(box[2] - box[0], box[3] - box[1]) > _REACH)
    if scattered.size:
        keep = np.ones(len(channel), np.bool_)
        first = np.cumsum(count) - count
        for i in scattered:
            mine = slice(first[i], first[i] + count[i])
            keep[mine] = _heaviest(codes[i].reshape(height, width), x[mine], y[mine])
        channel, x, y = channel[keep], x[keep], y[keep]
        count, box = _extent(channel, x, y)
    return _Peak(code, np.bincount(channel, x) / count, np.bincount(channel, y) / count, count, box)


def _extent(
    channel: NDArray[np.intp], x: NDArray[np.intp], y: NDArray[np.intp]
) -> tuple[NDArray[np.intp], tuple[NDArray[np.intp], ...]]:
    """Cells per channel and their bounding box; every channel has at least one, and they are in order."""
    count = np.bincount(channel)
    first = np.cumsum(count) - count
    box = tuple(extreme.reduceat(v, first) for extreme in (np.minimum, np.maximum) for v in (x, y))
    return count, box


def _heaviest(codes: NDArray[Any], x: NDArray[np.intp], y: NDArray[np.intp]) -> NDArray[np.bool_]:
    """Which of one channel's tied cells belong to the peak with the most around it.

    The seed is the tied cell (the first in reading order) with the largest sum over 5 × 5 cells above the map's floor;
    with it goes every tied cell that a chain of tied cells, each within `_REACH` of the next, leads to.
    """
    height, width = codes.shape
    floor = codes[np.isfinite(codes)].min()
    above = np.where(np.isfinite(codes), codes, floor).astype(np.float64) - float(floor)
    total = np.pad(above, ((1, 0), (1, 0))).cumsum(axis=0).cumsum(axis=1)
    x0, x1 = np.maximum(x - 2, 0), np.minimum(x + 3, width)
    y0, y1 = np.maximum(y - 2, 0), np.minimum(y + 3, height)
    seed = int(np.argmax(total[y1, x1] - total[y0, x1] - total[y1, x0] + total[y0, x0]))
    tied = np.zeros((height, width), np.bool_)
    tied[y, x] = True
    member = np.zeros_like(tied)
    member[y[seed], x[seed]] = True
    size = 0
    while size != (size := int(np.count_nonzero(member))):
        member = _widen(_widen(member, axis=0), axis=1) & tied
    return np.asarray(member[y, x])


def _widen(mask: NDArray[np.bool_], axis: int) -> NDArray[np.bool_]:
    """Each True spread to the `_REACH` cells on either side along one axis."""
    rows = mask if axis == 0 else mask.T
    wide = rows.copy()
    for step in range(1, _REACH + 1):
        wide[step:] |= rows[:-step]
        wide[:-step] |= rows[step:]
    return wide if axis == 0 else wide.T


def _refine(
    codes: NDArray[Any],
    peak: _Peak,
    size: tuple[int, int],
    scale: float | None,
    zero_point: int | None,
) -> NDArray[np.float64]:
    """(channels, 2) x, y in cells: the top of the Gaussian fitted to the cells around each peak.

    log v = p · (1, u, v, u² + v², u² − v², uv), least squares with weights v² (they undo what the logarithm does to
    the noise of small values), after Guo, "A simple algorithm for fitting a Gaussian function", IEEE Signal Processing
    Magazine 28(5), 2011. Cells at the clipping limit are left out where several share it. A surface without a top
    (weights all zero, or not concave) leaves the centroid of the tied cells.
    """
    height, width = size
    column, row = np.rint(peak.x).astype(np.intp), np.rint(peak.y).astype(np.intp)
    columns, rows = column[:, np.newaxis] + _DX, row[:, np.newaxis] + _DY
    # Seen as unsigned, what is negative is far above every size.
    inside = (columns.view(np.uintp) < width) & (rows.view(np.uintp) < height)
    # A cell outside the map counts nothing below, so any value will do for it: the channel's first.
    index = np.where(inside, rows * width + columns, 0) + np.arange(0, codes.size, height * width)[:, np.newaxis]
    around = codes.reshape(-1).take(index)
    top = _real(peak.code, scale, zero_point)[:, np.newaxis]
    share = np.where(inside & (top > 0), _real(around, scale, zero_point), 0.0) / np.where(top > 0, top, 1.0)
    limit = _is_clipped(peak.code, scale, zero_point)[:, np.newaxis]
    clipped = (around == peak.code[:, np.newaxis]) & limit & (peak.count > 1)[:, np.newaxis]
    weight = np.where(clipped, 0.0, np.maximum(share, 0.0)) ** 2
    products = weight @ _PRODUCTS
    products[:, :: _TERMS + 1] += _RIDGE + _ROUNDNESS * weight.sum(axis=1, keepdims=True)  # the diagonals
    normal = products.reshape(-1, _TERMS, _TERMS)
    target = (weight * np.log(np.maximum(share, 1e-12))) @ _DESIGN
    p = np.linalg.solve(normal, target[..., np.newaxis])[..., 0]
    bend_x, bend_y, shear = p[:, 3] + p[:, 4], p[:, 3] - p[:, 4], p[:, 5]
    determinant = 4 * bend_x * bend_y - shear**2
    concave = (bend_x < -_FLAT) & (bend_y < -_FLAT) & (determinant > _FLAT**2)
    determinant = np.where(concave, determinant, 1.0)
    x = np.where(concave, column + (shear * p[:, 2] - 2 * bend_y * p[:, 1]) / determinant, peak.x)
    y = np.where(concave, row + (shear * p[:, 1] - 2 * bend_x * p[:, 2]) / determinant, peak.y)
    x0, y0, x1, y1 = peak.box
    cells = np.empty((len(codes), 2))
    np.minimum(np.maximum(x, np.maximum(x0 - _MARGIN, -0.5)), np.minimum(x1 + _MARGIN, width - 0.5), out=cells[:, 0])
    np.minimum(np.maximum(y, np.maximum(y0 - _MARGIN, -0.5)), np.minimum(y1 + _MARGIN, height - 0.5), out=cells[:, 1])
    return cells
