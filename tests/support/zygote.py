"""Processes that have imported already what commands need: many for the price of one start.

One process imports, and forks at each. It has no thread of its own then, so that what a command starts (engines,
workers, watchers) starts in a process like any other. ONNX Runtime has a thread from its import on, so nothing that
loads it can be imported beforehand; TensorFlow itself has none before its first operation.
"""

import ctypes
import gc
import importlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NoReturn

__all__ = ["COMMANDS", "TRAINING", "Child", "Done", "Surroundings", "Zygote", "zygote"]

COMMANDS = (
    *("click", "rich.progress", "rich.table", "matplotlib.figure", "jinja2"),
    *(f"fpm_edge.cli.{name}" for name in ("data", "evaluate", "lint", "sign", "run", "drift", "bench", "report")),
)
"""What the commands import that need no TensorFlow."""

TRAINING = ("tensorflow", "tf_keras", "fpm_edge.train.loop", "fpm_edge.train.distribute", "fpm_edge.cli.train")
"""What a training imports."""

NOBODY = 54321
"""A user whom the system does not know."""

_SET_SECUREBITS, _NO_SETUID_FIXUP = 28, 4  # of prctl


@dataclass(frozen=True)
class Surroundings:
    """What a command finds.

    Attributes:
        folder: where it is called.
        encoding: of stdout; None for UTF-8.
        closed: stdout is.
        homeless: there is no HOME, and the user is nobody that the system knows.
        interrupted: seconds after which Ctrl-C is pressed.
    """

    folder: Path
    encoding: str | None = None
    closed: bool = False
    homeless: bool = False
    interrupted: float | None = None


@dataclass(frozen=True)
class Done:
    """How it ended: its exit code (negative: killed by that signal), and what it said, as bytes shown with escapes."""

    code: int
    out: str
    err: str


