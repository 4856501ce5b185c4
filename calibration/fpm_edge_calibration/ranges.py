"""The contract of range estimators: from the values that a tensor took to the range that its codes should cover."""

from collections.abc import Mapping
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from fpm_edge_runtime.errors import DataError

__all__ = ["RangeEstimator", "finite_extremes"]


class RangeEstimator(Protocol):
    """Sees every batch once and keeps a state whose size does not grow with their number."""

    @property
    def name(self) -> str:
        """For the calibration card."""

    def update(self, values: Mapping[str, NDArray[np.float32]]) -> None:
        """Take the values of each named tensor on one batch, any shape. Raises DataError for NaN or infinity."""

    def ranges(self) -> dict[str, tuple[float, float]]:
        """Tensor name → (minimum, maximum) in real units."""


def finite_extremes(name: str, values: NDArray[np.float32]) -> tuple[float, float]:
    """Minimum and maximum of the outputs of layer `name`. Raises DataError if one of them is NaN or infinite."""
    low, high = float(values.min()), float(values.max())
    if not (np.isfinite(low) and np.isfinite(high)):
        raise DataError(f"the output of layer {name} is not finite on a calibration picture; check the weights")
    return low, high
