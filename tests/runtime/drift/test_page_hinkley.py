"""The quick alarm fires when values jump, and not while they stay."""

import numpy as np

from fpm_edge_runtime.drift.page_hinkley import PageHinkley


def test_a_jump_fires_and_stays_fired() -> None:
    alarm = PageHinkley(slack=1.0, threshold=5.0)
    for _ in range(100):
        assert not alarm.update(2.0)
    # A value of 6 adds 6 − 2 − 1 = 3, less what the running mean follows.
    assert not alarm.update(6.0)
    assert alarm.update(6.0)
    assert alarm.update(0.0)


def test_what_stays_within_the_slack_never_fires() -> None:
    alarm = PageHinkley(slack=1.0, threshold=5.0, streams=(50,))
    values = np.random.default_rng(0).uniform(0.0, 2.0, (2000, 50))
    for row in values:
        fired = alarm.update(row)
    assert not fired.any()


def test_streams_are_apart() -> None:
    alarm = PageHinkley(slack=0.0, threshold=1.0, streams=(2,))
    alarm.update(np.zeros(2))
    assert alarm.update(np.array([0.0, 9.0])).tolist() == [False, True]