class Child:
    """A process that a `Zygote` started, used as one of `subprocess.Popen`; signals go to all that it started too."""

    def __init__(self, zygote: "Zygote", pid: int, spoken: Path) -> None:
        self._zygote, self._spoken = zygote, spoken
        self.pid = pid
        self.returncode: int | None = None

    def poll(self) -> int | None:
        if self.returncode is None:
            self.returncode = self._zygote.ask({"ended": self.pid})
        return self.returncode

    def wait(self, timeout: float = 300) -> int:
        ends = time.monotonic() + timeout
        while (code := self.poll()) is None:
            if time.monotonic() >= ends:
                raise subprocess.TimeoutExpired(str(self.pid), timeout)
            time.sleep(0.005)
        return code

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.killpg(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def communicate(self, timeout: float = 300) -> tuple[str, str]:
        """What it said until it ended, on stdout and stderr, with escapes for what is no UTF-8."""
        self.wait(timeout)
        out, err = ((self._spoken / name).read_bytes().decode("utf-8", "backslashreplace") for name in ("out", "err"))
        return out, err


class Zygote:
    """The process that forks."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def ask(self, request: Mapping[str, Any]) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def start(
        self,
        arguments: Sequence[str],
        surroundings: Surroundings,
        spoken: Path,
        *,
        program: str | None = None,
        environment: Mapping[str, str] = {},  # only read
        anew: bool = False,
    ) -> Child:
        """Start ``fpm-edge ARGUMENTS``; what it says goes to two files in the folder `spoken`.

        Args:
            program: the text of one to run instead, as ``python -c PROGRAM ARGUMENTS``.
            environment: variables beside those that the zygote has.
            anew: start from nothing, as what imports ONNX Runtime wants it.
        """
        asked = {**asdict(surroundings), "folder": str(surroundings.folder), "arguments": list(arguments)}
        asked |= {"program": program, "environment": dict(environment), "anew": anew}
        asked |= {"out": str(spoken / "out"), "err": str(spoken / "err")}
        return Child(self, self.ask({"start": asked}), spoken)

    def run(self, arguments: Sequence[str], surroundings: Surroundings, spoken: Path, *, anew: bool = False) -> Done:
        """`start` one and see how it ends. Ctrl-C waits for its first file: before, it is Python's."""
        begun = spoken / "err"
        begun.unlink(missing_ok=True)
        child = self.start(arguments, surroundings, spoken, anew=anew)
        if surroundings.interrupted is not None:
            while not begun.exists() and child.poll() is None:
                time.sleep(0.005)
            try:
                child.wait(surroundings.interrupted)
            except subprocess.TimeoutExpired:
                child.send_signal(signal.SIGINT)
        try:
            return Done(child.wait(), *child.communicate())
        finally:
            child.kill()


@contextmanager
def zygote(imports: Sequence[str] = COMMANDS) -> Iterator[Zygote]:
    """One that has imported these modules, until the end of the block."""
    with subprocess.Popen(
        [sys.executable, "-W", "ignore", __file__, *imports],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
    ) as process:
        try:
            yield Zygote(process)
        finally:
            assert process.stdin is not None
            # It may have died, which whoever asked it has heard.
            with suppress(BrokenPipeError):
                process.stdin.close()


def _surrounded(asked: dict[str, Any]) -> None:
    """Make this process one that finds what was asked for."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.chdir(asked["folder"])
    for number, name in ((1, "out"), (2, "err")):
        handle = os.open(asked[name], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(handle, number)
        os.close(handle)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    if asked["homeless"]:
        for name in ("HOME", "XDG_CACHE_HOME"):
            os.environ.pop(name, None)
        # Still allowed to read and write everything, also where a library asks whether the real user may.
        if ctypes.CDLL(None).prctl(_SET_SECUREBITS, _NO_SETUID_FIXUP):
            raise OSError("prctl: the rights of root cannot be kept")
        os.setreuid(NOBODY, 0)
    sys.stdout = open(1, "w", encoding=asked["encoding"] or "utf-8", closefd=False)  # noqa: SIM115
    if asked["closed"]:
        os.close(1)
        sys.stdout = None  # type: ignore[assignment]  # as Python does at its start


def _serve(imports: Sequence[str]) -> None:
    # Ctrl-C on the suite is pytest's to hear, which then closes stdin: what still runs is killed at the end.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for name in imports:
        importlib.import_module(name)
    # What is there stays there; a collection in a child would copy every page of it.
    gc.collect()
    gc.freeze()
    assert len(os.listdir("/proc/self/task")) == 1  # noqa: PTH208
    answers = os.fdopen(os.dup(1), "w")
    running = set()
    for line in sys.stdin:
        request = json.loads(line)
        if "start" in request:
            answer: int | None = os.fork()
            if answer == 0:
                _child(request["start"])
            running.add(answer)
        else:
            found, status = os.waitpid(request["ended"], os.WNOHANG)
            answer = os.waitstatus_to_exitcode(status) if found else None
            running.discard(found)
        answers.write(f"{json.dumps(answer)}\n")
        answers.flush()
    for left in running:
        with suppress(ProcessLookupError):
            os.killpg(left, signal.SIGKILL)


def _child(asked: dict[str, Any]) -> NoReturn:
    os.setsid()  # signals go to all that it starts
    os.environ.update(asked["environment"])
    if asked["anew"]:
        os.execv(sys.executable, [sys.executable, __file__, "--once", json.dumps(asked)])
    _once(asked)


def _once(asked: dict[str, Any]) -> NoReturn:
    _surrounded(asked)
    if asked["program"] is not None:
        sys.argv = ["-c", *asked["arguments"]]
        exec(compile(asked["program"], "<program>", "exec"), {"__name__": "__main__"})
        sys.exit(0)
    from fpm_edge.__main__ import main

    sys.argv = ["fpm-edge", *asked["arguments"]]
    main()


if __name__ == "__main__":
    if sys.argv[1] == "--once":
        _once(json.loads(sys.argv[2]))
    _serve(sys.argv[1:])
