"""How fast engines are here, each measured in a process of its own, in turns."""

import os
import queue
import subprocess
import tempfile
import threading
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import IO, TypeVar

import msgspec
import numpy as np

from fpm_edge_runtime.check.child_process import child_program, how_it_died, kill_child, last_words, start_child
from fpm_edge_runtime.check.device import thread_words
from fpm_edge_runtime.check.isolated import Outcome
from fpm_edge_runtime.check.speed_child import Loaded, Took, Turn
from fpm_edge_runtime.stages.bundle import open_bundle

__all__ = ["Measured", "measure_in_children"]

_ROUNDS = 7
_PATIENCE = 5.0  # seconds for a child that has closed its stdout to end

_T = TypeVar("_T")


@dataclass(frozen=True)
class Measured:
    """One engine with one number of threads.

    Attributes:
        engine: its name.
        threads: number of them.
        outcome: as of `isolated.EngineCheck`; ``ok`` if it was measured.
        reason: in words, empty for ``ok``.
        rounds: the median time of each round, milliseconds; all that are ``ok`` have equally many, of the same rounds.
    """

    engine: str
    threads: int
    outcome: Outcome
    reason: str
    rounds: tuple[float, ...]


def measure_in_children(
    source: str | Path | bytes,
    candidates: Mapping[str, Sequence[int]],
    *,
    budget_ms: float,
    timeout: float = 60.0,
    rounds: int = _ROUNDS,
    program: Sequence[str] | None = None,
) -> tuple[Measured, ...]:
    """Time a bundle in several engines, with several numbers of threads.

    Each engine has a child process, and loads the bundle once for each number of threads. Each must first pass the
    self-check with it. Then all children are there at once, and in each round every candidate runs for a moment, in a
    new order each round, while the others sleep: so what else the machine does hurts all alike, and no engine's threads
    run beside another's. A run is the bundle's golden pictures in turn, all stages and the decoding of the last one; no
    pre-processing, as the pictures have the input's size. The first run of each turn does not count.

    An engine that dies is out with all its numbers of threads.

    Args:
        source: path of a ``.fpm`` file, or its content.
        candidates: engine → numbers of threads.
        budget_ms: for all runs together. A network that is slow takes longer: each candidate has two runs in the first
            round, and further rounds begin only within the budget.
        timeout: seconds for a child to import, load and check, for each number of threads; and for each turn, beyond
            its share of the budget.
        rounds: at most so many.
        program: the child's program, as of `check_in_child`; here its arguments are ``--speed``, bundle, engine, and
            numbers of threads with commas between them.

    Raises:
        BundleError: the bundle is damaged.
        UsageError: there is no Python to run children in.
    """
    command = child_program(program)
    digest = open_bundle(source).digest
    with ExitStack() as stack:
        path = _file_of(source, stack)
        race = _Race()
        for engine, threads in candidates.items():
            child = stack.enter_context(_Child([*command, "--speed", path, engine, ",".join(map(str, threads))]))
            race.load(engine, threads, child, digest, timeout)
        race.run(budget_ms / 1e3, timeout, rounds)
    return tuple(
        race.failed.get((engine, count)) or Measured(engine, count, "ok", "", tuple(race.times[engine, count]))
        for engine, threads in candidates.items()
        for count in threads
    )


