"""Calibration: which samples, which ranges, which golden cases."""

from fpm_edge_calibration.blank import is_blank
from fpm_edge_calibration.card import calibration_card
from fpm_edge_calibration.coverage import farthest_first
from fpm_edge_calibration.estimators import ESTIMATORS
from fpm_edge_calibration.goldens import golden_set
from fpm_edge_calibration.min_max import MinMax
from fpm_edge_calibration.mining import swap_worst
from fpm_edge_calibration.ranges import RangeEstimator
from fpm_edge_calibration.recognition_fit import (
    Scored,
    fit_categories,
    fit_confidences,
    why_no_categories,
    why_no_confidences,
)
from fpm_edge_calibration.reliability import Bin, calibration_error, reliability
from fpm_edge_calibration.samples import choose_samples
from fpm_edge_calibration.strata import stratum_of

__all__ = [
    "ESTIMATORS",
    "Bin",
    "MinMax",
    "RangeEstimator",
    "Scored",
    "calibration_card",
    "calibration_error",
    "choose_samples",
    "farthest_first",
    "fit_categories",
    "fit_confidences",
    "golden_set",
    "is_blank",
    "reliability",
    "stratum_of",
    "swap_worst",
    "why_no_categories",
    "why_no_confidences",
]
