"""The command line in hostile surroundings, many runs for the price of one start.

A process imports what commands need, and forks at each. It has no thread of its own then, so that what a command
starts (engines, workers, watchers) starts in a process like any other. TensorFlow has threads from its import on: its
commands start from nothing.
"""

import ctypes
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

__all__ = ["Done", "Surroundings", "Zygote", "zygote"]

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


class Zygote:
    """The process that forks."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def run(self, arguments: list[str], surroundings: Surroundings, spoken: Path, *, anew: bool = False) -> Done:
        """``fpm-edge ARGUMENTS``; what it says goes to two files in the folder `spoken`.

        Args:
            anew: start it from nothing, as TensorFlow wants it.
        """
        asked = {**asdict(surroundings), "folder": str(surroundings.folder), "arguments": arguments}
        asked |= {"out": str(spoken / "out"), "err": str(spoken / "err"), "anew": anew}
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()
        code = int(self._process.stdout.readline())
        said = ((spoken / name).read_bytes().decode("utf-8", "backslashreplace") for name in ("out", "err"))
        return Done(code, *said)


@contextmanager
def zygote() -> Iterator[Zygote]:
    """One, until the end of the block."""
    with subprocess.Popen(
        [sys.executable, "-W", "ignore", __file__],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
    ) as process:
        yield Zygote(process)
        assert process.stdin is not None
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


def _serve() -> None:
    import importlib

    from fpm_edge.__main__ import main

    for name in (
        *("click", "rich.progress", "rich.table", "matplotlib.figure", "jinja2"),
        *(f"fpm_edge.cli.{name}" for name in ("data", "evaluate", "lint", "sign", "run", "drift", "bench", "report")),
    ):
        importlib.import_module(name)
    assert len(os.listdir("/proc/self/task")) == 1  # noqa: PTH208
    answers = os.fdopen(os.dup(1), "w")
    for line in sys.stdin:
        asked = json.loads(line)
        child = os.fork()
        if child == 0:
            os.setsid()  # Ctrl-C goes to all that it starts
            if asked["anew"]:
                os.execv(sys.executable, [sys.executable, __file__, line])
            _surrounded(asked)
            main(asked["arguments"])
        answers.write(f"{_ended(child, asked['interrupted'], Path(asked['err']))}\n")
        answers.flush()


def _ended(child: int, interrupted: float | None, begun: Path) -> int:
    """Its exit code, or the signal that ended it, negative. Ctrl-C waits for `begun`: before, it is Python's."""
    ends = time.monotonic() + 300
    press = None
    while time.monotonic() < ends:
        found, status = os.waitpid(child, os.WNOHANG)
        if found:
            return os.waitstatus_to_exitcode(status)
        if interrupted is not None and press is None and begun.exists():
            press = time.monotonic() + interrupted
        if press is not None and time.monotonic() >= press:
            os.killpg(child, signal.SIGINT)
            press = interrupted = None
        time.sleep(0.005)
    os.killpg(child, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def _once(asked: dict[str, Any]) -> None:
    _surrounded(asked)
    from fpm_edge.__main__ import main

    main(asked["arguments"])


if __name__ == "__main__":
    _once(json.loads(sys.argv[1])) if sys.argv[1:] else _serve()
