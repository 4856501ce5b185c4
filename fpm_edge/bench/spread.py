"""What many times have in common: percentiles, thermal drift, ratios."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fpm_edge.accuracy.bootstrap import bootstrap_interval
from fpm_edge.bench.data import Drift, Ratio, Spread

__all__ = ["BOOTSTRAP", "PERCENTILE", "drift_of", "percentile", "ratio_of", "spread_of"]

PERCENTILE = "nearest rank as in MLPerf LoadGen: of n sorted times, number floor(n·p) counted from 0"
BOOTSTRAP = "95 % percentile bootstrap, 2,000 draws of turns, of the geometric mean of the ratios within each turn"

_TENTH = 10


def percentile(ordered: NDArray[np.float64], percent: int) -> float:
    """One of the times, never a value between two: see `PERCENTILE` (MLPerf inference, ``loadgen/results.cc``).

    Args:
        ordered: (n,), sorted, n ≥ 1.
        percent: 0 to 99.
    """
    return float(ordered[len(ordered) * percent // 100])


def spread_of(times: ArrayLike) -> Spread:
    """Of at least one time."""
    ordered = np.sort(np.asarray(times, np.float64))
    p50, p90, p99 = (percentile(ordered, percent) for percent in (50, 90, 99))
    # The sum of equal times rounds, and a mean below the least of them would look wrong.
    mean = float(np.clip(ordered.mean(), ordered[0], ordered[-1]))
    return Spread(p50, p90, p99, mean, float(ordered[0]), float(ordered[-1]))


def drift_of(times: ArrayLike) -> Drift:
    """Medians of the first and of the last tenth of times (at least one each), in the order in which they came."""
    values = np.asarray(times, np.float64)
    tenth = max(1, len(values) // _TENTH)
    first, last = (percentile(np.sort(part), 50) for part in (values[:tenth], values[-tenth:]))
    return Drift(first, last, last / first)


def ratio_of(mine: Sequence[float], theirs: Sequence[float], row: int) -> Ratio:
    """How many times as long mine took as theirs; see `BOOTSTRAP`.

    Args:
        mine, theirs: a time of each turn, of the same turns.
        row: whose theirs are.
    """
    logarithms = np.log(np.asarray(mine, np.float64)) - np.log(np.asarray(theirs, np.float64))
    found = bootstrap_interval(logarithms, np.ones(len(logarithms)))
    return Ratio(row, *(float(np.exp(value)) for value in (found.estimate, found.lower, found.upper)))
