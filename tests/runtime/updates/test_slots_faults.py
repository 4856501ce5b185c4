"""Whatever happens during an update, at whichever operation on the disk: there is a bundle to boot afterwards."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from fpm_edge_runtime import Slots

PROGRAM = Path(__file__).with_name("_faulty_disk.py")
PREPARED = {"install": "good", "boot": "trial", "confirm": "started"}


@pytest.fixture(scope="module")
def prepared(three_bundles: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folders with: ``good``, a confirmed bundle, an older one beside it; ``trial``, then a new one; ``started``."""
    folder = tmp_path_factory.mktemp("prepared")
    slots = Slots(folder / "good")
    for bundle in three_bundles[:2]:
        slots.install(bundle, sequence=1)
        slots.confirm(slots.boot().bundle.digest)
    shutil.copytree(folder / "good", folder / "trial")
    Slots(folder / "trial").install(three_bundles[2], sequence=2)
    shutil.copytree(folder / "trial", folder / "started")
    Slots(folder / "started").boot()
    return folder


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="forks")


@needs_fork
@pytest.mark.parametrize("action", ["install", "boot", "confirm"])
def test_every_fault_at_every_operation(
    action: str, prepared: Path, three_bundles: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "fsync", lambda file: None)
    start, new = prepared / PREPARED[action], three_bundles[2]
    faults = ("kill", "power", "short", "ENOSPC", "EIO", "EROFS")
    arguments = [str(part) for part in (PROGRAM, action, start, new, tmp_path, *faults)]
    done = subprocess.run([sys.executable, *arguments], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    runs = [json.loads(line) for line in done.stdout.splitlines()]
    assert {run["operation"] for run in runs if run["signal"] == 0} >= {"open", "write", "fsync", "replace", ""}
    for run in runs:
        folder = Path(run["folder"])
        check_answer(action, run, start)
        if action == "install":
            check_recovery(run, folder, new)
        else:
            assert Slots(folder).boot().bundle.manifest.name in ("good", "new"), run


def check_answer(action: str, run: dict[str, Any], start: Path) -> None:
    """It did what it was to do, or said why not and changed nothing that it needs; a boot always gives a bundle."""
    fault, killed = run["fault"], run["signal"] == signal.SIGKILL
    if fault in ("kill", "power"):
        assert killed or run["answer"], run
        return
    assert not killed
    assert bool(run["answer"]) != bool(run["error"]), run
    if run["error"]:
        assert run["error"].startswith("FpmEdgeError: ")
        assert ("No space left" in run["error"]) == (fault in ("short", "ENOSPC"))
        full = fault in ("short", "ENOSPC") and run["operation"] in ("open", "write")
        if full or (not run["renamed"] and run["operation"] != "unlink"):
            assert content(Path(run["folder"])) == content(start), run
    uncounted = run["operation"] in ("write", "fsync", "chmod", "replace") or (run["operation"] and fault == "EROFS")
    if action == "boot" and uncounted:
        assert run["answer"] == "good", "a trial whose starts cannot be counted is not started"


def check_recovery(run: dict[str, Any], folder: Path, new: Path) -> None:
    """It boots; if the new bundle is not confirmed it goes back; and the next install works."""
    slots = Slots(folder)
    first = slots.boot()
    done = run["signal"] == 0 and run["answer"]
    assert first.bundle.manifest.name in (("new",) if done else ("good", "new")), run
    if first.bundle.manifest.name == "new":
        assert first.status == "trial"
        back = slots.boot()
        assert back.rolled_back
        assert (back.bundle.manifest.name, back.status) == ("good", "good"), run
    slots.install(new, sequence=2)
    again = slots.boot()
    assert (again.bundle.manifest.name, again.status) == ("new", "trial")
    assert sorted(content(folder)) == ["a.fpm", "b.fpm", "slots.json", "slots.lock"], run


def test_a_file_that_may_not_grow(prepared: Path, three_bundles: list[Path], tmp_path: Path) -> None:
    """The system itself refuses, at a size below the bundle's."""
    resource = pytest.importorskip("resource")
    folder = shutil.copytree(prepared / "good", tmp_path / "slots")
    program = "import sys, fpm_edge_runtime as f; f.Slots(sys.argv[1]).install(sys.argv[2], sequence=2)"
    done = subprocess.run(
        [sys.executable, "-c", program, str(folder), str(three_bundles[2])],
        capture_output=True,
        text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1024, 1024)),
    )
    assert "FpmEdgeError: the bundle cannot be installed" in done.stderr
    assert "File too large" in done.stderr
    assert content(folder) == content(prepared / "good")


@needs_fork
def test_killed_at_random(three_bundles: list[Path]) -> None:
    program = Path(__file__).parents[3] / "benchmarks" / "kill_install.py"
    bundles = [str(bundle) for bundle in three_bundles[:2]]
    done = subprocess.run([sys.executable, str(program), *bundles, "--kills", "20"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "20 kills" in done.stdout
