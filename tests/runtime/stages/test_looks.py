"""A second look goes to the region of what the first one found, and answers where it sees more clearly."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fpm_edge_runtime import Bundle, DriftMonitor, Guard, Pool, Session, Shadow, UsageError
from fpm_edge_runtime.pixels.geometry import Letterbox
from fpm_edge_runtime.stages.frame import Found
from fpm_edge_runtime.stages.looks import second_region
from fpm_edge_runtime.stages.recognizer import Recognized

INPUT = (48, 32)
LARGE = np.full((320, 480, 3), 90, np.uint8)


def found(points: Any, scores: Any = (0.9, 0.9, 0.9), labelled: Any = (1, 1, 1), category: str | None = None) -> Found:
    """Landmarks in pixels of the input."""
    recognized = Recognized(category, None, np.array(labelled, np.bool_), None)
    return Found(np.array(points, np.float32), np.array(scores, np.float32), {}, recognized)


# ---- geometry ----


def test_the_region_is_the_landmarks_box_with_a_margin() -> None:
    fit = Letterbox.fit((480, 320), INPUT)
    region = second_region(found([(10, 10), (20, 10), (15, 16)]), fit, INPUT, margin=0.2)
    # The picture's pixels are a tenth of the input's, and centres are half a pixel from edges.
    assert region == pytest.approx((105 - 20, 105 - 20, 205 + 20, 165 + 20), abs=0.01)


def test_only_clear_landmarks_that_count_make_the_box() -> None:
    fit = Letterbox.fit((480, 320), INPUT)
    four = [(10, 10), (20, 10), (15, 16), (40, 30), (2, 2)]
    narrow = second_region(found(four[:3]), fit, INPUT)
    dim = found(four, (0.9, 0.9, 0.9, 0.2, 0.9), (1, 1, 1, 1, 0))
    assert second_region(dim, fit, INPUT) == narrow
    # Where no garment was known, all that is clear counts.
    unknown = found(four, (0.9, 0.9, 0.9, 0.2, 0.1), (0,) * 5, "none")
    assert second_region(unknown, fit, INPUT) == narrow


@pytest.mark.parametrize(
    ("points", "scores"),
    [
        ([(10, 10), (20, 10), (15, 16)], (0.9, 0.9, 0.2)),
        ([(10, 10)] * 3, (0.9,) * 3),
        ([(2, 2), (46, 2), (24, 30)], (0.9,) * 3),
        ([(8, 4), (40, 4), (24, 28)], (0.9,) * 3),
    ],
    ids=["few are clear", "all in one place", "the whole picture", "nearly the whole picture"],
)
def test_no_region(points: Any, scores: Any) -> None:
    assert second_region(found(points, scores), Letterbox.fit((480, 320), INPUT), INPUT) is None


def test_the_region_stays_inside_the_box_that_was_asked_for() -> None:
    fit = Letterbox.fit((480, 320), INPUT, (100, 100, 340, 260))
    region = second_region(found([(1, 1), (6, 1), (3, 5)]), fit, INPUT, margin=3.0, least_gain=1.0)
    assert region is not None
    assert region[:2] == (100.0, 100.0)


# ---- sessions ----


def spots(x: float, y: float, apart: float, size: tuple[int, int] = (960, 640)) -> np.ndarray:
    """A black picture with a red, a green and a blue spot around a place, and where they are."""
    rows, columns = np.mgrid[: size[1], : size[0]]
    image = np.zeros((size[1], size[0], 3), np.uint8)
    for channel, (dx, dy) in enumerate(((-apart, 0), (apart, 0), (0, apart))):
        blob = np.exp(-((columns - x - dx) ** 2 + (rows - y - dy) ** 2) / (2 * 50.0**2))
        image[..., channel] = np.round(255 * blob)
    return image


TRUE = np.array([(220.0, 300.0), (380.0, 300.0), (300.0, 380.0)])


def test_a_small_garment_is_found_more_exactly(colour_bundle: Bundle) -> None:
    session = colour_bundle.session("onnxruntime")
    picture = spots(300, 300, 80)
    once, twice = session.detect(picture), session.detect(picture, looks=2)
    assert (once.looks, twice.looks) == (1, 2)
    assert (twice.stages_run, twice.stop_reason) == (1, "all stages")

    def off(landmarks: np.ndarray) -> float:
        return float(np.linalg.norm(landmarks - TRUE, axis=1).max())

    assert off(twice.landmarks) < off(once.landmarks)
    assert off(twice.landmarks) < 8.0
    trace = session.trace(picture, looks=2)
    assert trace.fit.box != (0.0, 0.0, 960.0, 640.0)
    np.testing.assert_allclose(trace.fit.to_picture(trace.landmarks[-1]), twice.landmarks, atol=0.01)
    assert trace.input.max() > 0


def maps(height: float, *cells: tuple[int, int]) -> np.ndarray:
    made = np.zeros((1, 4, 6, 4), np.float32)
    for landmark, (x, y) in enumerate(cells):
        made[0, y, x, landmark] = height
    return made


CLOSE, WIDE = ((2, 1), (3, 1), (2, 2)), ((0, 0), (5, 0), (2, 3))


class Looking:
    """A fake engine's stage 1 that sees the first look with one height of its peaks and the second with another."""

    def __init__(self, engine: Any, first: float, second: float, cells: Any = CLOSE) -> None:
        self.engine, self.maps = engine, [maps(first, *cells), maps(second, *cells)]
        self.seen = 0

    def load(self, piece: Any, model: bytes, threads: int | None) -> Any:
        run = self.engine.load(piece, model, threads)

        def looking(inputs: Any) -> Any:
            if piece.name == "stage_1":
                self.engine.answers["heatmap_1"] = self.maps[self.seen % 2]
                self.engine.answers["heatmap_2"] = self.maps[self.seen % 2]
                self.seen += 1
            return run(inputs)

        return looking

    def __getattr__(self, name: str) -> Any:
        return getattr(self.engine, name)


