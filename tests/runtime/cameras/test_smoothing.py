"""Landmarks stand still when the garment does, follow when it moves, and are missing when they are not seen."""

import dataclasses
import math

import numpy as np
import pytest

from fpm_edge_runtime import DataError, Smoother, Smoothing, Steady, UsageError

SIDE = 200.0
SURE = np.ones(3, np.float32)
START = np.array([[50, 60], [100, 60], [75, 120]], np.float32)


def scores(*values: float) -> np.ndarray:
    return np.array(values, np.float32)


def one_euro(values: np.ndarray, times: np.ndarray, fcmin: float, beta: float, dcutoff: float) -> list[float]:
    """The filter of the paper for one number, written as there, without anything around it."""

    def alpha(cutoff: float, interval: float) -> float:
        tau = 1.0 / (2.0 * math.pi * cutoff)
        return 1.0 / (1.0 + tau / interval)

    place, speed, answers = float(values[0]), 0.0, [float(values[0])]
    for before, now, value in zip(times[:-1], times[1:], values[1:], strict=True):
        interval = now - before
        a = alpha(dcutoff, interval)
        speed = a * (value - place) / interval + (1 - a) * speed
        a = alpha(fcmin + beta * abs(speed), interval)
        place = a * value + (1 - a) * place
        answers.append(place)
    return answers


def test_it_is_the_filter_of_the_paper_at_uneven_times() -> None:
    random = np.random.default_rng(0)
    times = np.cumsum(random.uniform(0.01, 0.1, 40))
    x = 100 + np.cumsum(random.normal(0, 3, 40))
    settings = Smoothing(still_hz=0.7, hz_per_speed=20.0, speed_hz=1.3)
    smoother = Smoother(settings)
    # Moving along x only, so that the speed's length is that of one number; in sides, hence β / side.
    answers = [
        smoother.update(np.array([[value, 7.0]], np.float32), scores(1), time, SIDE).landmarks[0, 0]
        for value, time in zip(x, times, strict=True)
    ]
    np.testing.assert_allclose(answers, one_euro(x.astype(np.float32), times, 0.7, 20.0 / SIDE, 1.3), rtol=1e-5)


def test_axes_make_no_difference() -> None:
    turn = np.array([[0.6, -0.8], [0.8, 0.6]])
    path = np.cumsum(np.random.default_rng(1).normal(0, 2, (30, 3, 2)), axis=0)
    straight, turned = Smoother(), Smoother()
    for number, points in enumerate(path):
        time = number / 30
        here = straight.update(points.astype(np.float32), SURE, time, SIDE).landmarks
        there = turned.update((points @ turn.T).astype(np.float32), SURE, time, SIDE).landmarks
        np.testing.assert_allclose(here @ turn.T, there, atol=1e-3)


def test_noise_shrinks_and_motion_is_followed() -> None:
    random = np.random.default_rng(2)
    smoother = Smoother()
    still = np.array(
        [
            smoother.update(START + random.normal(0, 1, (3, 2)).astype(np.float32), SURE, number / 30, SIDE).landmarks
            for number in range(90)
        ]
    )
    assert np.diff(still[30:], axis=0).std() < 0.3 * math.sqrt(2)
    for number in range(30):  # 1 side a second
        truth = START + np.float32(number * SIDE / 30)
        moving = smoother.update(truth, SURE, 3 + number / 30, SIDE).landmarks
    assert np.abs(moving - truth).max() < 1.0 * SIDE / 30


def test_side_is_the_unit() -> None:
    path = np.cumsum(np.random.default_rng(3).normal(0, 2, (20, 3, 2)), axis=0).astype(np.float32)
    small, large = Smoother(), Smoother()
    for number, points in enumerate(path):
        here = small.update(points, SURE, number / 30, SIDE).landmarks
        there = large.update(4 * points, SURE, number / 30, 4 * SIDE).landmarks
        np.testing.assert_allclose(4 * here, there, rtol=1e-4, atol=1e-3)


# ---- what is not clear ----


def test_an_unclear_landmark_keeps_its_place_and_then_is_missing() -> None:
    smoother = Smoother(Smoothing(hold_s=0.25))
    smoother.update(START, SURE, 0.0, SIDE)
    wild = START + np.array([[0, 0], [30, 30], [0, 0]], np.float32)
    held = smoother.update(wild, scores(1, 0.1, 1), 0.125, SIDE)
    np.testing.assert_array_equal(held.landmarks, START)
    assert held.held.tolist() == [False, True, False]
    assert np.array_equal(smoother.update(wild, scores(1, 0.1, 1), 0.25, SIDE).landmarks, START)
    gone = smoother.update(wild, scores(1, 0.1, 1), 0.375, SIDE)
    assert np.isnan(gone.landmarks).all(axis=1).tolist() == [False, True, False]
    assert not gone.held.any()


def test_it_never_pulls_the_others() -> None:
    alone, together = Smoother(), Smoother()
    random = np.random.default_rng(4)
    for number in range(20):
        points = START + random.normal(0, 1, (3, 2)).astype(np.float32)
        here = alone.update(points, SURE, number / 30, SIDE).landmarks
        points[1] = random.uniform(0, 200, 2)
        there = together.update(points, scores(1, 0, 1), number / 30, SIDE).landmarks
        np.testing.assert_array_equal(here[[0, 2]], there[[0, 2]])


