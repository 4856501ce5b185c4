"""A pool of sessions: the answers are a session's, nobody waits in vain, and no session is lost."""

import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from fpm_edge_runtime import Bundle, DataError, Live, Pool, UsageError, load_engine
from fpm_edge_runtime.bundle.manifest import Format, Piece
from fpm_edge_runtime.engines import Engine, PieceRunner, default_engine

LONG = 30  # seconds that no test takes


def photos(count: int) -> list[NDArray[np.uint8]]:
    rng = np.random.default_rng(3)
    return [rng.integers(0, 256, (60 + n, 90 - n, 3), np.uint8) for n in range(count)]


class Gate:
    """An engine whose stage 1 waits for `open`. `inside`: how many wait; `models`: the bytes that were loaded."""

    def __init__(self) -> None:
        self._engine: Engine = load_engine(default_engine(("tflite", "onnx")))
        self.name, self.version = self._engine.name, self._engine.version
        self.formats: tuple[Format, ...] = self._engine.formats
        self.open = threading.Event()
        self.open.set()
        self.inside = threading.Semaphore(0)
        self.models: list[tuple[str, bytes]] = []

    def load(self, piece: Piece, model: bytes, threads: int | None) -> PieceRunner:
        assert threads == 1
        self.models.append((piece.member, model))
        runner = self._engine.load(piece, model, threads)

        def run(inputs: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
            if piece.name == "stage_1":
                self.inside.release()
                assert self.open.wait(LONG)
            return runner(inputs)

        return run

    def forget(self) -> None:
        """What warming up did."""
        while self.inside.acquire(blocking=False):
            pass


def test_answers_are_those_of_a_session_whoever_asks(tiny: Bundle) -> None:
    session, pool = tiny.session(threads=1), Pool(tiny, 3)
    pictures = photos(8) * 6
    with ThreadPoolExecutor(6) as threads:
        found = list(threads.map(lambda picture: pool.detect(picture, category="warm"), pictures))
    for picture, detection in zip(pictures, found, strict=True):
        expected = session.detect(picture, category="warm")
        np.testing.assert_array_equal(detection.landmarks, expected.landmarks)
        np.testing.assert_array_equal(detection.scores, expected.scores)
        assert detection.category == "warm"


def test_map_gives_the_answers_in_order(tiny: Bundle) -> None:
    session, pool = tiny.session(threads=1), Pool(tiny, 2)
    pictures = photos(15)
    for picture, found in zip(pictures, pool.map(pictures, stages=1), strict=True):
        np.testing.assert_array_equal(found.landmarks, session.detect(picture, stages=1).landmarks)
        assert found.stages_run == 1
    assert list(pool.map([])) == []


def test_map_reads_no_further_ahead_than_it_has_sessions(tiny: Bundle) -> None:
    taken = []

    def endless() -> Iterator[NDArray[np.uint8]]:
        while True:
            taken.append(1)
            yield photos(1)[0]

    answers = Pool(tiny, 2).map(endless())
    for number in range(1, 6):
        next(answers)
        assert len(taken) <= number + 3
    answers.close()


def test_an_error_comes_in_its_turn_and_costs_no_session(tiny: Bundle) -> None:
    pool = Pool(tiny, 1)
    good, bad = photos(1)[0], np.zeros((4, 4), np.float32)
    answers = pool.map([good, good, bad, good])
    next(answers), next(answers)
    with pytest.raises(DataError):
        next(answers)
    for _ in range(3):
        with pytest.raises(DataError):
            pool.detect(bad)
    pool.detect(good)


def test_calls_run_side_by_side_as_far_as_there_are_sessions(tiny: Bundle) -> None:
    gate = Gate()
    pool = Pool(tiny, 2, gate)
    gate.forget()
    gate.open.clear()
    with ThreadPoolExecutor(3) as threads:
        calls = [threads.submit(pool.detect, picture) for picture in photos(3)]
        assert gate.inside.acquire(timeout=LONG)
        assert gate.inside.acquire(timeout=LONG)
        # The third waits for a session, so it has not come as far.
        assert not gate.inside.acquire(timeout=0.2)
        gate.open.set()
        assert all(call.result(LONG).stages_run == tiny.stages for call in calls)


def test_waiting_for_a_session_counts_towards_the_deadline(tiny: Bundle) -> None:
    gate = Gate()
    pool = Pool(tiny, 1, gate)
    gate.forget()
    gate.open.clear()
    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(pool.detect, photos(1)[0])
        assert gate.inside.acquire(timeout=LONG)
        second = threads.submit(pool.detect, photos(1)[0], deadline_ms=50)
        threading.Event().wait(0.2)
        gate.open.set()
        assert first.result(LONG).stop_reason == "all stages"
        assert (second.result(LONG).stages_run, second.result(LONG).stop_reason) == (1, "deadline")


def test_sessions_share_the_bytes_of_the_models(tiny: Bundle) -> None:
    gate = Gate()
    pool = Pool(tiny, 3, gate)
    assert len(pool.sessions) == 3
    by_member: dict[str, set[int]] = {}
    for member, model in gate.models:
        by_member.setdefault(member, set()).add(id(model))
    assert len(gate.models) == 3 * len(by_member)
    assert all(len(objects) == 1 for objects in by_member.values())


def test_cameras_share_a_pool(tiny: Bundle) -> None:
    pool = Pool(tiny, 2, stages=2)
    cameras = [Live(pool) for _ in range(3)]
    pictures = photos(3)
    answers = [live.submit(picture) for live, picture in zip(cameras, pictures, strict=True)]
    for picture, answer in zip(pictures, answers, strict=True):
        np.testing.assert_array_equal(answer.result(LONG).landmarks, pool.detect(picture).landmarks)
        assert answer.result(LONG).stages_run == 2
    for live in cameras:
        live.close()


@pytest.mark.parametrize("sessions", [0, -1, 65])
def test_a_number_of_sessions_out_of_range_is_refused(tiny: Bundle, sessions: int) -> None:
    with pytest.raises(UsageError, match=f"sessions is {sessions}; expected 1 to 64"):
        Pool(tiny, sessions)


def test_without_a_number_there_is_one_a_processor(tiny: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {0, 2, 5}, raising=False)
    assert len(Pool(tiny).sessions) == 3


def test_without_a_number_there_are_no_more_than_a_pool_may_have(
    float_bundle: Bundle, fake_engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda _: set(range(200)), raising=False)
    assert len(Pool(float_bundle, engine=fake_engine).sessions) == 64
