"""What docs/drift.md tells people to write runs as it stands."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from time import monotonic, sleep
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from forked import in_a_fork

from fpm_edge_runtime import Bundle, DriftMonitor, open_bundle
from fpm_edge_runtime.drift.log import read_drift_log

PAGE = Path(__file__).parents[3] / "docs" / "drift.md"
EXAMPLES = re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), flags=re.DOTALL)


def test_the_example_watches_a_camera_over_a_restart(
    tiny_bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    example = EXAMPLES[0]
    shutil.copy(tiny_bundle, tmp_path / "mine.fpm")
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}

    def camera() -> Iterator[np.ndarray]:
        """Five frames; the camera stops when one of them has been compared, for what waits at the end is dropped."""
        yield from np.random.default_rng(0).integers(0, 256, (5, 90, 60, 3), np.uint8)
        patience = monotonic() + 120
        while not names["shadow"].counts.compared and monotonic() < patience:
            sleep(0.02)

    # Every frame, so that five are enough to see something.
    sampling = "rate=0.01"
    assert sampling in example
    program = compile(example.replace(sampling, "rate=1.0, spacing_s=0"), str(PAGE), "exec")
    compared = []
    for _ in range(2):
        names["camera"] = camera()
        exec(program, names)
        last = read_drift_log(tmp_path / "drift.jsonl").entries[-1]
        assert last.frames == 5
        compared.append(last.samples)
    assert 1 <= compared[0] < compared[1] <= 10


def test_the_example_with_a_policy_acts_and_goes_on_after_a_restart(
    tiny_bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A golden case fails, as far as the monitor is told: the second step is the float model, with no other engine."""
    first, second, _ = EXAMPLES
    shutil.copy(tiny_bundle, tmp_path / "mine.fpm")
    monkeypatch.chdir(tmp_path)
    frames = np.random.default_rng(0).integers(0, 256, (3, 90, 60, 3), np.uint8)
    names: dict[str, Any] = {"camera": []}
    exec(compile(first, str(PAGE), "exec"), names)

    class Failed(names["DriftMonitor"]):  # type: ignore[misc]
        """Of this bundle, and a golden case has failed."""

        @classmethod
        def of_bundle(cls, bundle: Bundle, **settings: Any) -> DriftMonitor:
            return DriftMonitor.of_bundle(bundle, **settings).anew(golden="drifted")

    def camera() -> Iterator[np.ndarray]:
        for frame in frames:
            yield frame
            assert names["guard"].wait(120)

    # Another engine would be checked in a child, which has tests of its own.
    engines = "cache=cache"
    assert engines in second
    program = compile(second.replace(engines, 'cache=cache, engines=["litert"]'), str(PAGE), "exec")
    names |= {"camera": camera(), "DriftMonitor": Failed}
    exec(program, names)
    taken = names["guard"].taken
    assert [(step.step, step.after is None) for step in taken] == [
        ("report", False),
        ("engine", True),
        ("float", False),
    ]
    assert names["found"].fallback == "float"
    assert "float: StepTaken(" in capsys.readouterr().out
    logged = [entry.step for entry in read_drift_log(tmp_path / "guarded.jsonl").entries if entry.step is not None]
    assert tuple(logged) == taken
    names |= {"camera": iter(frames[:1]), "DriftMonitor": DriftMonitor}
    exec(program, names)
    assert names["found"].fallback == "float"
    assert names["guard"].taken == taken


def test_the_example_for_forked_workers(tiny_bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {"app": SimpleNamespace(), "bundle": open_bundle(tiny_bundle)}
    exec("from pathlib import Path\nfrom fpm_edge_runtime import DriftLog, DriftMonitor, Shadow", names)
    exec(compile(EXAMPLES[2], str(PAGE), "exec"), names)

    def worker() -> int:
        names["post_fork"](None, SimpleNamespace(age=3))
        with names["app"].shadow as shadow:
            shadow.detect(np.zeros((90, 60, 3), np.uint8))
            return int(shadow.counts.frames)

    assert in_a_fork(worker) == 1
    assert [entry.frames for entry in read_drift_log(tmp_path / "drift-3.jsonl").entries] == [1]
