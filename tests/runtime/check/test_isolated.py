"""The self-check in a child process: real engines pass it, and whatever a bad one does is a value."""

import re
import sys
import time
from pathlib import Path

import msgspec
import pytest

from fpm_edge_runtime import (
    BundleError,
    EngineCheck,
    UsageError,
    check_goldens,
    check_in_child,
    load_engine,
    open_bundle,
)

BAD = Path(__file__).with_name("_bad_child.py")


def bad(how: str, bundle: Path, timeout: float = 60.0) -> EngineCheck:
    return check_in_child(bundle, "litert", timeout=timeout, program=(sys.executable, str(BAD), how))


@pytest.mark.parametrize("engine", ["litert", "onnxruntime", "openvino"])
def test_real_engines_pass(engine: str, golden_tiny: dict[str, Path]) -> None:
    load_engine(engine)
    found = check_in_child(golden_tiny["right"], engine, threads=1)
    assert (found.engine, found.outcome, found.reason, found.ok) == (engine, "ok", "", True)
    assert found.seconds > 0
    report = check_goldens(open_bundle(golden_tiny["right"]).session(engine, threads=1))
    assert msgspec.json.encode(found.report) == msgspec.json.encode(report.to_dict())


def test_a_bundle_in_memory(golden_tiny: dict[str, Path]) -> None:
    assert check_in_child(golden_tiny["right"].read_bytes()).ok


def test_a_wrong_answer(golden_tiny: dict[str, Path]) -> None:
    found = check_in_child(golden_tiny["wrong"])
    assert (found.outcome, found.ok) == ("wrong", False)
    assert re.fullmatch(r"stage \d disagrees .* by 0\.\d+ in golden/0\.png, the limit is 0\.0200", found.reason)
    assert found.report is not None
    assert [stage["verdict"] for stage in found.report["stages"]] == ["drifted", "drifted"]


@pytest.mark.parametrize(
    ("how", "outcome", "reason"),
    [
        ("SIGSEGV", "crashed", "killed by SIGSEGV; its last words: illegal access"),
        ("SIGABRT", "crashed", "killed by SIGABRT; its last words: illegal access"),
        ("SIGKILL", "crashed", "killed by SIGKILL; its last words: illegal access"),
        ("exit 3", "crashed", "exit code 3"),
        ("raises", "crashed", "no memory for the arena"),
        ("exit 0", "no answer", "it ended with exit code 0 and said nothing"),
        ("garbage", "garbage", "its answer cannot be read"),
        ("half", "garbage", "its answer cannot be read"),
        ("another bundle", "garbage", "it checked bundle 0000"),
        ("refuses", "refused", "cannot run stage_1 with None threads"),
        ("nan", "not finite", "heatmap_2 has values that are infinite or not numbers"),
        ("chats", "wrong", "disagrees with the float model by"),  # what it prints is not its answer
    ],
)
def test_what_engines_do(how: str, outcome: str, reason: str, float_path: Path) -> None:
    found = bad(how, float_path)
    assert found.outcome == outcome, found.reason
    assert reason in found.reason
    assert not found.ok


@pytest.mark.parametrize("how", ["hangs", "hangs with a helper"])
def test_a_hang_is_ended(how: str, float_path: Path) -> None:
    start = time.monotonic()
    found = bad(how, float_path, timeout=4.0)
    assert (found.outcome, found.reason) == ("hung", "no answer within 4 s")
    assert time.monotonic() - start < 60  # the engine would have slept for ten minutes


def test_an_engine_that_is_not_installed(golden_tiny: dict[str, Path]) -> None:
    pytest.importorskip("ai_edge_litert")
    found = check_in_child(golden_tiny["right"], "tflite-runtime")
    assert found.outcome == "missing"
    assert "pip install tflite-runtime" in found.reason


def test_the_working_folder_is_not_searched(
    golden_tiny: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("numpy", "fpm_edge_runtime", "msgspec"):
        (tmp_path / f"{module}.py").write_text("raise SystemExit('taken over')")
    monkeypatch.chdir(tmp_path)
    assert check_in_child(golden_tiny["right"]).ok


def test_what_is_not_the_engines_fault_is_raised(tmp_path: Path, golden_tiny: dict[str, Path]) -> None:
    with pytest.raises(UsageError, match="unknown engine 'lite'"):
        check_in_child(golden_tiny["right"], "lite")
    with pytest.raises(BundleError, match="no such file"):
        check_in_child(tmp_path / "nothing.fpm")


def test_without_an_interpreter(golden_tiny: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "")
    with pytest.raises(UsageError, match="say what to run by `program`"):
        check_in_child(golden_tiny["right"])
