"""Bounds on a mean, and an alarm on it, that hold at every moment and not only at one sample size chosen beforehand.

A bettor puts a share of their capital on "the mean is larger than m". If the mean is not, no bet has a gain on
average: the capital is a nonnegative supermartingale that starts at 1, and by Ville's inequality the probability that
it *ever* reaches 1/α is at most α. That is all the statistics there is here; there is no assumption about the shape of
the distribution. After Waudby-Smith and Ramdas, "Estimating means of bounded random variables by betting", JRSS-B 86,
2024. What is needed: the mean of the next value, given all values before it, is as claimed.

The functions take arrays of streams, so that `benchmarks/drift_alarm.py` simulates these very formulas.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["BETS", "ChangeAlarm", "MeanBounds", "capital_above", "capital_below"]

BETS = 0.99 * 0.5 ** np.arange(8)
"""(bets,) the shares that are bet, side by side: whether a shift is large or small is not known beforehand."""

# Capital is not counted further than this; not counting a gain keeps it a supermartingale.
_MOST = 1e100
# How late the alarm expects a change: see `ChangeAlarm.waiting`.
_START_SCALE = 100.0

Floats = NDArray[np.float64]


def capital_above(values: Any, mean: Any) -> Floats:
    """What a unit of capital becomes, by bet: 1 + b · (x/m − 1).

    On average at most 1 where the mean of `values` is at most `mean`. `values` ≥ 0 and `mean` > 0 are arrays that
    broadcast; the answer has an axis for `BETS` before theirs.
    """
    excess = np.asarray(values / mean - 1.0)
    return np.asarray(1.0 + BETS.reshape(-1, *(1,) * excess.ndim) * excess)


def capital_below(values: Any, mean: Any, cap: float) -> Floats:
    """What a unit of capital becomes, by bet: 1 + b · (m − x)/(c − m), for values that are at most c = `cap`.

    On average at most 1 where the mean of `values` is at least `mean` < `cap`. Shapes as in `capital_above`.
    """
    lack = np.asarray((mean - values) / (cap - mean))
    return np.asarray(1.0 + BETS.reshape(-1, *(1,) * lack.ndim) * lack)


class ChangeAlarm:
    """Evidence that a mean which should be at most 1 has at some time become larger, for one stream or many.

    One bettor starts before every value, with a part of the capital that was set aside at the beginning; what has not
    started keeps its value. The sum is still a supermartingale that starts at 1, and it needs no more memory than one
    number a bet. A single bettor who had lost most of it in a long healthy time would be slow to notice a change.
    These are the e-detectors of Shin, Ramdas and Rinaldo, 2023, with start weights that sum to 1: they bound the
    probability that there is ever a false alarm, not only the time between two. The price is a delay that grows as the
    logarithm of the stream's age.

    Attributes:
        count: values seen so far.
        started: (bets, *streams) capital of the bettors that have started.
    """

    def __init__(self, streams: tuple[int, ...] = ()) -> None:
        self.count = 0
        self.started: Floats = np.zeros((len(BETS), *streams))

    def update(self, loads: Any) -> Floats:
        """Take the next value of every stream, (*streams) ≥ 0, and return the evidence, (*streams).

        If all means are at most 1, the probability that the evidence of a stream ever reaches 1/α is at most α.
        """
        starting = self.waiting(self.count) - self.waiting(self.count + 1)
        self.count += 1
        self.started += starting
        self.started *= capital_above(loads, 1.0)
        np.minimum(self.started, _MOST, out=self.started)
        return self.evidence()

    def evidence(self) -> Floats:
        """(*streams) capital of all bettors together; 1 before the first value."""
        return np.asarray(self.started.mean(axis=0) + self.waiting(self.count))

    @staticmethod
    def waiting(count: int) -> float:
        """The capital that has not started after `count` values: 1/(1 + log(1 + count/100))."""
        return float(1.0 / (1.0 + np.log1p(count / _START_SCALE)))


class MeanBounds:
    """A confidence sequence for the mean of values between 0 and `cap`: with probability 1 − α it holds at all times.

    For every mean on a grid two bettors bet that it is larger, or smaller. Means against which a bettor reached 2/α are
    excluded. `update` costs the same for every value, and nothing grows.

    Attributes:
        grid: (means,) ascending; a bound is one of them, 0, or `cap`, so at most 8 % from the exact one.
        above, below: (bets, means) capital of the two bettors, starting from 1.
        count, total: of the values.
    """

    def __init__(self, cap: float, alpha: float) -> None:
        self.cap, self.alpha = cap, alpha
        self.grid: Floats = np.geomspace(cap / 2500, cap, 97)[:-1]
        self.above: Floats = np.ones((len(BETS), len(self.grid)))
        self.below: Floats = np.ones((len(BETS), len(self.grid)))
        self.count = 0
        self.total = 0.0

    def update(self, value: float) -> None:
        """Take the next value; one over `cap` counts as `cap`."""
        value = min(value, self.cap)
        self.count += 1
        self.total += value
        for capital, gain in (
            (self.above, capital_above(value, self.grid)),
            (self.below, capital_below(value, self.grid, self.cap)),
        ):
            capital *= gain
            np.minimum(capital, _MOST, out=capital)

    @property
    def estimate(self) -> float:
        """Mean of the values; NaN before the first."""
        return self.total / self.count if self.count else float("nan")

    @property
    def lower(self) -> float:
        """The mean is at least this."""
        excluded = self.grid[self.above.mean(axis=0) >= 2 / self.alpha]
        return float(excluded[-1]) if excluded.size else 0.0

    @property
    def upper(self) -> float:
        """The mean is at most this."""
        excluded = self.grid[self.below.mean(axis=0) >= 2 / self.alpha]
        return float(excluded[0]) if excluded.size else self.cap