def session_of(bundle: Bundle, engine: Any, first: float, second: float, cells: Any = CLOSE) -> tuple[Session, Looking]:
    looking = Looking(engine, first, second, cells)
    session = bundle.session(looking)
    # Warming up looked twice.
    looking.seen, engine.calls[:] = 0, []
    return session, looking


def test_both_looks_count(float_bundle: Bundle, fake_engine: Any) -> None:
    session, _ = session_of(float_bundle, fake_engine, 0.5, 0.9)
    fake_engine.delays = {"stage_1": 0.02}
    answer = session.detect(LARGE, looks=2)
    assert fake_engine.calls == ["stage_1", "stage_1", "context", "stage_2"]
    assert (answer.looks, answer.stages_run) == (2, 2)
    timings = answer.timings
    assert list(timings.pieces) == ["stage_1", "context", "stage_2"]
    assert timings.pieces["stage_1"] >= 40.0
    parts = timings.preprocess_ms + sum(timings.pieces.values()) + timings.decode_ms
    assert parts <= timings.total_ms


def test_the_first_look_answers_where_the_second_sees_less(float_bundle: Bundle, fake_engine: Any) -> None:
    session, _ = session_of(float_bundle, fake_engine, 0.9, 0.5)
    fake_engine.delays = {"stage_1": 0.02}
    answer = session.detect(LARGE, looks=2)
    assert fake_engine.calls == ["stage_1", "stage_1", "context", "stage_2"]
    assert (answer.looks, answer.stages_run) == (1, 2)
    assert answer.timings.pieces["stage_1"] >= 40.0
    assert session.trace(LARGE, looks=2).fit == Letterbox.fit((480, 320), INPUT)


@pytest.mark.parametrize(("height", "cells"), [(0.9, WIDE), (0.2, CLOSE)], ids=["already large", "nothing clear"])
def test_no_second_look_where_there_is_nothing_to_gain(
    float_bundle: Bundle, fake_engine: Any, height: float, cells: Any
) -> None:
    session, _ = session_of(float_bundle, fake_engine, height, height, cells)
    answer = session.detect(LARGE, looks=2)
    assert (answer.looks, fake_engine.calls) == (1, ["stage_1", "context", "stage_2"])
    expected = session.detect(LARGE)
    np.testing.assert_array_equal(answer.landmarks, expected.landmarks)


def test_no_time_for_a_second_look_leaves_the_stages_of_the_first(float_bundle: Bundle, fake_engine: Any) -> None:
    fake_engine.delays = {"stage_1": 0.4}
    session, _ = session_of(float_bundle, fake_engine, 0.5, 0.9)
    answer = session.detect(LARGE, looks=2, deadline_ms=760)
    assert (answer.looks, answer.stages_run, answer.stop_reason) == (1, 2, "all stages")
    assert fake_engine.calls == ["stage_1", "context", "stage_2"]
    fake_engine.calls.clear()
    assert session.detect(LARGE, looks=2, deadline_ms=0).stages_run == 1
    assert fake_engine.calls == ["stage_1"]


def test_a_deadline_may_end_the_second_look(float_bundle: Bundle, fake_engine: Any) -> None:
    fake_engine.delays = {"stage_2": 0.8}
    session, _ = session_of(float_bundle, fake_engine, 0.5, 0.9)
    answer = session.detect(LARGE, looks=2, deadline_ms=700)
    assert (answer.looks, answer.stages_run, answer.stop_reason) == (2, 1, "deadline")


def test_other_limits_hold_for_the_second_look(float_bundle: Bundle, fake_engine: Any) -> None:
    session, _ = session_of(float_bundle, fake_engine, 0.5, 0.9)
    answer = session.detect(LARGE, looks=2, stages=1)
    assert (answer.looks, answer.stages_run, answer.stop_reason) == (2, 1, "stage limit")


@pytest.mark.parametrize("looks", [0, 3, -1, None])
def test_so_many_looks_there_are_not(float_bundle: Bundle, fake_engine: Any, looks: Any) -> None:
    session = float_bundle.session(fake_engine)
    for call in (session.detect, session.trace):
        with pytest.raises(UsageError, match=rf"looks is {looks}; expected 1, or 2"):
            call(LARGE, looks=looks)


def test_what_watches_passes_it_on(float_bundle: Bundle, fake_engine: Any, tmp_path: Path) -> None:
    session, looking = session_of(float_bundle, fake_engine, 0.5, 0.9)
    other = type(fake_engine)()
    other.answers = {name: maps(0.9, *CLOSE) for name in ("heatmap_1", "heatmap_2")}
    monitor = DriftMonitor([0.1, 0.1], session.schema.landmarks)
    with Shadow(session, float_bundle.session(other), monitor, rate=1.0, spacing_s=0.0) as shadow:
        assert Guard(shadow, ["report"]).detect(LARGE, looks=2).looks == 2
        assert shadow.flush(10)
    # Both models saw the region.
    report = monitor.report()
    assert (report.samples, report.failures) == (1, 0)
    assert report.estimate == pytest.approx(0.0, abs=1e-6)
    looking.seen = 0
    pool = Pool(float_bundle, 1, looking)
    looking.seen = 0
    assert pool.detect(LARGE, looks=2).looks == 2
