"""Bootstrap bounds, against values worked out by hand."""

import numpy as np
import pytest

from fpm_edge.accuracy.bootstrap import (
    bootstrap_changes,
    bootstrap_interval,
    bootstrap_intervals,
    bootstrap_median_ratio,
)
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


def test_a_change_of_the_same_pictures_is_paired() -> None:
    """Pictures differ by a factor of a hundred, and the change by nothing."""
    errors = np.random.default_rng(4).uniform(0.01, 1.0, (50, 1))
    one = np.ones((50, 1))
    ((difference, relative),) = bootstrap_changes((errors, one), (errors + 0.01, one), paired=True)
    np.testing.assert_allclose([difference.estimate, difference.lower, difference.upper], 0.01)
    assert relative is not None
    assert relative.estimate == pytest.approx(0.01 / errors.mean())
    ((difference, _),) = bootstrap_changes((errors, one), (errors + 0.01, one), paired=False)
    assert difference.lower < -0.05 < 0.05 < difference.upper


def test_a_change_between_two_samples_matches_the_normal_interval() -> None:
    generator = np.random.default_rng(5)
    a, b = generator.normal(5.0, 1.0, (300, 1)), generator.normal(6.0, 2.0, (500, 1))
    ((difference, relative),) = bootstrap_changes((a, np.ones_like(a)), (b, np.ones_like(b)), paired=False)
    half = 1.96 * np.sqrt(a.var() / 300 + b.var() / 500)
    centre = b.mean() - a.mean()
    assert difference.estimate == pytest.approx(centre)
    assert difference.lower == pytest.approx(centre - half, abs=0.15 * half)
    assert difference.upper == pytest.approx(centre + half, abs=0.15 * half)
    assert relative is not None
    assert relative.lower < b.mean() / a.mean() - 1 < relative.upper


def test_no_change_is_called_one_as_rarely_as_it_says() -> None:
    generator = np.random.default_rng(6)
    wrong = 0
    one = np.ones((60, 1))
    for trial in range(200):
        a, b = generator.gamma(2.0, 0.5, (2, 60, 1))
        ((difference, _),) = bootstrap_changes((a, one), (b, one), paired=False, resamples=400, seed=trial)
        wrong += not difference.lower <= 0 <= difference.upper
    assert 0.01 <= wrong / 200 <= 0.12


def test_a_change_from_nothing_has_no_ratio_and_shapes_must_fit() -> None:
    zero, one = np.zeros((20, 1)), np.ones((20, 1))
    assert bootstrap_changes((zero, one), (one, one), paired=True)[0][1] is None
    with pytest.raises(DataError, match="as many of each"):
        bootstrap_changes((one, one), (one[:10], one[:10]), paired=True)


def test_a_ratio_of_medians_is_by_rounds() -> None:
    """Slow and fast rounds hurt both alike, and one round in fifty is an outlier of one of them."""
    generator = np.random.default_rng(7)
    times = generator.choice([1.0, 3.0], 101)
    twice = 2 * times
    twice[:2] = 500.0
    found = bootstrap_median_ratio(twice, times)
    assert (found.estimate, found.lower, found.upper) == (2.0, 2.0, 2.0)
    # In other rounds each: the bounds are as wide as the rounds differ.
    apart = bootstrap_median_ratio(generator.permutation(twice), times)
    assert apart.lower < 1 < 5 < apart.upper
    with pytest.raises(DataError):
        bootstrap_median_ratio(np.empty(0), np.empty(0))
