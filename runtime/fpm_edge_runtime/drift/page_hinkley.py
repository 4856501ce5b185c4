"""A quick alarm for abrupt faults. It promises nothing about false alarms: `betting.ChangeAlarm` does."""

from typing import Any

import numpy as np

__all__ = ["PageHinkley"]


class PageHinkley:
    """Page-Hinkley test for an increase, for one stream or many.

    It sums by how much values are over their running mean plus `slack`, never below 0, and fires when the sum passes
    `threshold` (Page, "Continuous inspection schemes", Biometrika 41, 1954; Hinkley, Biometrika 58, 1971).

    Attributes:
        count: values seen so far.
        mean, excess: (*streams) running mean, and the sum; plain numbers for one stream, which is many times as fast.
        fired: (*streams) whether it has ever fired.
    """

    def __init__(self, slack: float, threshold: float, streams: tuple[int, ...] = ()) -> None:
        self.slack, self.threshold = slack, threshold
        self.count = 0
        self.mean: Any = np.zeros(streams) if streams else 0.0
        self.excess: Any = np.zeros(streams) if streams else 0.0
        self.fired: Any = np.zeros(streams, np.bool_) if streams else False

    def update(self, values: Any) -> Any:
        """Take the next value of every stream, (*streams); returns `fired`."""
        if self.count:
            excess = self.excess + (values - self.mean - self.slack)
            self.excess = excess * (excess > 0)
        self.count += 1
        self.mean = self.mean + (values - self.mean) / self.count
        self.fired = self.fired | (self.excess > self.threshold)
        return self.fired
