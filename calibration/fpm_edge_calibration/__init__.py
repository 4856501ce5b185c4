"""Calibration: which samples, which ranges, which golden cases."""

from fpm_edge_calibration.card import calibration_card
from fpm_edge_calibration.estimators import ESTIMATORS
from fpm_edge_calibration.goldens import golden_set
from fpm_edge_calibration.min_max import MinMax
from fpm_edge_calibration.ranges import RangeEstimator
from fpm_edge_calibration.samples import STRATEGIES, choose_samples

__all__ = ["ESTIMATORS", "STRATEGIES", "MinMax", "RangeEstimator", "calibration_card", "choose_samples", "golden_set"]
