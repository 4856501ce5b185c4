"""The shadow comparison: what it measures, that detecting never waits for it, that its errors are seen."""

import os
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fpm_edge_runtime import Bundle, DataError, Session, UsageError
from fpm_edge_runtime.bundle.manifest import Piece
from fpm_edge_runtime.drift.disagreement import disagreement_of
from fpm_edge_runtime.drift.log import DriftLog, read_drift_log
from fpm_edge_runtime.drift.monitor import CAP, DriftMonitor
from fpm_edge_runtime.drift.sampler import Sampler
from fpm_edge_runtime.drift.shadow import Shadow

LIMITS = (0.01, 0.01)


def photo(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (70, 90, 3), np.uint8)


@pytest.fixture(scope="module")
def device(tiny: Bundle) -> Session:
    return tiny.session(threads=1)


@pytest.fixture
def monitor(tiny: Bundle) -> DriftMonitor:
    return DriftMonitor(LIMITS, tiny.schema.landmarks, subject=tiny.digest)


class HeldEngine:
    """Its pieces answer zeros, and only while `go` is set; `fail` is what they raise instead."""

    name, version, formats = "held", "0", ("tflite",)

    def __init__(self) -> None:
        self.go, self.entered, self.fail = threading.Event(), threading.Event(), ""
        self.go.set()

    def load(self, piece: Piece, model: bytes, threads: int | None) -> Callable[..., dict[str, np.ndarray]]:
        def run(inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
            self.entered.set()
            self.go.wait(30)
            if self.fail:
                raise RuntimeError(self.fail)
            return {spec.name: np.zeros(spec.shape, spec.dtype) for spec in piece.outputs}

        return run


@pytest.fixture
def engine() -> HeldEngine:
    return HeldEngine()


@pytest.fixture
def held(float_bundle: Bundle, engine: HeldEngine) -> Session:
    session = float_bundle.session(engine)
    engine.entered.clear()
    return session


def test_the_answer_is_the_sessions(device: Session, tiny: Bundle, monitor: DriftMonitor) -> None:
    with Shadow(device, tiny.session("onnxruntime", threads=1), monitor, rate=0.5, spacing_s=0, seed=0) as shadow:
        for seed in range(20):
            found, plain = (d(photo(seed), category="warm", box=(5, 5, 80, 60)) for d in (shadow.detect, device.detect))
            np.testing.assert_array_equal(found.landmarks, plain.landmarks)
            np.testing.assert_array_equal(found.scores, plain.scores)
            assert (found.stages_run, found.category) == (2, "warm")


def test_the_same_network_in_another_engine_does_not_disagree(
    device: Session, tiny: Bundle, monitor: DriftMonitor
) -> None:
    with Shadow(device, tiny.session("onnxruntime", threads=1), monitor, rate=1.0, spacing_s=0) as shadow:
        for seed in range(10):
            shadow.detect(photo(seed))
            assert shadow.flush(10)
    report, counts = monitor.report(), shadow.counts
    assert (counts.frames, counts.sampled, counts.compared) == (10, 10, 10)
    assert report.samples == 10
    assert report.estimate is not None
    assert report.estimate < 0.002
    assert report.verdict == "ok"
    assert [proxy.count for proxy in report.proxies] == [10, 10, 0]
    assert all(stage.count == 30 for stage in report.stages)


def test_another_network_has_drifted(tiny: Bundle, colour_bundle: Bundle, monitor: DriftMonitor) -> None:
    """The reference finds colours, the device finds nothing in particular. One stage each."""
    device, reference = tiny.session(threads=1, stages=1), colour_bundle.session("onnxruntime", threads=1)
    with Shadow(device, reference, monitor, rate=1.0, spacing_s=0) as shadow:
        for seed in range(12):
            shadow.detect(photo(seed))
            assert shadow.flush(10)
    assert monitor.report().verdict == "drifted"
    assert monitor.report().stages[1].mean is None


def test_disagreement_is_in_units_of_the_region(device: Session, held: Session) -> None:
    """The reference answers the centre of every map: distances are those of the picture's own coordinates."""
    box = (10.0, 20.0, 70.0, 60.0)
    trace = device.trace(photo(), category="warm", box=box)
    found = disagreement_of(trace, held)
    assert found.shape == (2, 3)
    assert np.isnan(found[:, 1:]).all()
    # The centre of the input is that of the box, in pixel centres.
    centre = np.array([(10 + 70) / 2 - 0.5, (20 + 60) / 2 - 0.5])
    answers = np.stack([result.landmarks for result in device.stages(photo(), box=box)])
    expected = np.linalg.norm((answers[:, 0] - centre) / [60, 40], axis=1)
    np.testing.assert_allclose(found[:, 0], expected, atol=1e-5)


def test_a_trace_has_the_landmarks_of_every_stage(device: Session) -> None:
    trace = device.trace(photo())
    for result, landmarks in zip(device.stages(photo()), trace.landmarks, strict=True):
        np.testing.assert_allclose(result.landmarks, trace.fit.to_picture(landmarks), atol=1e-4)
    assert trace.detection.stages_run == 2
    assert len(device.trace(photo(), stages=1).landmarks) == 1
    np.testing.assert_allclose(device.detect_input(trace.input)[1].landmarks, trace.landmarks[1], atol=1e-4)


def test_detecting_never_waits_and_the_newest_frame_wins(
    device: Session, held: Session, engine: HeldEngine, monitor: DriftMonitor
) -> None:
    """The float model hangs: 20 frames are answered all the same, one is being compared, one waits, 18 are dropped."""
    engine.go.clear()
    with Shadow(device, held, monitor, rate=1.0, spacing_s=0) as shadow:
        shadow.detect(photo())
        assert engine.entered.wait(10)
        for seed in range(1, 20):
            shadow.detect(photo(seed))
        counts = shadow.counts
        assert (counts.frames, counts.sampled, counts.compared, counts.replaced) == (20, 20, 0, 18)
        assert not shadow.flush(0.01)
        engine.go.set()
        assert shadow.flush(10)
        assert shadow.counts.compared == 2
    newest = disagreement_of(device.trace(photo(19)), held)[-1]
    first = disagreement_of(device.trace(photo(0)), held)[-1]
    both = np.minimum([newest, first], CAP).mean()
    assert monitor.report().estimate == pytest.approx(both)


def test_what_a_session_answered_never_counts_for_the_next_one(
    device: Session, held: Session, engine: HeldEngine, monitor: DriftMonitor
) -> None:
    """A frame is being compared, and one waits, when what answers changes: both are evidence about what was."""
    next_monitor = monitor.anew()
    engine.go.clear()
    with Shadow(device, held, monitor, rate=1.0, spacing_s=0) as shadow:
        shadow.detect(photo())
        assert engine.entered.wait(10)
        shadow.detect(photo(1))
        shadow.switch(device, next_monitor, "more stages")
        assert (shadow.monitor, shadow.fallback, shadow.verdict) == (next_monitor, "more stages", "ok")
        engine.go.set()
        assert shadow.flush(10)
        assert (monitor.report().samples, next_monitor.report().samples) == (2, 0)
        assert shadow.detect(photo(2), stages=1, deadline_ms=0).stages_run == 2
        assert shadow.flush(10)
        assert (monitor.report().samples, next_monitor.report().samples) == (2, 1)


def test_what_fails_in_the_worker_is_seen_and_not_raised(
    device: Session, held: Session, engine: HeldEngine, monitor: DriftMonitor
) -> None:
    engine.fail = "the accelerator is gone"
    with Shadow(device, held, monitor, rate=1.0, spacing_s=0) as shadow:
        shadow.detect(photo())
        assert shadow.flush(10)
        assert (shadow.counts.failed, shadow.counts.compared) == (1, 0)
        assert monitor.report().verdict == "warning"
        assert "the accelerator is gone" in monitor.report().reason
        engine.fail = ""
        shadow.detect(photo())
        assert shadow.flush(10)
        assert (shadow.counts.failed, shadow.counts.compared) == (1, 1)
    assert "accelerator" not in monitor.report().reason


def test_an_error_of_detect_is_detects(device: Session, tiny: Bundle, monitor: DriftMonitor) -> None:
    with Shadow(device, tiny.session("onnxruntime"), monitor, rate=1.0, spacing_s=0) as shadow:
        with pytest.raises(DataError, match="uint8"):
            shadow.detect(np.zeros((4, 4, 3)))  # type: ignore[arg-type]
        with pytest.raises(UsageError, match="converge_px is -1"):
            shadow.detect(photo(), converge_px=-1)
        assert shadow.counts.frames == 0


def test_closing_ends_the_worker_and_detecting_goes_on(device: Session, held: Session, monitor: DriftMonitor) -> None:
    before = threading.active_count()
    shadow = Shadow(device, held, monitor, rate=1.0, spacing_s=0)
    shadow.close()
    shadow.close()
    assert threading.active_count() == before
    shadow.detect(photo())
    assert (shadow.counts.frames, shadow.counts.sampled) == (1, 0)


@pytest.mark.skipif("sys.platform != 'linux'", reason="only Linux gives threads priorities of their own")
def test_the_worker_has_the_lowest_priority(device: Session, held: Session, monitor: DriftMonitor) -> None:
    mine = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
    with Shadow(device, held, monitor, rate=1.0, spacing_s=0) as shadow:
        shadow.detect(photo())
        assert shadow.flush(10)
        (worker,) = (t for t in threading.enumerate() if t.name == "fpm-edge-shadow")
        assert os.getpriority(os.PRIO_PROCESS, worker.native_id or 0) == 19
    assert shadow.counts.low_priority is True
    assert os.getpriority(os.PRIO_PROCESS, threading.get_native_id()) == mine


def test_the_log_has_changes_of_the_verdict_and_the_end(
    tiny: Bundle, colour_bundle: Bundle, monitor: DriftMonitor, tmp_path: Path
) -> None:
    log = DriftLog(tmp_path / "drift.jsonl")
    device, reference = tiny.session(threads=1, stages=1), colour_bundle.session("onnxruntime", threads=1)
    with Shadow(device, reference, monitor, rate=1.0, spacing_s=0, log=log) as shadow:
        for seed in range(12):
            shadow.detect(photo(seed))
            assert shadow.flush(10)
    entries = read_drift_log(tmp_path / "drift.jsonl").entries
    verdicts = [entry.verdict for entry in entries]
    assert verdicts[-1] == "drifted"
    assert len(entries) == len(list(dict.fromkeys(verdicts))) + 1
    assert (entries[-1].samples, entries[-1].frames, entries[-1].subject) == (12, 12, tiny.digest)
    assert entries[-1].engine == f"{device.engine} {device.engine_version}"


def test_a_log_that_cannot_be_written_is_seen_and_detecting_goes_on(
    device: Session, held: Session, monitor: DriftMonitor, tmp_path: Path
) -> None:
    path = tmp_path / "drift.jsonl"
    log = DriftLog(path)
    log.close()
    path.unlink()
    path.mkdir()
    with Shadow(device, held, monitor, rate=1.0, spacing_s=0, log=log) as shadow:
        shadow.detect(photo())
        assert shadow.flush(10)
        assert shadow.counts.compared == 1
        assert "IsADirectoryError" in monitor.report().reason
        shadow.detect(photo())
        assert shadow.flush(10)
        assert (shadow.counts.compared, shadow.counts.failed) == (2, 0)
        assert "IsADirectoryError" in monitor.report().reason
        path.rmdir()
        shadow.detect(photo())
        assert shadow.flush(10)
    assert [entry.samples for entry in read_drift_log(path).entries] == [3, 3]


def test_models_that_do_not_fit_are_refused(
    device: Session, tiny: Bundle, colour_bundle: Bundle, monitor: DriftMonitor
) -> None:
    with pytest.raises(UsageError, match="1 stages loaded, the session 2"):
        Shadow(device, tiny.session("onnxruntime", stages=1), monitor)
    with pytest.raises(UsageError, match="movement_rate"):
        Shadow(device, device, monitor, movement_rate=2)


# ---- which frames ----


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def drawn(sampler: Sampler, clock: Clock, frames: int, interval: float) -> list[int]:
    found = []
    for frame in range(frames):
        clock.now += interval
        if sampler.draw():
            found.append(frame)
    return found


def test_a_rate_is_kept_and_a_seed_repeats_it() -> None:
    first, again, other = (drawn(Sampler(0.01, None, 0, seed), Clock(), 20_000, 0.03) for seed in (1, 1, 2))
    assert first == again != other
    assert 150 < len(first) < 250
    # At random, not every hundredth.
    assert len(set(np.diff(first))) > 50


def test_a_budget_is_kept() -> None:
    """40 ms for each comparison, 600 ms a minute: 15 a minute, whatever the frame rate."""
    for interval in (0.01, 0.1):
        clock = Clock()
        sampler = Sampler(None, 600, 0, 0, clock)
        sampler.spent(0.04)
        frames = round(3600 / interval)
        assert len(drawn(sampler, clock, frames, interval)) == pytest.approx(900, rel=0.12)


def test_a_budget_spends_nothing_before_it_knows_the_cost() -> None:
    clock = Clock()
    assert drawn(Sampler(None, 60_000, 0, 0, clock), clock, 100, 1.0) == []


def test_spacing_keeps_compared_frames_apart() -> None:
    clock = Clock()
    found = drawn(Sampler(0.5, None, 1.0, 0, clock), clock, 1000, 0.1)
    assert np.diff(found).min() >= 10
    assert len(found) > 60


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ((0.5, 100.0, 0.0), "not both"),
        ((None, None, 0.0), "not neither"),
        ((1.5, None, 0.0), "rate is 1.5"),
        ((None, -1.0, 0.0), "budget is -1"),
        ((0.5, None, -1.0), "spacing_s is -1"),
    ],
)
def test_settings_out_of_range_are_refused(settings: tuple[Any, Any, float], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        Sampler(*settings, seed=0)


def test_without_being_told_otherwise_a_scene_is_compared_once(
    device: Session, held: Session, monitor: DriftMonitor
) -> None:
    """The default is for cameras: what follows within two minutes may be the same scene, and no new evidence."""
    with Shadow(device, held, monitor, rate=1.0) as shadow:
        for _ in range(5):
            shadow.detect(photo())
        assert shadow.flush(10)
        assert (shadow.counts.frames, shadow.counts.sampled, shadow.counts.compared) == (5, 1, 1)


def test_a_budget_measures_the_reference_at_the_start(device: Session, held: Session, monitor: DriftMonitor) -> None:
    with Shadow(device, held, monitor, budget_ms_per_minute=60_000, spacing_s=0, seed=0) as shadow:
        # How many it takes depends on how long the reference took at the start: on a busy machine, some more.
        assert any(shadow.detect(photo()) and shadow.counts.sampled for _ in range(5000))
