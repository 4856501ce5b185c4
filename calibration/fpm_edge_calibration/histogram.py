"""Histograms of unbounded streams in constant memory, and the estimators that look at nothing else."""

from collections.abc import Mapping
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from fpm_edge_calibration.ranges import finite_extremes

__all__ = ["BINS", "FromHistogram", "Histogram", "RangeRule"]

BINS = 4096
"""Bins of a histogram. The values seen, and zero, span at least half of them: eight or more for each of 255 codes."""

# Bins of 2⁻⁶⁰ are finer than any tensor needs; a tensor that was always zero stays there.
_FINEST = -60


class Histogram:
    """How often a tensor took which values.

    Bins are 2ᵏ wide and begin at multiples of their width. When a value lies outside, k grows and bins are merged in
    pairs, which loses nothing but resolution: the result depends on the values alone, not on their order or batches.
    Exact zeros, most of what comes out of a ReLU, are counted by themselves: every range represents them exactly.

    Attributes:
        low, high: the extremes, exact.
        zeros: how many values were exactly zero; they are in no bin.
        counts: (BINS,) int64.
    """

    def __init__(self) -> None:
        self.low, self.high = np.inf, -np.inf
        self.zeros = 0
        self.counts = np.zeros(BINS, np.int64)
        self._exponent = _FINEST
        self._start = 0

    @property
    def width(self) -> float:
        """Of a bin, real units."""
        return float(2.0**self._exponent)

    @property
    def centres(self) -> NDArray[np.float64]:
        """(BINS,) middle of each bin, real units."""
        return np.asarray((self._start + np.arange(BINS) + 0.5) * self.width)

    def add(self, values: NDArray[np.float32], low: float, high: float) -> None:
        """Count finite values of any shape, whose extremes are `low` and `high`."""
        self.low, self.high = min(self.low, low), max(self.high, high)
        self._make_room()
        flat = values.ravel()
        flat = flat[flat != 0.0]
        self.zeros += values.size - flat.size
        # Multiplying by a power of two is exact.
        bins = np.floor(flat * np.float32(2.0**-self._exponent)).astype(np.int64)
        self.counts += np.bincount(bins - self._start, minlength=BINS)

    def _make_room(self) -> None:
        """Coarsen until both extremes, and zero, have a bin."""
        low, high = min(self.low, 0.0), max(self.high, 0.0)
        exponent = self._exponent
        while np.floor(high / 2.0**exponent) - np.floor(low / 2.0**exponent) >= BINS:
            exponent += 1
        start = int(np.floor(low / 2.0**exponent))
        if (exponent, start) == (self._exponent, self._start):
            return
        bins = (self._start + np.arange(BINS)) >> (exponent - self._exponent)
        occupied = self.counts > 0
        counts = np.zeros(BINS, np.int64)
        np.add.at(counts, bins[occupied] - start, self.counts[occupied])
        self.counts, self._exponent, self._start = counts, exponent, start


class RangeRule(Protocol):
    """From a histogram to a range."""

    @property
    def name(self) -> str:
        """For the calibration card."""

    def range_of(self, histogram: Histogram) -> tuple[float, float]:
        """(minimum, maximum), within the extremes and zero."""


class FromHistogram:
    """The `RangeEstimator` that keeps one histogram a tensor and asks a rule in the end."""

    def __init__(self, rule: RangeRule) -> None:
        self._rule = rule
        self._histograms: dict[str, Histogram] = {}

    @property
    def name(self) -> str:
        """See `RangeEstimator.name`."""
        return self._rule.name

    def update(self, values: Mapping[str, NDArray[np.float32]]) -> None:
        """See `RangeEstimator.update`."""
        for name, array in values.items():
            low, high = finite_extremes(name, array)
            self._histograms.setdefault(name, Histogram()).add(array, low, high)

    def ranges(self) -> dict[str, tuple[float, float]]:
        """See `RangeEstimator.ranges`."""
        return {name: self._rule.range_of(histogram) for name, histogram in self._histograms.items()}
