"""Bounds of a mean or a ratio over pictures, and of what two of them differ by, by the bootstrap."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fpm_edge_runtime.bundle.manifest import Interval
from fpm_edge_runtime.errors import DataError, UsageError

__all__ = ["bootstrap_changes", "bootstrap_interval", "bootstrap_intervals", "bootstrap_median_ratio"]

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
    top, bottom = _checked(numerators, denominators, confidence, resamples)
    return _intervals(top.sum(axis=0) / bottom.sum(axis=0), _ratios(top, bottom, resamples, seed), confidence)


def bootstrap_changes(
    first: tuple[NDArray[np.float64], NDArray[Any]],
    second: tuple[NDArray[np.float64], NDArray[Any]],
    *,
    paired: bool,
    confidence: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> tuple[tuple[Interval, Interval | None], ...]:
    """What several quantities of `second` differ by from those of `first`: (second − first, second / first − 1) each.

    Args:
        first, second: (numerators, denominators), each (pictures, quantities) as of `bootstrap_intervals`.
        paired: both are of the same pictures in the same order, and the same ones are drawn for both. Otherwise each
            is drawn for itself (two-sample bootstrap, Efron & Tibshirani, 1993, chapter 8).

    Returns:
        The relative change is None where the quantity of `first` is 0.

    Raises:
        DataError, UsageError: as `bootstrap_interval`; or not the same quantities, or not as many pictures in pairs.
    """
    a, b = (_checked(*side, confidence, resamples) for side in (first, second))
    if a[0].shape[1] != b[0].shape[1] or (paired and len(a[0]) != len(b[0])):
        raise DataError(f"bootstrap of the change from {a[0].shape} to {b[0].shape} values; expected as many of each")
    # The same seed and number of pictures draw the same pictures.
    of_a, of_b = _ratios(*a, resamples, seed), _ratios(*b, resamples, seed if paired else [seed, 1])
    value_a, value_b = (top.sum(axis=0) / bottom.sum(axis=0) for top, bottom in (a, b))
    differences = _intervals(value_b - value_a, of_b - of_a, confidence)
    relative: list[Interval | None] = [None] * len(differences)
    there = np.flatnonzero(value_a)
    if there.size:
        with np.errstate(divide="ignore", invalid="ignore"):
            changes = of_b[:, there] / of_a[:, there] - 1
        found = _intervals(value_b[there] / value_a[there] - 1, changes, confidence)
        for index, interval in zip(there.tolist(), found, strict=True):
            relative[index] = interval
    return tuple(zip(differences, relative, strict=True))


def bootstrap_median_ratio(
    numerators: NDArray[np.float64],
    denominators: NDArray[np.float64],
    *,
    confidence: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> Interval:
    """Median of numerators over median of denominators, by rounds that were measured in turn: rounds are resampled.

    Args:
        numerators, denominators: (rounds,) positive, such as times.

    Raises:
        DataError, UsageError: as `bootstrap_interval`.
    """
    top, bottom = _checked(numerators[:, np.newaxis], denominators[:, np.newaxis], confidence, resamples)
    rounds = len(top)
    generator = np.random.default_rng(seed)
    ratios = np.empty((resamples, 1))
    rows = max(1, _DRAWS_AT_ONCE // rounds)
    for start in range(0, resamples, rows):
        drawn = generator.integers(rounds, size=(min(rows, resamples - start), rounds))
        ratios[start : start + rows, 0] = np.median(top[drawn, 0], axis=1) / np.median(bottom[drawn, 0], axis=1)
    return _intervals(np.median(top, axis=0) / np.median(bottom, axis=0), ratios, confidence)[0]


def _checked(
    numerators: NDArray[np.float64], denominators: NDArray[Any], confidence: float, resamples: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    top, bottom = np.asarray(numerators, np.float64), np.asarray(denominators, np.float64)
    if top.ndim != 2 or top.shape != bottom.shape or 0 in top.shape:
        raise DataError(f"bootstrap over {top.shape} and {bottom.shape}; expected one value for each of ≥ 1 pictures")
    if not (np.isfinite(top).all() and np.isfinite(bottom).all()):
        raise DataError("bootstrap over values that are not finite; look for NaN or infinite landmarks first")
    if not (bottom.sum(axis=0) != 0).all():
        raise DataError("bootstrap of a ratio whose denominators sum to 0; leave out quantities without points")
    if not 0 < confidence < 1 or resamples < 1:
        raise UsageError(f"confidence {confidence} must lie between 0 and 1, resamples {resamples} be at least 1")
    return top, bottom


def _ratios(
    top: NDArray[np.float64], bottom: NDArray[np.float64], resamples: int, seed: int | list[int]
) -> NDArray[np.float64]:
    """(resamples, quantities); NaN where a resample has no denominator."""
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
        ratios: NDArray[np.float64] = totals[:, : top.shape[1]] / totals[:, top.shape[1] :]
    ratios[~np.isfinite(ratios)] = np.nan
    return ratios


def _intervals(estimates: NDArray[np.float64], ratios: NDArray[np.float64], confidence: float) -> tuple[Interval, ...]:
    """The percentiles of every column, the resamples without a value left out."""
    tail = (1 - confidence) / 2
    ratios = np.where(np.isfinite(ratios), ratios, np.nan)
    lower, upper = np.nanquantile(ratios, [tail, 1 - tail], axis=0)
    return tuple(
        Interval(float(e), float(low), float(high)) for e, low, high in zip(estimates, lower, upper, strict=True)
    )
