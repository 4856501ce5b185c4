"""What a drift monitor said over time, in a file that survives power loss and never grows without bound.

One line an entry: ``{"crc": CRC-32 of the entry's bytes, "entry": {...}}``. A line that
power loss tore is known by its missing end or its wrong CRC. Readers skip it; the next entry gets a line of its own.
A full file becomes ``NAME.1``, replacing the one before, so that there are at most two.
"""

import os
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Literal

import msgspec

from fpm_edge_runtime.check.self_check import Verdict
from fpm_edge_runtime.drift.report import MonitorReport
from fpm_edge_runtime.drift.steps import StepTaken
from fpm_edge_runtime.errors import DataError, UsageError
from fpm_edge_runtime.files import sync_folder

__all__ = ["DriftLog", "LogContent", "LogEntry", "Sync", "read_drift_log"]

Sync = Literal["always", "changes", "never"]

_SMALLEST = 4096


class LogEntry(msgspec.Struct, frozen=True, omit_defaults=True):
    """What was known at a time. Fields as in `MonitorReport`; readers skip fields that they do not know.

    `time` is ISO 8601, UTC. `frames` were detected since the shadow was made. `limit` is that of the last stage,
    `stages` are mean disagreements, `peak_height` is the recent mean. `step`: what a drift policy did about it; entries
    without one have the form that they had before there were policies.
    """

    time: str
    subject: str
    engine: str
    verdict: Verdict
    reason: str
    frames: int
    samples: int
    alpha: float
    evidence: float
    estimate: float | None
    lower: float
    upper: float
    limit: float
    fast_alarms: tuple[str, ...]
    failures: int
    stages: tuple[float | None, ...]
    peak_height: float | None
    step: StepTaken | None = None

    @classmethod
    def of(
        cls, report: MonitorReport, *, subject: str, engine: str, frames: int, step: StepTaken | None = None
    ) -> "LogEntry":
        """An entry of now."""
        return cls(
            time=datetime.now(timezone.utc).isoformat(timespec="seconds"),
            subject=subject,
            engine=engine,
            verdict=report.verdict,
            reason=report.reason,
            frames=frames,
            samples=report.samples,
            alpha=report.alpha,
            evidence=report.evidence,
            estimate=report.estimate,
            lower=report.lower,
            upper=report.upper,
            limit=report.limits[-1].value,
            fast_alarms=report.fast_alarms,
            failures=report.failures,
            stages=tuple(stage.mean for stage in report.stages),
            peak_height=report.proxies[0].recent,
            step=step,
        )


class DriftLog:
    """Appends entries to a file. One process writes a log, the one that made this; one thread at a time."""

    def __init__(self, path: Path, *, max_bytes: int = 1_000_000, sync: Sync = "changes") -> None:
        """
        Args:
            path: of the file; its folder must exist.
            max_bytes: of each of the two files.
            sync: when an entry must be on the disk before `append` returns: always, when its verdict is another than
                that of the entry before or it has a step, or never (when the system gets to it).

        Raises:
            UsageError: max_bytes is below 4096, or sync is unknown.
            OSError: the file cannot be opened.
        """
        if max_bytes < _SMALLEST:
            raise UsageError(f"max_bytes is {max_bytes}; a drift log needs at least {_SMALLEST}")
        if sync not in ("always", "changes", "never"):
            raise UsageError(f"sync is {sync!r}; expected always, changes or never")
        self._path, self._max, self._sync = path, max_bytes, sync
        self._verdict: Verdict | None = None
        self._process = os.getpid()
        self._file = self._open()

    def append(self, entry: LogEntry) -> None:
        """Write an entry.

        Raises:
            UsageError: it is longer than a whole file may be, or this process was forked from the log's.
            OSError: the disk refused; what was written of it is taken back.
        """
        if self._process != os.getpid():
            raise UsageError(
                f"{self._path} is the log of process {self._process}, from which this one was forked; give each "
                "process a log of its own, made after the fork"
            )
        raw = msgspec.json.encode(entry)
        line = msgspec.json.encode(_Line(zlib.crc32(raw), msgspec.Raw(raw))) + b"\n"
        if len(line) > self._max:
            raise UsageError(f"an entry of {len(line)} bytes does not fit a drift log of {self._max}")
        if self._file < 0:
            self._file = self._open()
        size = os.fstat(self._file).st_size
        if size + len(line) > self._max:
            self._rotate()
            size = 0
        try:
            _write(self._file, line)
            changed = entry.verdict != self._verdict or entry.step is not None
            if self._sync == "always" or (self._sync == "changes" and changed):
                os.fsync(self._file)
        except OSError:
            os.ftruncate(self._file, size)
            raise
        self._verdict = entry.verdict

    def close(self) -> None:
        """Flush to disk (unless sync is "never") and close. An `append` would open it again."""
        if self._file >= 0:
            if self._sync != "never":
                os.fsync(self._file)
            os.close(self._file)
            self._file = -1

    def _open(self) -> int:
        file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
        size = os.fstat(file).st_size
        if size:
            # A torn last line stays what it is, but the next entry must not continue it.
            os.lseek(file, size - 1, os.SEEK_SET)
            if os.read(file, 1) != b"\n":
                _write(file, b"\n")
        elif self._sync != "never":
            sync_folder(self._path.parent)
        return file

    def _rotate(self) -> None:
        if self._sync != "never":
            os.fsync(self._file)
        os.close(self._file)
        self._file = -1
        self._path.replace(_older(self._path))
        self._file = self._open()


@dataclass(frozen=True)
class LogContent:
    """What `read_drift_log` found.

    Attributes:
        entries: oldest first, of both files.
        damaged: ``file:line`` of lines that are torn or altered, and were skipped.
    """

    entries: tuple[LogEntry, ...]
    damaged: tuple[str, ...]


def read_drift_log(path: Path) -> LogContent:
    """Everything in a log and the older file beside it.

    Raises:
        DataError: there is no such file, or it cannot be read.
    """
    entries: list[LogEntry] = []
    damaged: list[str] = []
    try:
        older = _older(path)
        for file in (older, path) if older.exists() else (path,):
            for number, line in enumerate(_lines(file.read_bytes()), 1):
                entry = _entry(line)
                if entry is None:
                    damaged.append(f"{file}:{number}")
                else:
                    entries.append(entry)
    except OSError as error:
        raise DataError(f"{path} cannot be read as a drift log: {error.strerror}; check the path") from error
    return LogContent(tuple(entries), tuple(damaged))


class _Line(msgspec.Struct, frozen=True):
    crc: int
    entry: msgspec.Raw


def _entry(line: bytes) -> LogEntry | None:
    """None where the line is damaged."""
    try:
        parts = msgspec.json.decode(line, type=_Line)
        if zlib.crc32(parts.entry) != parts.crc:
            return None
        return msgspec.json.decode(parts.entry, type=LogEntry)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def _lines(data: bytes) -> Iterator[bytes]:
    """Lines with their ends; what follows the last end counts as one, since its CRC decides."""
    return (line for line in data.split(b"\n") if line)


def _older(path: Path) -> Path:
    return path.with_name(path.name + ".1")


def _write(file: int, data: bytes) -> None:
    while data:
        data = data[os.write(file, data) :]
