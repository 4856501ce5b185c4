"""What a search has found so far: one JSON line for each fact, appended and flushed to the disk before it goes on.

The kinds of line, by ``kind``:

- ``settings`` (the first line): everything that decides what is measured. A search goes on only with the same.
- ``left out``: a ``file`` (in an ``engine``, or in all if null) that cannot be had, and the ``reason``.
- ``score``: accuracy of a ``file`` in an ``engine`` on a ``rung``: ``stages``, one `Score` for each that was asked for.
- ``trial``: a `Trial`: a candidate on a rung with its accuracy, time and size.
- ``dropped``: a ``candidate`` that does not go on after a ``rung``, the ``reason``, and whether it is ``certain``.
- ``refused``: a ``candidate`` that kept all budgets, and whose bundle `convert` refused to write, and the ``reason``.
"""

import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from fpm_edge.search.halving import Drop
from fpm_edge.search.space import Candidate, File
from fpm_edge.search.trial import Score, Trial
from fpm_edge_runtime.errors import DataError, UsageError
from fpm_edge_runtime.files import naming, write_atomically

__all__ = ["TRIALS", "Store", "check_begun"]

TRIALS = "trials.jsonl"


class Store:
    """The lines of one search, read once and appended to.

    Attributes:
        scores: (rung, file, engine) → by number of stages.
        trials: (rung, candidate) → trial.
        dropped: candidate → why.
        left_out: (file, engine or None) → reason.
        refused: candidate → reason.
    """

    def __init__(self, path: Path, settings: Mapping[str, Any], *, resume: bool) -> None:
        """Begin a file, or go on with one.

        Raises:
            UsageError: there is a search already, and `resume` is not given; or there is none, or it was made with
                other settings, and it is.
            DataError: a line before the last is damaged.
        """
        self.scores: dict[tuple[int, File, str], dict[int, Score]] = {}
        self.trials: dict[tuple[int, Candidate], Trial] = {}
        self.dropped: dict[Candidate, Drop] = {}
        self.left_out: dict[tuple[File, str | None], str] = {}
        self.refused: dict[Candidate, str] = {}
        self._path = path
        plain = json.loads(msgspec.json.encode(settings))
        check_begun(path, resume=resume)
        lines = self._read() if resume else []
        if not lines:
            # Whole or not at all: a file without settings would be a search that was begun.
            write_atomically(path, _encoded([{"kind": "settings", **plain}]))
            return
        _check_same(lines[0], plain, path)
        for number, line in enumerate(lines[1:], start=2):
            try:
                self._take(line)
            except (KeyError, msgspec.ValidationError) as error:
                raise DataError(f"{path}, line {number}: not a line of a search ({error}); remove it") from error

    def left(self, file: File, engine: str | None, reason: str) -> None:
        """Note that a file, or a file in an engine, cannot be had."""
        self._add([{"kind": "left out", "file": file, "engine": engine, "reason": reason}])

    def scored(self, rung: int, file: File, engine: str, scores: Iterable[Score]) -> None:
        """Note the accuracy of a file in an engine."""
        self._add([{"kind": "score", "rung": rung, "file": file, "engine": engine, "stages": list(scores)}])

    def tried(self, trials: Iterable[Trial]) -> None:
        """Note trials."""
        self._add([{"kind": "trial", **msgspec.to_builtins(trial)} for trial in trials])

    def drop(self, rung: int, dropped: Mapping[Candidate, Drop]) -> None:
        """Note candidates that do not go on; those that are noted already stay as they are."""
        self._add(
            [
                {"kind": "dropped", "rung": rung, "candidate": candidate, **msgspec.to_builtins(drop)}
                for candidate, drop in dropped.items()
                if candidate not in self.dropped
            ]
        )

    def refuse(self, candidate: Candidate, reason: str) -> None:
        """Note that the bundle of a candidate was not written."""
        self._add([{"kind": "refused", "candidate": candidate, "reason": reason}])

    def last_trials(self) -> list[Trial]:
        """The last trial of every candidate that was measured."""
        return list({trial.candidate: trial for trial in sorted(self.trials.values(), key=lambda t: t.rung)}.values())

    def _add(self, lines: list[dict[str, Any]]) -> None:
        if lines:
            plain = [json.loads(msgspec.json.encode(line)) for line in lines]
            self._append(plain)
            for line in plain:
                self._take(line)

    def _append(self, lines: list[dict[str, Any]]) -> None:
        with naming(self._path), self._path.open("ab") as file:
            file.write(_encoded(lines))
            file.flush()
            os.fsync(file.fileno())

    def _take(self, line: dict[str, Any]) -> None:
        match line["kind"]:
            case "left out":
                self.left_out[msgspec.convert(line["file"], File), line["engine"]] = line["reason"]
            case "score":
                found = [msgspec.convert(score, Score) for score in line["stages"]]
                key = line["rung"], msgspec.convert(line["file"], File), line["engine"]
                self.scores[key] = {score.stages: score for score in found}
            case "trial":
                trial = msgspec.convert({key: value for key, value in line.items() if key != "kind"}, Trial)
                self.trials[trial.rung, trial.candidate] = trial
            case "dropped":
                drop = Drop(line["reason"], line["certain"])
                self.dropped[msgspec.convert(line["candidate"], Candidate)] = drop
            case "refused":
                self.refused[msgspec.convert(line["candidate"], Candidate)] = line["reason"]
            case kind:
                raise KeyError(f"kind {kind!r}")

    def _read(self) -> list[dict[str, Any]]:
        """All whole lines; what a killed search left half-written is cut off."""
        data = self._path.read_bytes()
        whole = data[: data.rfind(b"\n") + 1]
        if len(whole) < len(data):
            os.truncate(self._path, len(whole))
        lines = []
        for number, line in enumerate(whole.splitlines(), start=1):
            try:
                lines.append(msgspec.json.decode(line, type=dict[str, Any]))
            except msgspec.DecodeError as error:
                raise DataError(f"{self._path}, line {number}: not JSON ({error}); remove it") from error
        return lines


def check_begun(path: Path, *, resume: bool) -> None:
    """Raise UsageError where there is a search and `resume` is not given, or there is none and it is."""
    if path.exists() and not resume:
        raise UsageError(f"{path} holds a search; go on with it with --resume, or name another folder")
    if resume and not path.is_file():
        raise UsageError(f"{path}: there is no search to go on with; leave --resume out")


def _encoded(lines: list[dict[str, Any]]) -> bytes:
    return b"".join(msgspec.json.encode(line) + b"\n" for line in lines)


def _check_same(found: dict[str, Any], wanted: dict[str, Any], path: Path) -> None:
    if found.get("kind") != "settings":
        raise DataError(f"{path}, line 1: not the settings of a search; start it anew in another folder")
    for name, value in wanted.items():
        if found.get(name) != value:
            raise UsageError(
                f"{path} was made with another {name.replace('_', ' ')}: {_short(found.get(name))}, and not "
                f"{_short(value)}; give the same, or another folder"
            )


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:57]}…"
