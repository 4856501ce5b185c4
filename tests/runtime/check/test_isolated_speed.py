"""Timing in child processes: real engines are timed, and whatever a bad one does is a value. No time is asserted."""

import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from fpm_edge_runtime import BundleError, UsageError, load_engine
from fpm_edge_runtime.check.isolated_speed import Measured, measure_in_children

BAD = Path(__file__).with_name("_bad_speed_child.py")


def bad(how: str, bundle: Path, timeout: float = 60.0, **candidates: Sequence[int]) -> tuple[Measured, ...]:
    given = candidates or {"tflite-runtime": (1, 2)}
    program = (sys.executable, str(BAD), how)
    return measure_in_children(bundle, given, budget_ms=50, timeout=timeout, rounds=2, program=program)


def test_real_engines(golden_tiny: dict[str, Path]) -> None:
    load_engine("onnxruntime")
    candidates = {"litert": (1, 2), "onnxruntime": (1,)}
    found = measure_in_children(golden_tiny["right"].read_bytes(), candidates, budget_ms=200)
    assert [(entry.engine, entry.threads, entry.outcome, entry.reason) for entry in found] == [
        ("litert", 1, "ok", ""),
        ("litert", 2, "ok", ""),
        ("onnxruntime", 1, "ok", ""),
    ]
    assert len({len(entry.rounds) for entry in found}) == 1, "all ran in the same rounds"
    assert all(ms > 0 for entry in found for ms in entry.rounds)


def test_without_time_there_is_one_round(golden_tiny: dict[str, Path]) -> None:
    (found,) = measure_in_children(golden_tiny["right"], {"litert": (1,)}, budget_ms=1e-6)
    assert len(found.rounds) == 1


def test_a_wrong_answer_is_not_timed(golden_tiny: dict[str, Path]) -> None:
    (found,) = measure_in_children(golden_tiny["wrong"], {"litert": (1,)}, budget_ms=50)
    assert (found.outcome, found.rounds) == ("wrong", ())
    assert "disagrees with the float model by" in found.reason


@pytest.mark.parametrize(
    ("how", "outcome", "reason"),
    [
        ("SIGSEGV", "crashed", "thread: killed by SIGSEGV; its last words: "),
        ("exit 0", "no answer", "thread: it ended with exit code 0 and said nothing"),
        ("raises", "crashed", "no memory for the arena"),
        ("garbage", "garbage", "its answer cannot be read"),
        ("another bundle", "garbage", "it loaded bundle 0000"),
        ("other threads", "garbage", "about other numbers of threads"),
    ],
)
def test_an_engine_that_dies_is_out_with_all_its_threads(
    how: str, outcome: str, reason: str, golden_tiny: dict[str, Path]
) -> None:
    found = bad(how, golden_tiny["right"])
    assert [(entry.threads, entry.outcome, entry.rounds) for entry in found] == [(1, outcome, ()), (2, outcome, ())]
    assert all(reason in entry.reason for entry in found), found[0].reason


@pytest.mark.parametrize(
    ("how", "outcome", "reason"),
    [
        ("fails", "refused", "later bad 1.0 failed in stage_1 (stages/1.tflite): out of arena"),
        ("wrong", "wrong", "disagrees with the float model by"),
        ("refuses two", "refused", "cannot run stage_1 with 2 threads"),
    ],
)
def test_a_number_of_threads_that_fails_is_out_alone(
    how: str, outcome: str, reason: str, golden_tiny: dict[str, Path]
) -> None:
    one, two = bad(how, golden_tiny["right"])
    assert (one.outcome, len(one.rounds) > 0) == ("ok", True)
    assert (two.outcome, two.rounds) == (outcome, ())
    assert reason in two.reason


def test_the_others_go_on(golden_tiny: dict[str, Path]) -> None:
    found = bad("SIGABRT", golden_tiny["right"], **{"tflite-runtime": (1,), "litert": (1,)})
    assert [(entry.engine, entry.outcome) for entry in found] == [("tflite-runtime", "crashed"), ("litert", "ok")]
    assert found[1].rounds


def test_a_hang_is_ended(golden_tiny: dict[str, Path]) -> None:
    start = time.monotonic()
    (found,) = bad("hangs", golden_tiny["right"], timeout=4.0, **{"tflite-runtime": (1,)})
    assert found.outcome == "hung"
    assert "no answer within 4" in found.reason
    assert time.monotonic() - start < 60  # the engine would have slept for ten minutes


def test_what_is_not_the_engines_fault_is_raised(
    tmp_path: Path, golden_tiny: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(BundleError, match="no such file"):
        measure_in_children(tmp_path / "nothing.fpm", {"litert": (1,)}, budget_ms=50)
    monkeypatch.setattr(sys, "executable", "")
    with pytest.raises(UsageError, match="say what to run by `program`"):
        measure_in_children(golden_tiny["right"], {"litert": (1,)}, budget_ms=50)
