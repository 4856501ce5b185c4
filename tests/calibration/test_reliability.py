"""Reliability by bins, and curves that never fall."""

import math

import numpy as np
import pytest

from fpm_edge_calibration.reliability import BINS, calibration_error, fit_curve, reliability


def test_points_fall_into_the_bin_of_what_was_stated() -> None:
    stated = np.array([0.0, 0.05, 0.1, 0.95, 1.0])
    bins = reliability(stated, np.array([True, False, True, True, False]))
    assert len(bins) == BINS
    assert [one.count for one in bins] == [2, 1, 0, 0, 0, 0, 0, 0, 0, 2]
    assert (bins[0].stated, bins[0].right) == (pytest.approx(0.025), 0.5)
    assert (bins[2].stated, bins[2].right) == (None, None)
    assert (bins[9].low, bins[9].high, bins[9].right) == (0.9, 1.0, 0.5)


def test_the_error_is_what_is_stated_too_much_or_too_little() -> None:
    stated = np.array([0.25] * 4 + [0.95] * 6)
    right = np.array([True, False, False, False, True, True, True, False, False, False])
    assert calibration_error(reliability(stated, right)) == pytest.approx(0.4 * 0.0 + 0.6 * 0.45)
    assert math.isnan(calibration_error(reliability(np.empty(0), np.empty(0, np.bool_))))


def test_a_curve_never_falls_where_the_points_do() -> None:
    scores = np.linspace(0, 1, 600)
    right = np.ones(600, np.bool_)
    right[200:400] = False
    x, y = fit_curve(scores, right)
    assert list(x) == sorted(set(x))
    assert list(y) == sorted(y)
    # The good low ones and the bad middle ones share their mean.
    assert y[0] == pytest.approx(0.5, abs=0.01)
    assert y[-1] > 0.98


def test_points_of_one_score_are_one_knot() -> None:
    x, y = fit_curve(np.full(200, 0.7), np.arange(200) % 4 > 0)
    assert x == (0.7,)
    assert y == (pytest.approx(0.75, abs=0.01),)
    x, y = fit_curve(np.array([0.0] * 300 + [1.0] * 300), np.array([False] * 300 + [True] * 300))
    assert x == (0.0, 1.0)
    assert y == (pytest.approx(0.0017, abs=1e-3), pytest.approx(0.9983, abs=1e-3))


def test_a_single_point() -> None:
    assert fit_curve(np.array([0.4]), np.array([True])) == ((0.4,), (0.75,))
