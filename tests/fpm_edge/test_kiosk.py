"""The example in examples/kiosk runs as its README says: headless, on a real bundle, from slots, with a drift log."""

import re
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import numpy as np
import pytest
from PIL import Image

from fpm_edge.convert.signing import make_keys, sign_bundle
from fpm_edge_runtime import Slots
from fpm_edge_runtime.drift.log import read_drift_log

KIOSK = Path(__file__).parents[2] / "examples" / "kiosk" / "kiosk.py"
SIZE = (200, 160)


def kiosk(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-W", "error", str(KIOSK), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=300)


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    folder = tmp_path / "pictures"
    folder.mkdir()
    for number in range(3):
        Image.new("RGB", SIZE, (40 * number, 90, 60)).save(folder / f"{number}.png")
    (folder / "notes.txt").write_text("no picture")
    return folder


def test_from_slots_with_a_drift_log(tiny_bundle: Path, pictures: Path, tmp_path: Path) -> None:
    slots, output, state = tmp_path / "slots", tmp_path / "frames", tmp_path / "state"
    digest = Slots(slots).install(tiny_bundle).digest
    # Slow enough for every frame to be answered, so that what is written can be compared with what was given.
    settings = (
        "--loop",
        "--frames",
        4,
        "--fps",
        4,
        "--category",
        "dress",
        "--rate",
        1,
        "--deadline-ms",
        10_000,
        "--spacing-s",
        0,
    )
    done = kiosk("--slots", slots, "--pictures", pictures, "--output", output, "--state", state, *settings)
    assert done.returncode == 0, done.stderr
    submitted, answered, dropped = (int(part.split()[0]) for part in done.stdout.splitlines()[0].split(", "))
    assert (submitted, answered + dropped) == (4, 4)
    (engine,) = re.findall(r"^engine: (.+), threads: \d+, [\d.]+ ms$", done.stderr, re.MULTILINE)
    assert engine in ("litert", "onnxruntime", "openvino")
    assert {"checks.json", "speeds.json"} <= {path.name for path in state.iterdir()}
    frames = sorted(output.iterdir())
    assert len(frames) == answered >= 1
    with Image.open(frames[0]) as frame:
        assert frame.size == SIZE
        assert np.asarray(frame).std(axis=(0, 1)).max() > 10, "nothing is drawn on a picture of one colour"
    assert Slots(slots).status().slots[0].record.status == "good"
    entry = read_drift_log(state / "drift.jsonl").entries[-1]
    assert (entry.subject, entry.frames) == (digest, answered)
    assert (state / f"guard-{digest[:12]}-report.json").exists()
    assert "drift: " in done.stdout


def test_what_to_do_on_drift(tiny_bundle: Path, pictures: Path, tmp_path: Path) -> None:
    """The first run leaves a state in which the alarm has not fired; it is put in, and the second run acts on it."""
    state = tmp_path / "state"
    settings = ("--pictures", pictures, "--output", tmp_path / "frames", "--state", state, "--deadline-ms", 10_000)
    policy = ("--category", "dress", "--rate", 1, "--spacing-s", 0, "--on-drift", "more stages", "float")
    assert kiosk(tiny_bundle, *settings, *policy).returncode == 0
    (memory,) = state.glob("guard-*-more-stages-float.json")
    saved = msgspec.json.decode(memory.read_bytes())
    assert (saved["position"], saved["monitor"]["alarm_sample"]) == (0, None)
    saved["monitor"]["alarm_sample"] = 1
    memory.write_bytes(msgspec.json.encode(saved))
    done = kiosk(tiny_bundle, *settings, *policy)
    assert done.returncode == 0, done.stderr
    taken = [entry.step for entry in read_drift_log(state / "drift.jsonl").entries if entry.step is not None]
    assert [(step.step, step.after is None) for step in taken] == [("more stages", True), ("float", False)]
    assert "more stages: litert" in done.stdout
    assert msgspec.json.decode(memory.read_bytes())["fallback"] == "float"


def test_only_what_a_trusted_key_signed(tiny_bundle: Path, pictures: Path, tmp_path: Path) -> None:
    keys, signed, slots, output = (
        make_keys(tmp_path / "release.pem"),
        *(tmp_path / name for name in ("s.fpm", "s", "o")),
    )
    expires = int(time.time()) + 10
    sign_bundle(tiny_bundle, keys.private, signed, expires=expires)
    Slots(slots, trusted_keys=[keys.public]).install(signed)
    unsigned = tmp_path / "unsigned"
    Slots(unsigned).install(tiny_bundle)
    settings = ("--pictures", pictures, "--output", output, "--state", tmp_path / "state", "--trusted", keys.public)
    for source in ((tiny_bundle,), ("--slots", unsigned)):
        done = kiosk(*source, *settings)
        assert (done.returncode, "is not signed" in done.stderr, output.exists()) == (4, True, False), done.stderr
    time.sleep(max(0.0, expires + 1 - time.time()))
    # Nobody brings a file that has expired; what was installed before goes on.
    done = kiosk(signed, *settings)
    assert (done.returncode, "expired" in done.stderr, output.exists()) == (4, True, False), done.stderr
    done = kiosk("--slots", slots, *settings)
    assert done.returncode == 0, done.stderr
    # A busy machine drops frames for newer ones.
    submitted, answered, dropped = (int(part.split()[0]) for part in done.stdout.splitlines()[0].split(", "))
    assert (submitted, len(list(output.iterdir()))) == (3, answered)
    assert answered == 3 - dropped >= 1
    sign_bundle(tiny_bundle, keys.private, signed)
    assert kiosk(signed, *settings).returncode == 0


def test_what_cannot_start_says_why(tiny_bundle: Path, pictures: Path, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    output = ("--output", tmp_path / "frames", "--state", tmp_path / "state")
    done = kiosk(tiny_bundle, "--pictures", empty, *output)
    assert (done.returncode, "holds no pictures" in done.stderr, "Traceback" in done.stderr) == (2, True, False)
    done = kiosk("--slots", empty, "--pictures", pictures, *output)
    assert (done.returncode, "Traceback" in done.stderr) == (4, False)
    (tmp_path / "file").touch()
    done = kiosk(tiny_bundle, "--pictures", pictures, "--output", tmp_path / "frames", "--state", tmp_path / "file")
    assert (done.returncode, "Traceback" in done.stderr) == (1, False)
    assert kiosk(tiny_bundle, "--pictures", pictures, *output, "--fps", 0).returncode == 2
    assert not (tmp_path / "frames").exists()