def test_back_within_the_hold_it_goes_on() -> None:
    """After a gap the new value weighs as much as the time since the landmark was last seen says."""
    smoother = Smoother(Smoothing(still_hz=1.0, hz_per_speed=0.0))
    smoother.update(START, SURE, 0.0, SIDE)
    smoother.update(START, scores(1, 0, 1), 0.1, SIDE)
    back = smoother.update(START + np.float32(1), SURE, 0.3, SIDE).landmarks - START
    weights = [1 / (1 + 1 / (2 * math.pi * interval)) for interval in (0.2, 0.3, 0.2)]
    np.testing.assert_allclose(back, np.repeat(weights, 2).reshape(3, 2), rtol=1e-4)


def test_back_after_the_hold_it_starts_where_it_is_found() -> None:
    smoother = Smoother(Smoothing(hold_s=0.1))
    smoother.update(START, SURE, 0.0, SIDE)
    smoother.update(START, scores(1, 0, 1), 0.2, SIDE)
    moved = START.copy()
    moved[1] = (180, 180)
    back = smoother.update(moved, SURE, 0.3, SIDE)
    assert not back.restarted
    np.testing.assert_array_equal(back.landmarks, moved)


def test_places_that_are_no_numbers_are_not_clear() -> None:
    smoother = Smoother()
    smoother.update(START, SURE, 0.0, SIDE)
    broken = START.copy()
    broken[2] = np.nan
    answer = smoother.update(broken, SURE, 0.1, SIDE)
    np.testing.assert_array_equal(answer.landmarks, START)
    assert answer.held.tolist() == [False, False, True]


# ---- another scene ----


def after(moves: list[float], seen: np.ndarray = SURE) -> Steady:
    """What comes after landmarks moved to the right by these shares of the side within one frame."""
    smoother = Smoother(Smoothing(cut=0.2))
    smoother.update(START, SURE, 0.0, SIDE)
    moved = START + np.array([[move * SIDE, 0] for move in moves], np.float32)
    return smoother.update(moved, seen, 1 / 30, SIDE)


def test_most_landmarks_jump_and_everything_starts_anew() -> None:
    answer = after([0.3, 0.3, 0.0])
    assert answer.restarted
    np.testing.assert_allclose(answer.landmarks - START, [[60, 0], [60, 0], [0, 0]], atol=1e-4)


def test_what_is_no_other_scene() -> None:
    assert not after([0.3, 0.0, 0.0]).restarted, "one landmark that jumped"
    assert not after([0.19, 0.19, 0.19]).restarted, "quick"
    assert not after([0.3, 0.0, 0.0], scores(1, 0, 0)).restarted, "the only one that is clear"


def test_a_new_scene_forgets_what_was_held() -> None:
    answer = after([0.3, 0.3, 0.0], scores(1, 1, 0))
    assert answer.restarted
    assert np.isnan(answer.landmarks[2]).all()
    assert not answer.held.any()


def test_slow_motion_far_from_the_smoothed_place_is_no_jump() -> None:
    """However much smoothing lags, jumps are measured between what was found."""
    smoother = Smoother(Smoothing(still_hz=0.05, hz_per_speed=0.0, cut=0.1))
    for number in range(60):
        answer = smoother.update(START + np.float32(2 * number), SURE, number / 30, SIDE)
        assert answer.restarted == (number == 0)


def test_reset_starts_a_new_stream() -> None:
    smoother = Smoother()
    smoother.update(START, SURE, 100.0, SIDE)
    smoother.reset()
    answer = smoother.update(START[:2] + 1, SURE[:2], 0.0, SIDE)
    assert answer.restarted
    np.testing.assert_array_equal(answer.landmarks, START[:2] + 1)


def test_answers_are_not_changed_by_later_frames() -> None:
    smoother = Smoother()
    first = smoother.update(START, SURE, 0.0, SIDE)
    smoother.update(START + np.float32(5), SURE, 0.1, SIDE)
    np.testing.assert_array_equal(first.landmarks, START)


# ---- what cannot be meant ----


@pytest.mark.parametrize("time", [1.0, 0.5, math.nan, math.inf])
def test_time_goes_on(time: float) -> None:
    smoother = Smoother()
    smoother.update(START, SURE, 1.0, SIDE)
    with pytest.raises(UsageError, match="expected later times"):
        smoother.update(START, SURE, time, SIDE)


@pytest.mark.parametrize("side", [0.0, -1.0, math.nan])
def test_a_side_is_positive(side: float) -> None:
    with pytest.raises(UsageError, match="expected pixels, over 0"):
        Smoother().update(START, SURE, 0.0, side)


def test_shapes_stay() -> None:
    smoother = Smoother()
    smoother.update(START, SURE, 0.0, SIDE)
    with pytest.raises(DataError, match=r"expected \(3, 2\) and \(3,\)"):
        smoother.update(START[:2], SURE[:2], 0.1, SIDE)


@pytest.mark.parametrize("name", [field.name for field in dataclasses.fields(Smoothing)])
def test_settings_that_cannot_be(name: str) -> None:
    for value in (-1.0, math.nan, math.inf):
        with pytest.raises(UsageError, match=f"{name} is .*; expected a number"):
            Smoothing(**{name: value})
    if name in ("still_hz", "speed_hz", "cut"):
        with pytest.raises(UsageError, match="over 0"):
            Smoothing(**{name: 0.0})
