"""The range with the smallest mean squared error after quantization."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fpm_edge_calibration.histogram import Histogram

__all__ = ["MeanSquare"]

_CODES = 255
# Ends are tried at so many places from the extreme down to this share of it, evenly in the logarithm: 3 % apart.
_PLACES = 128
_SMALLEST_SHARE = 0.02
# One end after the other; they hardly depend on each other, and two rounds find both.
_ROUNDS = 3


@dataclass(frozen=True)
class MeanSquare:
    """Minimises Σ n(x) · (x − Q(x))² over the histogram, Q the 8-bit affine quantizer of TFLite (zero has a code).

    After Sung et al., "Resiliency of deep neural networks under quantization", 2015 (L2 error minimisation), with both
    ends of the range searched in turn.
    """

    name: str = "mse"

    def range_of(self, histogram: Histogram) -> tuple[float, float]:
        """See `RangeRule.range_of`."""
        occupied = histogram.counts > 0
        values, counts = histogram.centres[occupied], histogram.counts[occupied]
        low, high = min(histogram.low, 0.0), max(histogram.high, 0.0)
        shares = np.geomspace(1.0, _SMALLEST_SHARE, _PLACES)
        lows, highs = low * shares, high * shares
        for _ in range(_ROUNDS):
            if high > 0.0:
                high = float(highs[np.argmin([_error(values, counts, low, end) for end in highs])])
            if low < 0.0:
                low = float(lows[np.argmin([_error(values, counts, end, high) for end in lows])])
        return low, high


def _error(values: NDArray[np.float64], counts: NDArray[np.int64], low: float, high: float) -> float:
    """Summed squared error of quantizing over [low, high]."""
    scale = (high - low) / _CODES
    zero = round(-low / scale)
    codes = np.clip(np.rint(values / scale) + zero, 0, _CODES)
    return float(counts @ (values - (codes - zero) * scale) ** 2)
