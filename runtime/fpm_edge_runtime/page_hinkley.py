"""A quick alarm for abrupt faults. It promises nothing about false alarms: `betting.ChangeAlarm` does."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["PageHinkley"]


class PageHinkley:
    """Page-Hinkley test for an increase, for one stream or many.

    It sums by how much values are over their running mean plus `slack`, never below 0, and fires when the sum passes
    `threshold` (Page, "Continuous inspection schemes", Biometrika 41, 1954; Hinkley, Biometrika 58, 1971).

    Attributes:
        count: values seen so far.
        mean, excess: (*streams) running mean, and the sum.
        fired: (*streams) whether it has ever fired.
    """

    def __init__(self, slack: float, threshold: float, streams: tuple[int, ...] = ()) -> None:
        self.slack, self.threshold = slack, threshold
        self.count = 0
        self.mean: NDArray[np.float64] = np.zeros(streams)
        self.excess: NDArray[np.float64] = np.zeros(streams)
        self.fired: NDArray[np.bool_] = np.zeros(streams, np.bool_)

    def update(self, values: Any) -> NDArray[np.bool_]:
        """Take the next value of every stream, (*streams); returns `fired`."""
        if self.count:
            self.excess += values - self.mean - self.slack
            np.maximum(self.excess, 0.0, out=self.excess)
        self.count += 1
        self.mean += (values - self.mean) / self.count
        self.fired |= self.excess > self.threshold
        return self.fired
