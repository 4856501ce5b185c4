"""Start this package's child program, end it, and say how it ended."""

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from fpm_edge_runtime.errors import UsageError

__all__ = ["child_program", "how_it_died", "kill_child", "last_words", "start_child"]

# As `-P -m`, which Python 3.10 lacks: nothing is imported before the working folder is off the path.
_CHILD = (
    "import sys; sys.path = [entry for entry in sys.path if entry]; import runpy; "
    "runpy.run_module('fpm_edge_runtime.check.child', run_name='__main__', alter_sys=True)"
)
_LAST_WORDS = 300  # characters of what a dead child wrote to stderr


def child_program(program: Sequence[str] | None) -> tuple[str, ...]:
    """The program to run: the one given, or `check.child` in the running Python.

    Raises:
        UsageError: there is no Python to run it in.
    """
    if program is not None:
        return tuple(program)
    if not sys.executable or getattr(sys, "frozen", False):
        raise UsageError("this Python has no interpreter to run a child in; say what to run by `program`")
    return (sys.executable, "-c", _CHILD)


def start_child(command: Sequence[str], stderr: int | IO[bytes] = subprocess.PIPE) -> "subprocess.Popen[bytes]":
    """A child with pipes to its stdin and from its stdout."""
    return subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=stderr,
        env={**os.environ, "PYTHONPATH": _search_path()},
        start_new_session=True,  # so that it can be killed with all that it started
    )


def kill_child(child: "subprocess.Popen[bytes]") -> None:
    """Kill it with all that it started."""
    if os.name == "nt":
        child.kill()
        return
    try:
        os.killpg(child.pid, signal.SIGKILL)
    except ProcessLookupError:
        child.kill()


def how_it_died(code: int) -> str | None:
    """In words, from its exit code; None where it ended as if all were well."""
    if code < 0:
        try:
            return f"killed by {signal.Signals(-code).name}"
        except ValueError:
            return f"killed by signal {-code}"
    if code > 0:
        return f"exit code {code:#x}" if code > 255 else f"exit code {code}"
    return None


def last_words(words: bytes) -> str:
    """The end of what it wrote to stderr, to be added to a reason; empty if it wrote nothing."""
    said = words.decode("utf-8", "replace").strip()
    return f"; its last words: {said[-_LAST_WORDS:]}" if said else ""


def _search_path() -> str:
    """The child finds the modules that this process finds; but not in the working folder, where anything may be."""
    found = [entry for entry in sys.path if entry]
    here = str(Path(__file__).parents[1])
    return os.pathsep.join(found if here in found else [*found, here])
