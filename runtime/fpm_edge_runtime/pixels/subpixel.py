"""Where between the cells the top of a heatmap is: a Gaussian fitted to the logarithms of the cells around its peak."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["DESIGN", "FLAT", "RADIUS", "REACH", "RIDGE", "ROUNDNESS", "TERMS", "fitted_tops", "offsets", "real_values"]

# The fit looks at (2 · RADIUS + 1)² cells.
RADIUS = 2
# Tied cells at most this far apart (Chebyshev) belong to one peak.
REACH = 2
# Curvature below which a fitted surface counts as flat: a Gaussian of σ = 22 cells.
FLAT = 1e-3
# Ridge on each term, relative to the summed weights: it keeps the Gaussian round where the cells do not say otherwise.
ROUNDNESS = np.array([0.0, 0.0, 0.0, 0.0, 0.5, 0.5])
# Ridge on all terms: a peak of fewer cells than terms has the smallest fit.
RIDGE = 1e-9
# A cell's squared value at least: no system of equations is then empty, and what is brighter does not feel it.
_FAINTEST = 1e-60
# Below every positive float32: a logarithm for what is not positive, and has no weight.
_TINY = 1e-46

_Affine = tuple[float, int] | None


def offsets() -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """(cells,) row and column offsets of the window from its middle, row by row."""
    steps = np.arange(-RADIUS, RADIUS + 1)
    rows, columns = np.meshgrid(steps, steps, indexing="ij")
    return rows.ravel(), columns.ravel()


_V, _U = offsets()
# (cells, terms): 1, u, v, u² + v², u² − v², uv; and their products, (cells, terms²), for the normal equations. The
# ridge of roundness is a share of the summed weights, so it can stand in the products as if every cell had it.
DESIGN = np.stack([_U**0, _U, _V, _U**2 + _V**2, _U**2 - _V**2, _U * _V], axis=1).astype(np.float64)
TERMS = DESIGN.shape[1]
_PRODUCTS = (DESIGN[:, :, np.newaxis] * DESIGN[:, np.newaxis, :] + np.diag(ROUNDNESS)).reshape(len(DESIGN), -1)
# (2 · cells, terms² + terms): from each cell's weight and weighted logarithm to both sides of the normal equations.
_EQUATIONS = np.zeros((len(DESIGN), 2, TERMS**2 + TERMS))
_EQUATIONS[:, 0, : TERMS**2], _EQUATIONS[:, 1, TERMS**2 :] = _PRODUCTS, DESIGN
_EQUATIONS = _EQUATIONS.reshape(-1, TERMS**2 + TERMS)
_DIAGONAL = slice(0, TERMS**2, TERMS + 1)


def real_values(codes: NDArray[Any], affine: _Affine) -> NDArray[np.float64]:
    """real = scale · (code − zero point); the values themselves where there is no (scale, zero point)."""
    values = codes.astype(np.float64)
    if affine is not None:
        values -= affine[1]
        values *= affine[0]
    return values


def fitted_tops(
    around: NDArray[Any], code: NDArray[Any], clipped: Sequence[int], affine: _Affine
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """The top of the Gaussian fitted to the cells around each peak.

    log v = p · (1, u, v, u² + v², u² − v², uv), least squares with weights v² (they undo what the logarithm does to
    the noise of small values), after Guo, "A simple algorithm for fitting a Gaussian function", IEEE Signal Processing
    Magazine 28(5), 2011.

    Args:
        around: (peaks, cells) codes of the window; the lowest of their type for a cell that is not in the map.
        code: (peaks,) the largest code.
        clipped: peaks whose cells of that code say nothing about the top, because real values above it look the same.
        affine: scale and zero point; None for real values.

    Returns:
        (peaks, 2) x and y, in cells from the window's middle, and (peaks,) whether the surface has a top there: its
        weights are not all zero, and it is concave. Of one that has none the place is meaningless.
    """
    weighted = _weighted(around, affine)
    square, logarithm = _squares_and_logarithms(code, affine)
    for peak in clipped:
        weighted[peak, around[peak] == code[peak]] = 0.0
    sums = weighted.reshape(len(around), len(_EQUATIONS)) @ _EQUATIONS
    # Logarithms relative to the peak's; and the ridge is meant for weights relative to it.
    sums[:, TERMS**2 :] -= logarithm[:, np.newaxis] * sums[:, :TERMS]
    sums[:, _DIAGONAL] += RIDGE * square[:, np.newaxis]
    normal, target = sums[:, : TERMS**2].reshape(-1, TERMS, TERMS), sums[:, TERMS**2 :, np.newaxis]
    _, slope_x, slope_y, mean, difference, shear = np.linalg.solve(normal, target)[:, :, 0].T
    bend_x, bend_y = mean + difference, mean - difference
    determinant = 4.0 * bend_x * bend_y - shear * shear
    concave = (np.maximum(bend_x, bend_y) < -FLAT) & (determinant > FLAT**2)
    determinant[~concave] = 1.0
    top = np.empty((len(code), 2))
    top[:, 0] = shear * slope_y - 2.0 * bend_y * slope_x
    top[:, 1] = shear * slope_x - 2.0 * bend_x * slope_y
    top /= determinant[:, np.newaxis]
    return top, concave


def _weighted(codes: NDArray[Any], affine: _Affine) -> NDArray[np.float64]:
    """(…, 2) v² and v² log v."""
    if codes.itemsize == 1:
        return _tables(affine, codes.dtype.char)[0].take(codes.view(np.uint8), axis=0)
    square, logarithm = _computed(codes, affine)
    return np.stack([square, square * logarithm], axis=-1)


def _squares_and_logarithms(codes: NDArray[Any], affine: _Affine) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """v² and log v; where v is not positive, nearly 0 and some finite number."""
    if codes.itemsize != 1:
        return _computed(codes, affine)
    _, squares, logarithms = _tables(affine, codes.dtype.char)
    index = codes.view(np.uint8)
    return squares.take(index), logarithms.take(index)


@lru_cache(maxsize=64)
def _tables(affine: _Affine, kind: str) -> tuple[NDArray[np.float64], ...]:
    """`_weighted` and `_computed` of each code of 8 bits (int8 or uint8, numpy's letter), seen as unsigned."""
    square, logarithm = _computed(np.arange(256).astype(np.uint8).view(kind), affine)
    return np.stack([square, square * logarithm], axis=-1), square, logarithm


def _computed(codes: NDArray[Any], affine: _Affine) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    values = np.maximum(real_values(codes, affine), 0.0)
    return np.maximum(values * values, _FAINTEST), np.log(np.maximum(values, _TINY))
