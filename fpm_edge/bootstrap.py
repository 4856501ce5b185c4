"""Bounds of a mean or a ratio over pictures, by the bootstrap."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fpm_edge_runtime.errors import DataError, UsageError
from fpm_edge_runtime.manifest import Interval

__all__ = ["bootstrap_interval", "bootstrap_intervals"]

# Bounds the memory of the bootstrap: drawn picture indices held at once.
_DRAWS_AT_ONCE = 1_000_000


def bootstrap_interval(
    numerators: NDArray[np.float64],
    denominators: NDArray[Any],
    *,
    confidence: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> Interval:
    """Σ numerators / Σ denominators over pictures, with the bounds of a percentile bootstrap over pictures.

    Pictures are resampled, not points: the points of one picture err together. One function serves both kinds:

    - a pooled mean: numerators are each picture's summed errors, denominators its number of points;
    - a relative drift, paired: numerators are each picture's (converted − float) summed errors, denominators its
      float summed errors.

    Args:
        numerators, denominators: (pictures,).
        confidence: two-sided, between 0 and 1.
        resamples: how many data sets are drawn with replacement (Efron & Tibshirani, 1993, chapter 13).
        seed: the same seed and number of pictures draw the same pictures.

    Raises:
        DataError: no pictures, a value that is not finite, or denominators that sum to 0.
        UsageError: confidence or resamples out of range.
    """
    return bootstrap_intervals(
        np.asarray(numerators)[:, np.newaxis],
        np.asarray(denominators)[:, np.newaxis],
        confidence=confidence,
        resamples=resamples,
        seed=seed,
    )[0]


def bootstrap_intervals(
    numerators: NDArray[np.float64],
    denominators: NDArray[Any],
    *,
    confidence: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> tuple[Interval, ...]:
    """`bootstrap_interval` of several quantities at once, on the same resampled pictures.

    Args:
        numerators, denominators: (pictures, quantities). Resamples that leave a quantity without a denominator (its
            landmark in none of the drawn pictures) are left out of that quantity's bounds.

    Raises:
        DataError, UsageError: as `bootstrap_interval`.
    """
    top, bottom = np.asarray(numerators, np.float64), np.asarray(denominators, np.float64)
    if top.ndim != 2 or top.shape != bottom.shape or 0 in top.shape:
        raise DataError(f"bootstrap over {top.shape} and {bottom.shape}; expected one value for each of ≥ 1 pictures")
    if not (np.isfinite(top).all() and np.isfinite(bottom).all()):
        raise DataError("bootstrap over values that are not finite; look for NaN or infinite landmarks first")
    if not (bottom.sum(axis=0) != 0).all():
        raise DataError("bootstrap of a ratio whose denominators sum to 0; leave out quantities without points")
    if not 0 < confidence < 1 or resamples < 1:
        raise UsageError(f"confidence {confidence} must lie between 0 and 1, resamples {resamples} be at least 1")
    pictures = len(top)
    columns = np.concatenate([top, bottom], axis=1)
    generator = np.random.default_rng(seed)
    totals = np.empty((resamples, columns.shape[1]))
    rows = max(1, _DRAWS_AT_ONCE // pictures)
    for start in range(0, resamples, rows):
        part = min(rows, resamples - start)
        drawn = generator.integers(pictures, size=(part, pictures)) + pictures * np.arange(part)[:, np.newaxis]
        times = np.bincount(drawn.ravel(), minlength=part * pictures).reshape(part, pictures)
        totals[start : start + part] = times.astype(np.float64) @ columns
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = totals[:, : top.shape[1]] / totals[:, top.shape[1] :]
    ratios[~np.isfinite(ratios)] = np.nan
    tail = (1 - confidence) / 2
    lower, upper = np.nanquantile(ratios, [tail, 1 - tail], axis=0)
    estimates = top.sum(axis=0) / bottom.sum(axis=0)
    return tuple(
        Interval(float(e), float(low), float(high)) for e, low, high in zip(estimates, lower, upper, strict=True)
    )
