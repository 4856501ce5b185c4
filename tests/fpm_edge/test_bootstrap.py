"""Bootstrap bounds, against values worked out by hand."""

import numpy as np
import pytest

from fpm_edge.bootstrap import bootstrap_interval, bootstrap_intervals
from fpm_edge_runtime.errors import DataError, UsageError


def test_bootstrap_of_a_mean_matches_the_normal_interval() -> None:
    values = np.random.default_rng(0).normal(5.0, 1.0, 400)
    interval = bootstrap_interval(values, np.ones(400))
    half = 1.96 * values.std() / 20
    assert interval.estimate == pytest.approx(values.mean())
    assert interval.lower == pytest.approx(values.mean() - half, abs=0.1 * half)
    assert interval.upper == pytest.approx(values.mean() + half, abs=0.1 * half)


def test_bootstrap_covers_the_truth_as_often_as_it_says() -> None:
    """Pictures with different numbers of points that err together: resampling points would be far too narrow."""
    generator = np.random.default_rng(1)
    covered = 0
    for trial in range(200):
        counts = generator.integers(1, 8, 60)
        sums = counts * generator.gamma(2.0, 0.5, 60)  # all points of a picture share its error; true mean 1
        interval = bootstrap_interval(sums, counts, resamples=400, seed=trial)
        covered += interval.lower <= 1.0 <= interval.upper
    assert 0.88 <= covered / 200 <= 0.99


def test_bootstrap_of_a_relative_drift_is_paired() -> None:
    """Every converted error is 1 % up: the ratio is exact although pictures differ by a factor of a hundred."""
    errors = np.random.default_rng(2).uniform(0.01, 1.0, 50)
    interval = bootstrap_interval(errors * 0.01, errors)
    np.testing.assert_allclose([interval.estimate, interval.lower, interval.upper], 0.01)


def test_bootstrap_is_a_function_of_its_seed() -> None:
    values = np.random.default_rng(3).random(30)
    first = bootstrap_interval(values, np.ones(30), seed=7)
    assert first == bootstrap_interval(values, np.ones(30), seed=7)
    assert first != bootstrap_interval(values, np.ones(30), seed=8)
    columns = np.stack([values, values * 2], axis=1)
    both = bootstrap_intervals(columns, np.ones((30, 2)), seed=7)
    assert both[0] == first
    assert both[1].upper == pytest.approx(2 * first.upper)


def test_bootstrap_of_many_pictures_is_drawn_in_blocks() -> None:
    """More draws than are held at once, the last block smaller than the others."""
    values = np.random.default_rng(4).normal(0.0, 1.0, 3000)
    interval = bootstrap_interval(values, np.ones(3000), resamples=700)
    half = 1.96 * values.std() / 3000**0.5
    assert interval.upper - interval.lower == pytest.approx(2 * half, rel=0.1)


def test_bootstrap_leaves_out_resamples_without_the_landmark() -> None:
    interval = bootstrap_interval(np.array([0.5, 0, 0, 0]), np.array([1, 0, 0, 0]))
    assert (interval.estimate, interval.lower, interval.upper) == (0.5, 0.5, 0.5)


def test_bootstrap_refuses_what_has_no_answer() -> None:
    one = np.ones(3)
    with pytest.raises(DataError, match="sum to 0"):
        bootstrap_interval(one, np.zeros(3))
    with pytest.raises(DataError, match="not finite"):
        bootstrap_interval(np.array([1.0, np.inf, 1.0]), one)
    with pytest.raises(DataError, match="≥ 1 pictures"):
        bootstrap_interval(np.zeros(0), np.zeros(0))
    with pytest.raises(UsageError, match="confidence"):
        bootstrap_interval(one, one, confidence=1.0)
