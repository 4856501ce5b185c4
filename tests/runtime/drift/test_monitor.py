"""The drift monitor: its verdict, what it certifies, what it remembers."""

import json
import threading
from pathlib import Path
from typing import Literal

import numpy as np
import pytest

from fpm_edge_runtime.check.self_check import GoldenReport, GoldenStage
from fpm_edge_runtime.drift.monitor import CAP, DriftMonitor
from fpm_edge_runtime.errors import DataError, UsageError

NAMES = ("a", "b", "c")
LIMITS = (0.004, 0.002)


def healthy(random: np.random.Generator) -> np.ndarray:
    return random.exponential(0.001, (2, 3))


def watched(samples: int = 0, shift: float = 0.0, **settings: float) -> DriftMonitor:
    monitor = DriftMonitor(LIMITS, NAMES, **settings)
    random = np.random.default_rng(0)
    for _ in range(samples):
        monitor.add_shadow(healthy(random) + shift)
    return monitor


def golden(verdict: Literal["ok", "warning", "drifted"]) -> GoldenReport:
    return GoldenReport(1, (GoldenStage(1, 0.0, 0.0, "golden/0.png", 0.1, verdict),))


def test_before_any_sample_nothing_is_claimed() -> None:
    report = watched().report()
    assert (report.verdict, report.samples, report.estimate, report.certified) == ("ok", 0, None, None)
    assert (report.lower, report.upper, report.evidence) == (0.0, CAP, 1.0)
    json.dumps(report.to_dict(), allow_nan=False)


def test_a_healthy_device_is_certified() -> None:
    report = watched(1500).report()
    assert (report.verdict, report.reason, report.samples) == ("ok", "", 1500)
    assert report.estimate == pytest.approx(0.001, rel=0.05)
    assert report.lower < 0.001 < report.upper < 0.003
    assert report.certified == report.upper
    assert [part.mean for part in report.landmarks] == pytest.approx([0.001] * 3, rel=0.1)


def test_a_shift_is_an_alarm_that_stays_until_reset() -> None:
    monitor = watched(300, shift=0.005)
    report = monitor.report()
    assert report.verdict == "drifted"
    assert report.alarm_sample is not None
    assert report.alarm_sample < 40
    assert f"at sample {report.alarm_sample}" in report.reason
    assert report.certified is None
    for _ in range(3000):
        monitor.add_shadow(np.zeros((2, 3)))
    assert monitor.report().verdict == "drifted"
    assert monitor.report().evidence < 1 < 100 < monitor.report().most_evidence
    monitor.reset()
    assert (monitor.report().verdict, monitor.report().samples) == ("ok", 0)


def test_the_alarm_needs_as_much_evidence_as_alpha_says() -> None:
    assert watched(6, shift=0.005, alpha=1e-6).report().verdict == "ok"
    assert watched(10, shift=0.005, alpha=0.1).report().verdict == "drifted"


def test_a_tenth_of_the_evidence_is_a_warning() -> None:
    """As evidence grows it passes 10 before 100."""
    monitor, verdicts = DriftMonitor((0.002,), ("a",)), []
    for _ in range(30):
        monitor.add_shadow(np.array([[0.006]]))
        report = monitor.report()
        verdicts.append(report.verdict)
        assert monitor.verdict == report.verdict
        assert (report.verdict == "warning") == (10 <= report.evidence < 100)
    assert list(dict.fromkeys(verdicts)) == ["ok", "warning", "drifted"]


def test_each_frame_is_held_to_the_limit_of_the_stage_that_answered() -> None:
    """0.003 is healthy at stage 1, whose limit is 0.004, and not at stage 2, whose limit is 0.002."""
    first, second = DriftMonitor(LIMITS, NAMES), DriftMonitor(LIMITS, NAMES)
    for _ in range(300):
        first.add_shadow(np.full((1, 3), 0.003))
        second.add_shadow(np.full((2, 3), 0.003))
    assert (first.report().verdict, second.report().verdict) == ("ok", "drifted")
    assert first.report().stages[1].mean is None
    assert [stage.count for stage in second.report().stages] == [900, 900]


def test_distances_are_capped_and_absent_landmarks_left_out() -> None:
    monitor = DriftMonitor(LIMITS, NAMES)
    monitor.add_shadow(np.array([[0.0, np.nan, 0.0], [9.0, np.nan, 0.05]]))
    report = monitor.report()
    assert report.estimate == pytest.approx((CAP + 0.05) / 2)
    assert [part.mean for part in report.landmarks] == [CAP, None, 0.05]
    assert [part.count for part in report.landmarks] == [1, 0, 1]


def test_the_certificate_is_true_of_capped_errors() -> None:
    """| min(|q−g|, c) − min(|f−g|, c) | ≤ min(|q−f|, c), far beyond the cap as well."""
    random = np.random.default_rng(0)
    q, f, g = random.normal(0, 0.3, (3, 10_000, 2))

    def far(one: np.ndarray, other: np.ndarray) -> np.ndarray:
        return np.minimum(np.linalg.norm(one - other, axis=1), CAP)

    assert (np.abs(far(q, g) - far(f, g)) <= far(q, f) + 1e-12).all()
    assert (far(q, g) == CAP).any()
    assert (far(q, f) < CAP).any()


