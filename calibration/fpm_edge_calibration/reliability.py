"""How far a stated probability can be believed: reliability by bins, and a curve from scores to probabilities."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["BINS", "Bin", "calibration_error", "fit_curve", "reliability"]

BINS = 10
"""Of the same width, from 0 to 1."""

# Steps of a curve before it is made monotone at most, and points in each at least.
_MOST_STEPS, _EACH = 24, 20
_DECIMALS = 4


@dataclass(frozen=True)
class Bin:
    """The points whose stated probability is from `low` to below `high` (the last bin: to 1).

    Attributes:
        count: how many.
        stated: mean of what was stated; None without points.
        right: share of them that were right; None without points.
    """

    low: float
    high: float
    count: int
    stated: float | None
    right: float | None


def reliability(stated: NDArray[np.floating[Any]], right: NDArray[np.bool_]) -> tuple[Bin, ...]:
    """The points by what was stated of them.

    Args:
        stated: (points,) 0 to 1.
        right: (points,) whether each was right.
    """
    place = np.minimum((np.asarray(stated, np.float64) * BINS).astype(np.intp), BINS - 1)
    bins = []
    for index in range(BINS):
        mine = place == index
        count = int(mine.sum())
        means = (float(stated[mine].mean(dtype=np.float64)), float(right[mine].mean())) if count else (None, None)
        bins.append(Bin(index / BINS, (index + 1) / BINS, count, *means))
    return tuple(bins)


def calibration_error(bins: tuple[Bin, ...]) -> float:
    """Expected calibration error: the mean over points of |stated − right| of their bin; NaN without points.

    Naeini, Cooper and Hauskrecht, "Obtaining well calibrated probabilities using Bayesian binning", AAAI 2015.
    """
    total = sum(one.count for one in bins)
    apart = sum(
        one.count * abs(one.stated - one.right) for one in bins if one.stated is not None and one.right is not None
    )
    return apart / total if total else float("nan")


def fit_curve(
    scores: NDArray[np.floating[Any]], right: NDArray[np.bool_]
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """A curve that never falls from scores to the probability of being right: the means of steps, made isotonic.

    Most points are right and high. So that the low scores, which are to warn, get steps of their own, a step has its
    share of the points and of the wrong points together.

    Args:
        scores: (points,) 0 to 1; at least one.
        right: (points,) whether each was right.

    Returns:
        Scores that grow, and probabilities that never fall, at which to interpolate; to four decimals.
    """
    order = np.argsort(scores, kind="stable")
    x, y = scores[order].astype(np.float64), right[order].astype(np.float64)
    steps = max(1, min(_MOST_STEPS, len(x) // _EACH))
    load = np.cumsum(1 / len(x) + (1 - y) / max(1.0, (1 - y).sum()))
    wanted = np.searchsorted(load, load[-1] * np.arange(1, steps) / steps)
    edges = [0]
    # Points with one score stay together.
    for edge in np.searchsorted(x, x[wanted]).tolist():
        if edge >= edges[-1] + _EACH and edge <= len(x) - _EACH:
            edges.append(edge)
    edges.append(len(x))
    blocks = [(float(x[a:b].sum()), float(y[a:b].sum()), b - a) for a, b in pairwise(edges)]
    places = [total / count for total, _, count in blocks]
    # Half a point of each kind: no probability that was estimated is 0 or 1.
    heights = _never_falling([(hits + 0.5) / (count + 1) for _, hits, count in blocks], [c for *_, c in blocks])
    knots = {round(place, _DECIMALS): round(height, _DECIMALS) for place, height in zip(places, heights, strict=True)}
    return tuple(knots), tuple(knots.values())


def _never_falling(values: list[float], weights: list[int]) -> list[float]:
    """The nearest values that never fall (pool adjacent violators)."""
    pools: list[tuple[float, int, int]] = []
    for value, weight in zip(values, weights, strict=True):
        pools.append((value, weight, 1))
        while len(pools) > 1 and pools[-2][0] > pools[-1][0]:
            (a, wa, na), (b, wb, nb) = pools[-2:]
            pools[-2:] = [((a * wa + b * wb) / (wa + wb), wa + wb, na + nb)]
    return [value for value, _, count in pools for _ in range(count)]
