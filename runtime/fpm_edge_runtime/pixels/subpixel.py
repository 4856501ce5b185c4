"""Where between the cells the top of a heatmap is: a Gaussian fitted to the logarithms of the cells around its peak."""

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
# A peak's squared value at least; no system of equations is then empty.
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
_RIDGES = (RIDGE * np.eye(TERMS)).ravel()


def real_values(codes: NDArray[Any], affine: _Affine) -> NDArray[np.float64]:
    """real = scale · (code − zero point); the values themselves where there is no (scale, zero point)."""
    values = codes.astype(np.float64)
    if affine is not None:
        values -= affine[1]
        values *= affine[0]
    return values


def fitted_tops(
    around: NDArray[Any], inside: NDArray[np.bool_], code: NDArray[Any], clipped: NDArray[np.bool_], affine: _Affine
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """The top of the Gaussian fitted to the cells around each peak.

    log v = p · (1, u, v, u² + v², u² − v², uv), least squares with weights v² (they undo what the logarithm does to
    the noise of small values), after Guo, "A simple algorithm for fitting a Gaussian function", IEEE Signal Processing
    Magazine 28(5), 2011.

    Args:
        around: (peaks, cells) codes of the window.
        inside: (peaks, cells) whether a cell of the window is in the map. The codes of others are not looked at.
        code: (peaks,) the largest code.
        clipped: (peaks,) whether cells of that code say nothing about the top, because real values above it look the
            same.
        affine: scale and zero point; None for real values.

    Returns:
        (peaks, 2) x and y, in cells from the window's middle, and (peaks,) whether the surface has a top there: its
        weights are not all zero, and it is concave. Of one that has none the place is meaningless.
    """
    weight, logarithm = _squares_and_logarithms(around, affine)
    top_square, top_logarithm = _squares_and_logarithms(code, affine)
    weight *= inside
    if clipped.any():
        weight[(around == code[:, np.newaxis]) & clipped[:, np.newaxis]] = 0.0
    logarithm -= top_logarithm[:, np.newaxis]
    logarithm *= weight
    normal = weight @ _PRODUCTS
    # The ridge is meant for weights relative to the peak's.
    normal += np.maximum(top_square, _FAINTEST)[:, np.newaxis] * _RIDGES
    target = logarithm @ DESIGN
    p = np.linalg.solve(normal.reshape(-1, TERMS, TERMS), target[:, :, np.newaxis])[:, :, 0].T
    _, slope_x, slope_y, mean, difference, shear = p
    bend_x, bend_y = mean + difference, mean - difference
    determinant = 4.0 * bend_x * bend_y - shear * shear
    concave = (bend_x < -FLAT) & (bend_y < -FLAT) & (determinant > FLAT**2)
    determinant[~concave] = 1.0
    top = np.empty((len(code), 2))
    top[:, 0] = shear * slope_y - 2.0 * bend_y * slope_x
    top[:, 1] = shear * slope_x - 2.0 * bend_x * slope_y
    top /= determinant[:, np.newaxis]
    return top, concave


def _squares_and_logarithms(codes: NDArray[Any], affine: _Affine) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """v² and log v; where v is not positive, 0 and some finite number."""
    if codes.dtype != np.int8:
        return _computed(codes, affine)
    squares, logarithms = _tables(affine)
    index = codes.view(np.uint8)
    return squares.take(index), logarithms.take(index)


@lru_cache(maxsize=64)
def _tables(affine: _Affine) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """`_computed` of each int8 code, at the code seen as unsigned."""
    return _computed(np.arange(256).astype(np.uint8).view(np.int8), affine)


def _computed(codes: NDArray[Any], affine: _Affine) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    values = np.maximum(real_values(codes, affine), 0.0)
    return values * values, np.log(np.maximum(values, _TINY))