class _Race:
    """Candidates that are in it with their times, and those that are out."""

    def __init__(self) -> None:
        self.children: dict[str, _Child] = {}
        self.times: dict[tuple[str, int], list[float]] = {}
        self.failed: dict[tuple[str, int], Measured] = {}

    def load(self, engine: str, threads: Sequence[int], child: "_Child", digest: str, timeout: float) -> None:
        self.children[engine] = child
        self.times.update({(engine, count): [] for count in threads})
        try:
            loaded = _decoded(child.line(timeout * len(threads)), Loaded)
            if loaded.digest != digest:
                reason = f"it loaded bundle {loaded.digest}, not {digest}; was the file replaced?"
                raise _DiedError("garbage", reason)
            if [entry.threads for entry in loaded.ready] != list(threads):
                raise _DiedError("garbage", "its answer is about other numbers of threads")
        except _DiedError as died:
            self._out_with_all(engine, died)
            return
        for entry in loaded.ready:
            if entry.outcome != "ok":
                self._out(engine, entry.threads, entry.outcome, entry.reason)

    def run(self, budget: float, timeout: float, rounds: int) -> None:
        order = np.random.default_rng(0)
        spent = 0.0
        for number in range(rounds):
            if number and spent >= budget:
                return
            racing = list(self.times)
            for index in order.permutation(len(racing)):
                key = racing[index]
                if key in self.times:  # not if its engine has died in this round
                    spent += self._turn(key, budget / rounds / len(racing), timeout)

    def _turn(self, key: tuple[str, int], seconds: float, timeout: float) -> float:
        """One candidate runs for so long; what that took in all."""
        engine, threads = key
        start = perf_counter()
        child = self.children[engine]
        try:
            took = _decoded(child.ask(msgspec.json.encode(Turn(threads, seconds)), timeout + seconds), Took)
        except _DiedError as died:
            self._out_with_all(engine, _DiedError(died.outcome, f"with {thread_words(threads)}: {died.reason}"))
        else:
            if took.ms is None:
                self._out(engine, threads, "refused", took.reason)
            else:
                self.times[engine, threads].append(took.ms)
        return perf_counter() - start

    def _out(self, engine: str, threads: int, outcome: Outcome, reason: str) -> None:
        del self.times[engine, threads]
        self.failed[engine, threads] = Measured(engine, threads, outcome, reason, ())

    def _out_with_all(self, engine: str, died: "_DiedError") -> None:
        for name, threads in list(self.times):
            if name == engine:
                self._out(engine, threads, died.outcome, died.reason)
        self.children[engine].end()  # or it goes on with what it does, beside those that are timed


class _DiedError(Exception):
    """A child that will not answer any more, or not what it was asked."""

    def __init__(self, outcome: Outcome, reason: str) -> None:
        super().__init__(reason)
        self.outcome = outcome
        self.reason = reason


class _Child:
    """A child that answers a line with a line."""

    def __init__(self, command: Sequence[str]) -> None:
        # Open as long as the child: a pipe would fill up while nobody reads what it says.
        self._words: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115
        self._child = start_child(command, self._words)
        self._lines: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> "_Child":
        return self

    def __exit__(self, *_: object) -> None:
        self.end()
        self._reader.join()
        with self._words:
            self._child.__exit__(None, None, None)

    def end(self) -> None:
        """Kill it, unless it is known to have ended: its number may be another's by then."""
        if self._child.returncode is None:
            kill_child(self._child)

    def ask(self, line: bytes, timeout: float) -> bytes:
        """Its answer.

        Raises:
            _DiedError: there is none.
        """
        assert self._child.stdin is not None
        with suppress(OSError):  # it is dead, and `line` says how it died
            os.write(self._child.stdin.fileno(), line + b"\n")
        return self.line(timeout)

    def line(self, timeout: float) -> bytes:
        """The next line that it says.

        Raises:
            _DiedError: it says none.
        """
        try:
            said = self._lines.get(timeout=timeout)
            code = 0 if said else self._child.wait(_PATIENCE)
        except (queue.Empty, subprocess.TimeoutExpired):
            self.end()
            raise _DiedError("hung", f"no answer within {timeout:g} s{self._last_words()}") from None
        if said:
            return said
        died = how_it_died(code)
        if died is None:
            raise _DiedError("no answer", f"it ended with exit code 0 and said nothing{self._last_words()}")
        raise _DiedError("crashed", f"{died}{self._last_words()}")

    def _read(self) -> None:
        assert self._child.stdout is not None
        for line in self._child.stdout:
            self._lines.put(line)
        self._lines.put(b"")

    def _last_words(self) -> str:
        self._words.seek(0)
        return last_words(self._words.read())


def _decoded(line: bytes, form: type[_T]) -> _T:
    try:
        return msgspec.json.decode(line, type=form)
    except ValueError as error:
        raise _DiedError("garbage", f"its answer cannot be read: {error}") from error


def _file_of(source: str | Path | bytes, stack: ExitStack) -> str:
    """Children find the bundle in a file. Nobody else can write into the folder that is made for one in memory."""
    if not isinstance(source, bytes):
        return str(Path(source).absolute())
    folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="fpm-edge-"))
    path = Path(folder, "bundle.fpm")
    path.write_bytes(source)
    return str(path)
