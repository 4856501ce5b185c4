"""Range estimators by name."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from fpm_edge_calibration.entropy import Entropy
from fpm_edge_calibration.histogram import FromHistogram
from fpm_edge_calibration.mean_square import MeanSquare
from fpm_edge_calibration.min_max import MinMax
from fpm_edge_calibration.percentile import Percentile
from fpm_edge_calibration.ranges import RangeEstimator

__all__ = ["ESTIMATORS"]

ESTIMATORS: Mapping[str, Callable[[], RangeEstimator]] = MappingProxyType(
    {
        "min-max": MinMax,
        "percentile": lambda: FromHistogram(Percentile()),
        "mse": lambda: FromHistogram(MeanSquare()),
        "entropy": lambda: FromHistogram(Entropy()),
    }
)
"""A new estimator by its name."""
