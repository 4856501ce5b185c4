"""The extremes seen."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from fpm_edge_calibration.ranges import finite_extremes

__all__ = ["MinMax"]


class MinMax:
    """The extremes seen: nothing saturates, outliers cost resolution."""

    name = "min-max"

    def __init__(self) -> None:
        self._ranges: dict[str, tuple[float, float]] = {}

    def update(self, values: Mapping[str, NDArray[np.float32]]) -> None:
        """See `RangeEstimator.update`."""
        for name, array in values.items():
            low, high = finite_extremes(name, array)
            before = self._ranges.get(name, (low, high))
            self._ranges[name] = (min(low, before[0]), max(high, before[1]))

    def ranges(self) -> dict[str, tuple[float, float]]:
        """See `RangeEstimator.ranges`."""
        return dict(self._ranges)
