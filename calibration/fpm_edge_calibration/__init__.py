"""Calibration: which samples, which ranges, which golden cases."""

from fpm_edge_calibration.card import calibration_card
from fpm_edge_calibration.goldens import golden_set
from fpm_edge_calibration.ranges import MinMax, RangeEstimator
from fpm_edge_calibration.samples import STRATEGIES, choose_samples

__all__ = ["STRATEGIES", "MinMax", "RangeEstimator", "calibration_card", "choose_samples", "golden_set"]
