"""A session runs as many stages as it may, and stops when it was told to."""

from typing import Any

import numpy as np
import pytest

from fpm_edge_runtime import Bundle, Session, UsageError
from fpm_edge_runtime.stages.pace import Pace


def _photo() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (70, 90, 3), np.uint8)


@pytest.fixture
def slow(float_bundle: Bundle, fake_engine: Any) -> Session:
    """Stage 1 is immediate; context takes 40 ms and stage 2 another 20."""
    fake_engine.delays = {"context": 0.04, "stage_2": 0.02}
    session = float_bundle.session(fake_engine)
    fake_engine.calls.clear()
    return session


def test_stage_limit_of_the_call(slow: Session, fake_engine: Any) -> None:
    detection = slow.detect(_photo(), stages=1)
    assert (detection.stages_run, detection.stop_reason) == (1, "stage limit")
    assert fake_engine.calls == ["stage_1"]


def test_stage_limit_of_the_session_loads_no_more(float_bundle: Bundle, fake_engine: Any) -> None:
    session = float_bundle.session(fake_engine, stages=1)
    assert fake_engine.loaded == ["stage_1"]
    assert session.detect(_photo()).stop_reason == "stage limit"
    with pytest.raises(UsageError, match="stages is 2; the session has 1"):
        session.detect(_photo(), stages=2)


def test_each_piece_runs_once_and_context_only_for_stage_2(slow: Session, fake_engine: Any) -> None:
    stages = slow.stages(_photo())
    next(stages)
    assert fake_engine.calls == ["stage_1"]
    next(stages)
    assert fake_engine.calls == ["stage_1", "context", "stage_2"]
    assert next(stages, None) is None


def test_deadline_stops_before_a_stage_that_would_not_fit(slow: Session, fake_engine: Any) -> None:
    # Stage 2 alone would fit into 45 ms; with the context, which has not run yet, it does not.
    detection = slow.detect(_photo(), deadline_ms=45)
    assert (detection.stages_run, detection.stop_reason) == (1, "deadline")
    assert fake_engine.calls == ["stage_1"]


def test_generous_deadline_runs_everything(slow: Session) -> None:
    detection = slow.detect(_photo(), deadline_ms=5000)
    assert (detection.stages_run, detection.stop_reason) == (2, "all stages")


def test_stage_1_runs_whatever_the_deadline(slow: Session) -> None:
    detection = slow.detect(_photo(), deadline_ms=0)
    assert (detection.stages_run, detection.stop_reason) == (1, "deadline")


def test_stages_keep_the_deadline_too(slow: Session) -> None:
    assert [result.stage for result in slow.stages(_photo(), deadline_ms=45)] == [1]
    assert [result.stage for result in slow.stages(_photo(), deadline_ms=5000)] == [1, 2]


def test_stage_limit_is_the_reason_when_time_is_left(slow: Session) -> None:
    assert slow.detect(_photo(), stages=1, deadline_ms=0).stop_reason == "stage limit"


def test_a_device_that_slows_down_is_noticed(float_bundle: Bundle, fake_engine: Any) -> None:
    session = float_bundle.session(fake_engine)
    assert session.detect(_photo(), deadline_ms=300).stages_run == 2
    fake_engine.delays = {"stage_2": 0.35}
    session.detect(_photo())
    assert session.detect(_photo(), deadline_ms=300).stop_reason == "deadline"


def test_time_is_what_the_clock_says(float_bundle: Bundle, fake_engine: Any) -> None:
    """Each look at this one takes a second, so that it is the clock that decides and not the device."""
    looks = iter(range(1000))
    session = Session(float_bundle, fake_engine, "tflite", clock=lambda: float(next(looks)))
    assert set(session.detect(_photo()).timings.pieces.values()) == {1000.0}
    assert session.detect(_photo(), deadline_ms=999).stop_reason == "deadline"
    assert session.detect(_photo(), deadline_ms=60_000).stop_reason == "all stages"


def test_pace_predicts_the_95_percent_quantile_of_the_last_64() -> None:
    pace = Pace()
    assert pace.predict("a") == 0
    for value in (9.0,) * 100 + tuple(range(64)):
        pace.record("a", value)
    assert pace.predict("a") == 60
    assert pace.predict("b") == 0
