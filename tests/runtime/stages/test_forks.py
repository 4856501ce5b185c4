"""After a fork: what has threads begins anew in the new process or says why not, and no lock is held for ever."""

import os
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from forked import in_a_fork
from numpy.typing import NDArray

from fpm_edge_runtime import (
    Bundle,
    DriftLog,
    DriftMonitor,
    FpmEdgeError,
    Guard,
    Live,
    LiveCounts,
    Pool,
    Session,
    Shadow,
    UsageError,
    load_engine,
)
from fpm_edge_runtime.bundle.manifest import Piece
from fpm_edge_runtime.check.isolated import EngineCheck
from fpm_edge_runtime.drift.log import read_drift_log
from fpm_edge_runtime.drift.shadow import ShadowCounts
from fpm_edge_runtime.engines import default_engine
from fpm_edge_runtime.lock import locked

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")

LONG = 120  # seconds that no test takes
LIMITS = (0.01, 0.01)


def photo(seed: int = 0) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (70, 90, 3), np.uint8)


class Gate:
    """The default engine, whose pieces wait for `open`; `entered` says that one has come."""

    formats = ("tflite",)

    def __init__(self) -> None:
        self._engine = load_engine(default_engine(("tflite",)))
        self.name, self.version = self._engine.name, self._engine.version
        self.open, self.entered = threading.Event(), threading.Event()
        self.open.set()

    def load(self, piece: Piece, model: bytes, threads: int | None) -> Callable[..., dict[str, NDArray[Any]]]:
        runner = self._engine.load(piece, model, threads)

        def run(inputs: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
            self.entered.set()
            self.open.wait(LONG)
            return runner(inputs)

        return run


@pytest.fixture(scope="module")
def device(tiny: Bundle) -> Session:
    return tiny.session()


@pytest.fixture
def gate() -> Gate:
    return Gate()


@pytest.fixture
def gated(tiny: Bundle, gate: Gate) -> Session:
    session = tiny.session(gate, threads=1)
    gate.entered.clear()
    return session


@pytest.fixture
def monitor(tiny: Bundle) -> DriftMonitor:
    return DriftMonitor(LIMITS, tiny.schema.landmarks, subject=tiny.digest)


def compared(shadow: Shadow | Guard, counted: Shadow, frames: int) -> tuple[ShadowCounts, int]:
    """Counts of this process and the monitor's samples, after so many frames that all wait for their comparison."""
    for seed in range(frames):
        shadow.detect(photo(seed))
        assert counted.flush(LONG)
    return counted.counts, shadow.monitor.report().samples


def test_a_shadow_goes_on_comparing(device: Session, tiny: Bundle, monitor: DriftMonitor) -> None:
    """The parent has compared 2 frames when it forks: the child compares all of its own, and the parent goes on."""
    with Shadow(device, tiny.session(threads=1), monitor, rate=1.0, spacing_s=0) as shadow:
        compared(shadow, shadow, 2)
        counts, samples = in_a_fork(lambda: compared(shadow, shadow, 6))
        assert (counts.frames, counts.sampled, counts.compared, counts.failed) == (6, 6, 6, 0)
        assert samples == 8, "the evidence of before the fork is still known"
        assert monitor.report().samples == 2
        assert compared(shadow, shadow, 1)[1] == 3


def test_flush_and_close_return_whatever_the_worker_was_at(
    device: Session, gated: Session, gate: Gate, monitor: DriftMonitor
) -> None:
    """One frame is with the float model and one waits when the process forks: both stay with the parent."""
    gate.open.clear()
    with Shadow(device, gated, monitor, rate=1.0, spacing_s=0) as shadow:
        shadow.detect(photo())
        assert gate.entered.wait(LONG)
        shadow.detect(photo(1))

        def child() -> tuple[bool, int]:
            flushed = shadow.flush(LONG)
            gate.open = threading.Event()
            gate.open.set()
            compared(shadow, shadow, 3)
            shadow.close()
            return flushed, shadow.counts.compared

        # The fork waits for the float model's piece, so let it go meanwhile.
        threading.Timer(0.2, gate.open.set).start()
        assert in_a_fork(child) == (True, 3)
        assert shadow.flush(LONG)
        assert shadow.counts.compared == 2


def test_workers_draw_other_frames_than_their_siblings_unless_seeded(
    device: Session, tiny: Bundle, monitor: DriftMonitor
) -> None:
    def drawn(shadow: Shadow) -> list[bool]:
        before, found = 0, []
        for _ in range(40):
            shadow.detect(photo())
            found.append(shadow.counts.sampled > before)
            before = shadow.counts.sampled
        return found

    for seed, same in ((None, False), (5, True)):
        with Shadow(device, tiny.session(threads=1), monitor, rate=0.5, spacing_s=0, seed=seed) as shadow:
            first, second = (in_a_fork(lambda: drawn(shadow)) for _ in range(2))
            assert (first == second) is same


def test_a_forked_process_does_not_write_into_its_parents_log(
    device: Session, tiny: Bundle, monitor: DriftMonitor, tmp_path: Path
) -> None:
    path = tmp_path / "drift.jsonl"
    with Shadow(device, tiny.session(threads=1), monitor, rate=1.0, spacing_s=0, log=DriftLog(path)) as shadow:
        compared(shadow, shadow, 1)

        def child() -> tuple[str, str, str]:
            compared(shadow, shadow, 2)
            report = monitor.report()
            return shadow.verdict, report.verdict, report.reason

        of_shadow, of_monitor, reason = in_a_fork(child)
        assert of_shadow == of_monitor == "warning"
        assert f"{path} is the log of process {os.getpid()}, from which this one was forked" in reason
    assert [entry.frames for entry in read_drift_log(path).entries] == [1, 1]


def test_nothing_compared_is_never_ok(device: Session, tiny: Bundle, monitor: DriftMonitor) -> None:
    """The float model has threads, which a forked process does not: the verdict says so, in both places."""
    with Shadow(device, tiny.session(threads=2), monitor, rate=1.0, spacing_s=0) as shadow:

        def child() -> tuple[int, int, str, str, str]:
            counts, samples = compared(shadow, shadow, 1)
            return counts.failed, samples, shadow.verdict, monitor.verdict, monitor.report().reason

        failed, samples, *verdicts, reason = in_a_fork(child)
        assert (failed, samples, verdicts) == (1, 0, ["warning", "warning"])
        assert "loaded before this process was forked" in reason


def test_a_guard_takes_its_step_in_the_new_process(
    colour_bundle: Bundle, tiny: Bundle, monitor: DriftMonitor, golden_tiny: dict[str, Path]
) -> None:
    """It was checking another engine when the process forked: the child checks again, and is not left waiting."""
    go, asked = threading.Event(), threading.Event()

    def check(*_: object, **__: object) -> EngineCheck:
        asked.set()
        go.wait(LONG)
        return EngineCheck("litert", "missing", "it was only a test", None, 0.0)

    device, reference = tiny.session(threads=1, stages=1), colour_bundle.session("onnxruntime", threads=1)
    with Shadow(device, reference, monitor, rate=1.0, spacing_s=0) as shadow:
        compared(shadow, shadow, 12)
        assert shadow.verdict == "drifted"
        with Guard(shadow, ["engine", "raise"], check=check) as guard:
            guard.detect(photo())
            assert asked.wait(LONG)

            def child() -> tuple[bool, bool, list[str]]:
                go.set()
                alone = guard.wait(LONG) and not guard.preparing
                guard.detect(photo())
                done = guard.wait(LONG)
                return alone, done, [step.step for step in guard.taken]

            assert in_a_fork(child) == (True, True, ["engine", "raise"])
            assert guard.preparing
            assert guard.taken == ()
            go.set()


def test_live_answers_in_the_new_process(gated: Session, gate: Gate) -> None:
    gate.open.clear()
    with Live(gated) as live:
        working = live.submit(photo())
        assert gate.entered.wait(LONG)
        waiting = live.submit(photo(1))

        def child() -> tuple[list[str], NDArray[np.float32], LiveCounts]:
            gate.open = threading.Event()
            gate.open.set()
            said = []
            for future in (working, waiting):
                with pytest.raises(UsageError) as raised:
                    future.result()
                said.append(str(raised.value))
            found = live.submit(photo(2)).result(LONG)
            live.close()
            return said, found.landmarks, live.counts

        said, landmarks, counts = in_a_fork(child)
        assert all("submitted before this process was forked" in message for message in said)
        assert counts == LiveCounts(submitted=1, done=1)
        gate.open.set()
        np.testing.assert_array_equal(landmarks, gated.detect(photo(2)).landmarks)
        assert waiting.result(LONG).stages_run == working.result(LONG).stages_run == 2
        assert live.counts == LiveCounts(submitted=2, done=2)


def test_a_pool_has_all_its_sessions_in_the_new_process(tiny: Bundle, gate: Gate) -> None:
    """Both are in use when it forks."""
    pool = Pool(tiny, 2, gate)
    gate.open.clear()
    with ThreadPoolExecutor(2) as threads:
        calls = [threads.submit(pool.detect, photo(seed)) for seed in range(2)]
        answers = pool.map([photo()] * 4)
        assert gate.entered.wait(LONG)

        def child() -> list[int]:
            gate.open = threading.Event()
            gate.open.set()
            return [found.stages_run for found in pool.map([photo()] * 3)]

        assert in_a_fork(child) == [2, 2, 2]
        gate.open.set()
        assert [call.result(LONG).stages_run for call in calls] == [2, 2]
    next(answers)

    def goes_on() -> str:
        with pytest.raises(UsageError) as raised:
            next(answers)
        return str(raised.value)

    assert "a map was begun before this process was forked" in in_a_fork(goes_on)
    assert len(list(answers)) == 3


@pytest.mark.parametrize(
    ("engine", "threads", "survives"),
    [
        ("litert", None, True),
        ("litert", 1, True),
        ("litert", 2, False),
        ("onnxruntime", 1, True),
        ("onnxruntime", None, False),
        ("openvino", 1, False),
    ],
)
def test_a_session_runs_on_unless_its_engine_had_threads(
    tiny: Bundle, engine: str, threads: int | None, survives: bool
) -> None:
    pytest.importorskip({"litert": "ai_edge_litert"}.get(engine, engine))
    session = tiny.session(engine, threads)
    expected = session.detect(photo()).landmarks

    def child() -> NDArray[np.float32] | str:
        try:
            return session.detect(photo()).landmarks
        except UsageError as error:
            return str(error)

    found = in_a_fork(child)
    if survives:
        np.testing.assert_array_equal(found, expected)
    else:
        assert f"loaded before this process was forked, and the threads of engine {engine} are not in it" in found


def test_openvino_is_not_loaded_where_it_ran_before_the_fork(tiny: Bundle) -> None:
    """It would wait for threads that are not there."""
    pytest.importorskip("openvino")
    tiny.session("openvino", 1).detect(photo())

    def child() -> str:
        with pytest.raises(UsageError) as raised:
            tiny.session("openvino", 1)
        return str(raised.value)

    assert "OpenVINO ran in the process that this one was forked from" in in_a_fork(child)


def test_a_session_that_another_thread_was_using_is_free_in_the_new_process(gated: Session, gate: Gate) -> None:
    gate.open.clear()
    thread = threading.Thread(target=gated.detect, args=(photo(),))
    thread.start()
    assert gate.entered.wait(LONG)

    def child() -> int:
        gate.open = threading.Event()
        gate.open.set()
        return gated.detect(photo()).stages_run

    assert in_a_fork(child) == 2
    gate.open.set()
    thread.join()


def test_the_monitors_evidence_is_whole_in_the_new_process(tiny: Bundle, monitor: DriftMonitor) -> None:
    """While another thread feeds it without a pause, each child finds a state in which every part is of one moment."""
    stop = threading.Event()

    def feed() -> None:
        while not stop.is_set():
            monitor.add_shadow(np.full((2, 3), 0.001))
            monitor.add_frame(np.full(3, 0.5))

    thread = threading.Thread(target=feed)
    thread.start()
    try:
        for _ in range(5):
            samples, by_stage, count = in_a_fork(lambda: _parts(monitor))
            assert by_stage == [3 * samples, 3 * samples]
            # The child adds a sample; at the fork, the frame of the last one may have been still to come.
            assert samples - 2 <= count <= samples - 1
    finally:
        stop.set()
        thread.join()


def _parts(monitor: DriftMonitor) -> tuple[int, list[int], int]:
    monitor.add_shadow(np.full((2, 3), 0.001))
    report = monitor.report()
    return report.samples, [stage.count for stage in report.stages], report.proxies[0].count


def test_a_lock_on_a_file_does_not_stay_with_a_forked_process(tmp_path: Path) -> None:
    """A worker is forked while another thread installs a bundle, say, and lives on."""
    path = tmp_path / "lock"
    end, mine = os.pipe()
    with locked(path, 1):
        child = os.fork()
        if child == 0:
            os.close(mine)
            os.read(end, 1)
            os._exit(0)
    try:
        with locked(path, 0.2):
            pass
    finally:
        os.close(mine)
        os.close(end)
        os.waitpid(child, 0)


def test_a_forked_process_does_not_give_back_its_parents_lock(tmp_path: Path) -> None:
    path = tmp_path / "lock"

    def leaves() -> None:
        held.__exit__(None, None, None)

    held = locked(path, 1)
    with held:
        in_a_fork(leaves)
        with pytest.raises(FpmEdgeError, match="is locked by another process"), locked(path, 0.1):
            pass
