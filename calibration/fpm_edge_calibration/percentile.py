"""The range that holds a share of the values."""

from dataclasses import dataclass

import numpy as np

from fpm_edge_calibration.histogram import Histogram

__all__ = ["Percentile"]


@dataclass(frozen=True)
class Percentile:
    """Leaves out the share `1 − share` of the values that are not zero at either end."""

    share: float = 0.9999

    @property
    def name(self) -> str:
        """See `RangeRule.name`."""
        return f"percentile {self.share * 100:g}"

    def range_of(self, histogram: Histogram) -> tuple[float, float]:
        """See `RangeRule.range_of`."""
        counts, centres, half = histogram.counts, histogram.centres, histogram.width / 2
        total = int(counts.sum())
        if total == 0:
            return 0.0, 0.0
        below = np.cumsum(counts) / total
        # The edges of the first and last bin whose values are to stay.
        low = centres[np.argmax(below > 1.0 - self.share)] - half
        high = centres[np.argmax(below >= self.share)] + half
        return float(max(min(low, 0.0), min(histogram.low, 0.0))), float(min(max(high, 0.0), max(histogram.high, 0.0)))
