"""The drift log: what power loss, a full disk and time do to it."""

import errno
import os
from pathlib import Path

import msgspec
import pytest

from fpm_edge_runtime.drift.log import DriftLog, LogEntry, read_drift_log
from fpm_edge_runtime.drift.monitor import DriftMonitor
from fpm_edge_runtime.drift.steps import StepTaken
from fpm_edge_runtime.errors import DataError, UsageError


def entry(frames: int, **changes: object) -> LogEntry:
    report = DriftMonitor((0.002,), ("a",)).report()
    made = LogEntry.of(report, subject="digest", engine="litert 2.3", frames=frames)
    return msgspec.structs.replace(made, **changes)


def frames_of(path: Path) -> list[int]:
    return [e.frames for e in read_drift_log(path).entries]


def test_what_was_written_is_read(tmp_path: Path) -> None:
    path = tmp_path / "drift.jsonl"
    log = DriftLog(path)
    written = [entry(i) for i in range(5)]
    for one in written:
        log.append(one)
    log.close()
    log.close()
    content = read_drift_log(path)
    assert content.entries == tuple(written)
    assert content.damaged == ()
    assert written[0].time.endswith("+00:00")


def test_a_second_process_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "drift.jsonl"
    for i in range(3):
        log = DriftLog(path)
        log.append(entry(i))
        log.close()
    assert frames_of(path) == [0, 1, 2]


def test_power_loss_at_every_byte_of_a_line(tmp_path: Path) -> None:
    """Whatever part of the last line reached the disk: the others are read, it is reported, and the next is whole."""
    path = tmp_path / "drift.jsonl"
    log = DriftLog(path)
    log.append(entry(0))
    whole = path.read_bytes()
    log.append(entry(1))
    log.close()
    line = path.read_bytes()[len(whole) :]
    for length in range(len(line)):
        path.write_bytes(whole + line[:length])
        if length < len(line) - 1:  # all but its end: it is whole
            assert frames_of(path) == [0]
            assert read_drift_log(path).damaged == ((f"{path}:2",) if length else ())
        after = DriftLog(path)
        after.append(entry(2))
        after.close()
        assert [f for f in frames_of(path) if f != 1] == [0, 2]


def test_a_byte_that_changed_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "drift.jsonl"
    log = DriftLog(path)
    for i in (100, 200, 300):
        log.append(entry(i))
    log.close()
    path.write_bytes(path.read_bytes().replace(b'"frames":200', b'"frames":201'))
    content = read_drift_log(path)
    assert [e.frames for e in content.entries] == [100, 300]
    assert content.damaged == (f"{path}:2",)
    path.write_bytes(b"\0" * 512)
    assert read_drift_log(path).damaged == (f"{path}:1",)


def test_it_never_grows_beyond_two_files(tmp_path: Path) -> None:
    path = tmp_path / "drift.jsonl"
    log = DriftLog(path, max_bytes=4096, sync="never")
    for i in range(100):
        log.append(entry(i))
    log.close()
    assert sorted(file.name for file in tmp_path.iterdir()) == ["drift.jsonl", "drift.jsonl.1"]
    assert all(file.stat().st_size <= 4096 for file in tmp_path.iterdir())
    kept = frames_of(path)
    assert kept == list(range(kept[0], 100))
    assert len(kept) > 8


def test_a_full_disk_leaves_no_half_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk takes 20 bytes and refuses the rest."""
    path = tmp_path / "drift.jsonl"
    log = DriftLog(path)
    log.append(entry(0))
    before, write = path.read_bytes(), os.write

    def full(file: int, data: bytes) -> int:
        if len(data) < len(before):
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(file, data[:20])

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", full)
        with pytest.raises(OSError, match="No space left"):
            log.append(entry(1))
    assert path.read_bytes() == before
    log.append(entry(2))
    log.close()
    assert frames_of(path) == [0, 2]


@pytest.mark.parametrize(("sync", "times"), [("always", 4), ("changes", 2), ("never", 0)])
def test_sync_says_when_an_entry_must_be_on_the_disk(
    sync: str, times: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = DriftLog(tmp_path / "drift.jsonl", sync=sync)  # type: ignore[arg-type]
    synced, fsync = [], os.fsync

    def counted(file: int) -> None:
        synced.append(file)
        fsync(file)

    monkeypatch.setattr(os, "fsync", counted)
    for verdict in ("ok", "ok", "drifted", "drifted"):
        log.append(entry(0, verdict=verdict))
    assert len(synced) == times
    log.append(entry(0, verdict="drifted", step=StepTaken.now("float", "it drifted", "litert 2.3", "float model")))
    assert len(synced) == times + (sync != "never")


def test_what_cannot_be_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="at least 4096"):
        DriftLog(tmp_path / "drift.jsonl", max_bytes=100)
    with pytest.raises(UsageError, match="always, changes or never"):
        DriftLog(tmp_path / "drift.jsonl", sync="sometimes")  # type: ignore[arg-type]
    with pytest.raises(DataError, match="cannot be read as a drift log"):
        read_drift_log(tmp_path / "absent.jsonl")
    log = DriftLog(tmp_path / "drift.jsonl", max_bytes=4096)
    with pytest.raises(UsageError, match="does not fit"):
        log.append(entry(0, reason="x" * 5000))
    log.append(entry(1))
    assert frames_of(tmp_path / "drift.jsonl") == [1]
