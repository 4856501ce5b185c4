"""The range that keeps most of the distribution's information."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fpm_edge_calibration.histogram import Histogram

__all__ = ["Entropy"]

_CODES = 256
# Thresholds are tried from the largest magnitude down to this share of it, evenly.
_PLACES = 128
_SMALLEST_SHARE = 0.06


@dataclass(frozen=True)
class Entropy:
    """Minimises the Kullback-Leibler divergence of the quantized distribution from the clipped one.

    After Migacz, "8-bit inference with TensorRT", GTC 2017: what lies outside the threshold is counted at the edge, and
    each code's count is spread evenly over the occupied bins that share the code. One threshold bounds both signs; a
    sign whose values end before it keeps its own extreme. Exact zeros, represented by every range, are left out.
    """

    name: str = "entropy"

    def range_of(self, histogram: Histogram) -> tuple[float, float]:
        """See `RangeRule.range_of`."""
        low, high = min(histogram.low, 0.0), max(histogram.high, 0.0)
        occupied = histogram.counts > 0
        values, counts = histogram.centres[occupied], histogram.counts[occupied].astype(np.float64)
        if not counts.size:
            return low, high
        thresholds = max(-low, high) * np.linspace(1.0, _SMALLEST_SHARE, _PLACES)
        ranges = [(max(low, -end), min(high, end)) for end in thresholds]
        return ranges[int(np.argmin([_divergence(values, counts, *ends) for ends in ranges]))]


def _divergence(values: NDArray[np.float64], counts: NDArray[np.float64], low: float, high: float) -> float:
    """KL divergence, nats, of the distribution quantized over [low, high] from the one clipped to it."""
    inside = (values >= low) & (values <= high)
    kept = counts[inside]
    if not kept.size:
        return np.inf
    clipped = kept.copy()
    clipped[0] += counts[values < low].sum()
    clipped[-1] += counts[values > high].sum()
    codes = np.rint((values[inside] - low) * ((_CODES - 1) / (high - low))).astype(np.int64)
    spread = (np.bincount(codes, kept) / np.maximum(np.bincount(codes), 1))[codes]
    p, q = clipped / clipped.sum(), spread / spread.sum()
    return float(p @ np.log(p / q))