def test_goldens_count() -> None:
    monitor = watched(10)
    monitor.add_golden(golden("warning"))
    assert monitor.report().verdict == "warning"
    monitor.add_golden(golden("drifted"))
    assert (monitor.report().verdict, monitor.report().certified) == ("drifted", None)
    monitor.add_golden(golden("ok"))
    assert monitor.report().verdict == "ok"


def test_a_monitor_that_sees_nothing_warns() -> None:
    monitor = watched(10)
    monitor.add_failure("RuntimeError: no memory")
    report = monitor.report()
    assert (report.verdict, report.failures) == ("warning", 1)
    assert "RuntimeError: no memory" in report.reason
    monitor.add_shadow(np.zeros((2, 3)))
    assert (monitor.report().verdict, monitor.report().failures) == ("ok", 1)


def test_fast_alarms_are_warnings_and_say_that_they_promise_nothing() -> None:
    monitor = watched(5)
    for height in [0.9] * 200 + [0.1] * 20:
        monitor.add_frame(np.full(3, height))
    report = monitor.report()
    assert (report.verdict, report.fast_alarms) == ("warning", ("peak height",))
    assert "promises nothing" in report.reason
    monitor = watched(5)
    for _ in range(2):
        assert monitor.report().fast_alarms == ()
        monitor.add_shadow(np.full((2, 3), CAP))
    assert monitor.report().fast_alarms == ("disagreement",)


def test_proxies_have_a_mean_and_a_recent_mean() -> None:
    monitor = watched()
    for height in [0.9] * 1000 + [0.8] * 500:
        monitor.add_frame(np.array([height, height]))
    monitor.add_frame(np.array([0.8]), movement=0.01)
    monitor.add_flip(0.02)
    peak, movement, flip = monitor.report().proxies
    assert peak.mean == pytest.approx((900 + 400.8) / 1501)
    assert peak.recent == pytest.approx(0.8, abs=2e-3)
    assert (movement.mean, movement.count, flip.mean, flip.count) == (0.01, 1, 0.02, 1)


def test_frames_do_not_wait_for_a_comparison() -> None:
    """The worker may be made to wait by the system while it holds the lock of the comparisons."""
    monitor = watched()
    with monitor._lock:
        frames = threading.Thread(target=lambda: (monitor.add_frame(np.ones(3)), monitor.add_flip(0.0)), daemon=True)
        frames.start()
        frames.join(10)
        assert not frames.is_alive()
    assert monitor.report().proxies[0].count == 1


def test_a_restart_changes_nothing(tmp_path: Path) -> None:
    whole, before, after = (DriftMonitor(LIMITS, NAMES, subject="mine") for _ in range(3))
    random = np.random.default_rng(0)
    samples = [healthy(random) + 0.0008 for _ in range(200)]
    for number, sample in enumerate(samples):
        whole.add_shadow(sample)
        whole.add_frame(np.full(3, 0.5))
        if number == 99:
            before.add_golden(golden("ok"))
            before.save(tmp_path / "state")
            after.load(tmp_path / "state")
        monitor = before if number < 99 else after
        monitor.add_shadow(sample)
        monitor.add_frame(np.full(3, 0.5))
    whole.add_golden(golden("ok"))
    assert after.report() == whole.report()


def test_a_state_that_does_not_fit_is_refused_and_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "state"
    watched(5).save(path)
    untouched = DriftMonitor((0.004, 0.003), NAMES)
    for other in (untouched, DriftMonitor(LIMITS, NAMES, subject="other"), DriftMonitor(LIMITS, NAMES, alpha=0.05)):
        with pytest.raises(DataError, match="remove it to start anew"):
            other.load(path)
        assert other.report().samples == 0
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(DataError, match="is no state of a drift monitor"):
        watched().load(path)


@pytest.mark.parametrize(
    "bad",
    [
        np.zeros(3),
        np.zeros((3, 3)),
        np.zeros((0, 3)),
        np.zeros((2, 4)),
        np.full((2, 3), np.nan),
        np.array([[0.0, np.nan, 0.0], [0.0, 0.0, 0.0]]),
        np.full((2, 3), -0.1),
    ],
)
def test_what_is_no_disagreement_is_refused(bad: np.ndarray) -> None:
    monitor = watched()
    with pytest.raises(DataError, match="expected"):
        monitor.add_shadow(bad)
    assert monitor.report().samples == 0


@pytest.mark.parametrize(("limits", "alpha"), [((), 0.01), ((0.0, 0.1), 0.01), ((0.3, 0.1), 0.01), (LIMITS, 1.0)])
def test_settings_out_of_range_are_refused(limits: tuple[float, ...], alpha: float) -> None:
    with pytest.raises(UsageError, match="expected"):
        DriftMonitor(limits, NAMES, alpha=alpha)
