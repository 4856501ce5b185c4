"""Bounds that hold at all times, and an alarm that is rarely false, held to what they promise."""

import numpy as np
import pytest

from fpm_edge_runtime.drift.betting import BETS, ChangeAlarm, MeanBounds, capital_above, capital_below

CAP = 0.25


def lost(random: np.random.Generator, share: float, *shape: int) -> np.ndarray:
    """0 or the cap: of all values with this mean, those with the largest spread."""
    return np.where(random.random(shape) < share, CAP, 0.0)


def test_a_bet_at_the_claimed_mean_gains_nothing_on_average() -> None:
    values = np.array([0.0, 0.01, 0.05, 0.2])
    np.testing.assert_allclose(capital_above(values, values.mean()).mean(axis=1), 1.0)
    np.testing.assert_allclose(capital_below(values, values.mean(), CAP).mean(axis=1), 1.0)
    assert (capital_above(values, 0.05).mean(axis=1) > 1).all()
    assert (capital_below(values, 0.1, CAP).mean(axis=1) > 1).all()


def test_capital_is_never_negative() -> None:
    extremes = np.array([0.0, CAP])
    for mean in (1e-4, 0.1, 0.2499):
        assert (capital_above(extremes, mean) > 0).all()
        assert (capital_below(extremes, mean, CAP) > 0).all()
    assert capital_above(extremes, 0.1).shape == (len(BETS), 2)


def test_evidence_begins_at_one_and_its_parts_never_add_up_to_more() -> None:
    """Loads of exactly 1 win and lose nothing: what starts, and what waits, must stay the capital of the beginning."""
    alarm = ChangeAlarm()
    assert alarm.evidence() == 1.0
    for _ in range(1000):
        assert alarm.update(1.0) == pytest.approx(1.0, abs=1e-9)
    assert alarm.waiting(10**9) > 0.05


def test_false_alarms_are_as_rare_as_promised() -> None:
    """At the limit exactly, and as spread as can be: the hardest case. 2,000 streams; α = 0.05 to see some."""
    random = np.random.default_rng(0)
    alarm, most = ChangeAlarm((2000,)), np.zeros(2000)
    for _ in range(1500):
        np.maximum(most, alarm.update(np.where(random.random(2000) < 0.01, 100.0, 0.0)), out=most)
    assert 0 < (most >= 20).mean() <= 0.05


def test_a_shift_after_a_long_healthy_time_is_seen() -> None:
    """After 20,000 healthy samples it takes longer than after 20, but only by a logarithm."""
    random = np.random.default_rng(0)
    delays = []
    for healthy in (20, 20_000):
        alarm = ChangeAlarm((100,))
        for _ in range(healthy):
            alarm.update(random.exponential(0.5, 100))
        found = np.zeros(100)
        for _ in range(200):
            found += alarm.update(random.exponential(2.5, 100)) < 100
        delays.append(np.quantile(found, 0.99))
    assert delays[0] < delays[1] < 100


def test_streams_side_by_side_are_what_each_is_alone() -> None:
    random = np.random.default_rng(0)
    loads = random.exponential(1.0, (50, 3))
    together, alone = ChangeAlarm((3,)), [ChangeAlarm() for _ in range(3)]
    for row in loads:
        evidence = together.update(row)
        apart = [a.update(load) for a, load in zip(alone, row, strict=True)]
        np.testing.assert_allclose(evidence, apart, rtol=1e-12)


def test_evidence_does_not_overflow() -> None:
    alarm = ChangeAlarm()
    with np.errstate(all="raise", under="ignore"):
        for _ in range(2000):
            alarm.update(1e6)
    assert np.isfinite(alarm.evidence())


def test_the_mean_is_within_the_bounds_at_all_times() -> None:
    """The true mean is excluded at some time in at most α of the streams. Here it lies on the grid."""
    random = np.random.default_rng(0)
    alpha, mean = 0.1, MeanBounds(CAP, 0.1).grid[40]
    wealth = np.ones((2, len(BETS), 1000))
    excluded = np.zeros(1000, np.bool_)
    for _ in range(1000):
        values = lost(random, mean / CAP, 1000)
        wealth[0] *= capital_above(values, mean)
        wealth[1] *= capital_below(values, mean, CAP)
        excluded |= (wealth.mean(axis=1) >= 2 / alpha).any(axis=0)
    assert 0 < excluded.mean() <= alpha


def test_bounds_close_in_on_the_mean() -> None:
    bounds = MeanBounds(CAP, 0.01)
    assert (bounds.lower, bounds.upper) == (0.0, CAP)
    assert np.isnan(bounds.estimate)
    values = np.random.default_rng(0).exponential(0.002, 4000)
    widths = []
    for number, value in enumerate(values, 1):
        bounds.update(value)
        if number in (200, 1000, 4000):
            assert bounds.lower < values[:number].mean() < bounds.upper
            widths.append(bounds.upper - bounds.lower)
    assert widths == sorted(widths, reverse=True)
    assert 0.0015 < bounds.lower < 0.002 < bounds.upper < 0.0027
    assert bounds.estimate == pytest.approx(values.mean())


def test_values_over_the_cap_count_as_the_cap() -> None:
    one, other = MeanBounds(CAP, 0.01), MeanBounds(CAP, 0.01)
    for _ in range(5):
        one.update(CAP)
        other.update(7.0)
    np.testing.assert_array_equal(one.above, other.above)
    assert one.estimate == other.estimate == CAP
