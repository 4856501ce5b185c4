"""`fpm-edge drift-log` says what the device said."""

import json
import sys
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from commands import run_command
from PIL import Image

from fpm_edge_runtime.drift.log import DriftLog, LogEntry
from fpm_edge_runtime.drift.monitor import DriftMonitor
from fpm_edge_runtime.drift.steps import StepTaken


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    return run_command(capsys, "drift-log", *arguments)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """A device that is healthy for 400 compared frames, drifts, and is restarted with a new bundle."""
    path = tmp_path / "drift.jsonl"
    writer, random = DriftLog(path), np.random.default_rng(0)
    for subject, shift in (("first", 0.004), ("second", 0.0)):
        monitor = DriftMonitor((0.002,), ("a", "b"), subject=subject)
        for sample in range(1, 601):
            monitor.add_shadow(random.exponential(0.001, (1, 2)) + (shift if sample > 400 else 0.0))
            monitor.add_frame(np.full(2, 0.8))
            if sample % 50 == 0:
                entry = LogEntry.of(monitor.report(), subject=subject, engine="litert 2.3", frames=100 * sample)
                writer.append(entry)
    writer.close()
    return path


def test_the_table_has_every_change(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, log)
    assert code == 0
    rows = [line for line in out.splitlines() if "…" in line]
    verdicts = [next(v for v in ("drifted", "warning", "ok") if f" {v} " in row) for row in rows]
    assert verdicts[:3] == ["ok", "drifted", "ok"]
    assert ["first" in row for row in rows[:3]] == [True, True, False]
    assert "13 of 24 entries" in out
    assert err.strip() == "ok"


def test_json_has_the_last_entry_and_the_changes(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with log.open("ab") as file:
        file.write(b'{"crc":12,"entry":{"ti')
    code, out, _ = run(capsys, log, "--json")
    found = json.loads(out)
    assert (code, found["verdict"], found["entries"]) == (0, "ok", 24)
    assert [(e["subject"], e["verdict"]) for e in found["changes"]] == [
        ("first", "ok"),
        ("first", "drifted"),
        ("second", "ok"),
    ]
    drifted = found["changes"][1]
    assert drifted["samples"] == 450
    assert "evidence reached 100 at sample 4" in drifted["reason"]
    assert found["last"]["estimate"] == pytest.approx(0.001, rel=0.2)
    assert found["damaged"] == [f"{log}:25"]


def test_steps_of_a_policy_are_told(log: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, log, "--json")
    assert (code, json.loads(out)["steps"]) == (0, [])
    assert "policy" not in run(capsys, log)[1]
    writer = DriftLog(log)
    report = DriftMonitor((0.002,), ("a", "b")).report()
    for step, after, note in (("engine", None, "none passes"), ("float", "float model in litert 2.3", "")):
        taken = StepTaken.now(step, "it drifted", "litert 2.3", after, note)  # type: ignore[arg-type]
        writer.append(LogEntry.of(report, subject="second", engine="litert 2.3", frames=60_000, step=taken))
    writer.close()
    code, out, _ = run(capsys, log, "--json")
    found = json.loads(out)["steps"]
    assert [(s["step"], s["before"], s["after"], s["note"]) for s in found] == [
        ("engine", "litert 2.3", None, "none passes"),
        ("float", "litert 2.3", "float model in litert 2.3", ""),
    ]
    out = " ".join(run(capsys, log, "-o", tmp_path / "drift.png")[1].split())
    assert "2 steps of the policy on drift" in out
    assert "skipped" in out
    assert (tmp_path / "drift.png").stat().st_size > 1000


def test_damaged_lines_are_told(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log.write_bytes(log.read_bytes().replace(b'"samples":100,', b'"samples":101,', 1))
    assert f"skipped: {log}:2 is torn" in run(capsys, log)[2]


def test_the_plot_is_a_picture(log: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "drift.png"
    assert run(capsys, log, "-o", path)[0] == 0
    with Image.open(BytesIO(path.read_bytes())) as picture:
        assert picture.format == "PNG"
        assert len(picture.convert("RGB").getcolors(10**6) or []) > 20


def test_without_matplotlib_the_table_is_there_and_the_plot_says_what_to_install(
    log: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delitem(sys.modules, "fpm_edge.report.drift_plot", raising=False)
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    assert run(capsys, log)[0] == 0
    code, _, err = run(capsys, log, "-o", tmp_path / "drift.png")
    assert code == 5
    assert "pip install 'fpm-edge[toolkit]'" in err


@pytest.mark.parametrize(("content", "says"), [(None, "cannot be read as a drift log"), (b"nonsense\n", "no entry")])
def test_what_is_no_log_is_one_line(
    content: bytes | None, says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "drift.jsonl"
    if content is not None:
        path.write_bytes(content)
    code, out, err = run(capsys, path, "-o", tmp_path / "drift.png")
    assert (code, out) == (1, "")
    assert says in err
    assert len(err.strip().splitlines()) == 1
    assert not (tmp_path / "drift.png").exists()
