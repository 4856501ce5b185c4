"""Standard output and standard error, such as they are: in any encoding, closed, full, or with nobody reading.

Everything for people goes through a `console`. There, text is text: what users name (landmarks, files, data sets) is
never markup, and characters that would steer a terminal are shown, not obeyed. Machines get ASCII; see `plain_json`.
"""

import io
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

__all__ = ["console", "mend_streams", "shown", "writing"]

_STREAMS = ("stdin", "stdout", "stderr")
_NAMES = {1: "standard output", 2: "standard error"}
# Control characters but the line feed, those that turn the direction of writing, and bytes of names that are no text.
_UNSEEN = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def shown(text: str) -> str:
    """`text` with what cannot be seen escaped as in Python, such as ``caf\\udce9.png`` for a name that is not UTF-8."""
    return _UNSEEN.sub(lambda found: ascii(found[0])[1:-1], text)


def mend_streams() -> None:
    """Open what is closed onto nothing, and have stdout replace characters that its encoding lacks.

    A descriptor that stays closed would be given to the next file that is opened, and what a native library prints
    would be written into it.
    """
    for number, name in enumerate(_STREAMS):
        try:
            os.fstat(number)
        except OSError:
            # The lowest free number, which is this one.
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open("r" if number == 0 else "w", encoding="utf-8"))  # noqa: SIM115
    # Standard error escapes them already.
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")


@contextmanager
def writing(number: int = 1, *, stop: bool = False) -> Iterator[None]:
    """Write on stdout (1) or stderr (2) so that its state costs no verdict.

    Where the reader has gone (`| head`), what follows goes nowhere and the work goes on. Standard error that cannot be
    written loses its lines for people only.

    Args:
        number: of the descriptor.
        stop: raise BrokenPipeError all the same, as there is nothing more to do; what follows still goes nowhere.

    Raises:
        OSError: stdout cannot be written, such as on a full disk; named so.
    """
    try:
        yield
    except OSError as error:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, number)
        os.close(nowhere)
        gone = isinstance(error, BrokenPipeError)
        if gone and stop:
            raise
        if not gone and number == 1:
            raise OSError(error.errno, error.strerror or str(error), _NAMES[number]) from error


class _PlainConsole(Console):
    """Takes text as it is: in cells, headings, titles and lines."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(markup=False, emoji=False, highlight=False, **settings)

    def render_str(self, text: str, **settings: Any) -> Text:
        return super().render_str(shown(text), **settings)

    def on_broken_pipe(self) -> None:
        raise  # `writing` knows what to do; rich would exit


def console(*, stderr: bool = False, width: int | None = None) -> Console:
    """Where people read.

    Args:
        stderr: messages and progress; otherwise results.
        width: columns; None for those of the terminal.
    """
    return _PlainConsole(stderr=stderr, width=width)
