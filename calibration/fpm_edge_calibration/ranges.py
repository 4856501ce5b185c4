"""Range estimators: from the values that a tensor took to the range that its codes should cover."""

from collections.abc import Mapping
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from fpm_edge_runtime.errors import DataError

__all__ = ["MinMax", "RangeEstimator"]


class RangeEstimator(Protocol):
    """Sees every batch once and keeps a state whose size does not grow with their number."""

    @property
    def name(self) -> str:
        """For the calibration card."""

    def update(self, values: Mapping[str, NDArray[np.float32]]) -> None:
        """Take the values of each named tensor on one batch, any shape. Raises DataError for NaN or infinity."""

    def ranges(self) -> dict[str, tuple[float, float]]:
        """Tensor name → (minimum, maximum) in real units."""


class MinMax:
    """The extremes seen: nothing saturates, outliers cost resolution."""

    name = "min-max"

    def __init__(self) -> None:
        self._ranges: dict[str, tuple[float, float]] = {}

    def update(self, values: Mapping[str, NDArray[np.float32]]) -> None:
        """See `RangeEstimator.update`."""
        for name, array in values.items():
            low, high = float(array.min()), float(array.max())
            if not (np.isfinite(low) and np.isfinite(high)):
                raise DataError(f"the output of layer {name} is not finite on a calibration picture; check the weights")
            before = self._ranges.get(name, (low, high))
            self._ranges[name] = (min(low, before[0]), max(high, before[1]))

    def ranges(self) -> dict[str, tuple[float, float]]:
        """See `RangeEstimator.ranges`."""
        return dict(self._ranges)
