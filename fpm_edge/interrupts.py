"""Ctrl-C while modules are imported: the end of the process, with one line and no traceback."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import NoReturn

__all__ = ["INTERRUPTED", "ending_at_interrupt"]

INTERRUPTED = 130
"""Exit code: 128 + SIGINT, as shells report it."""


@contextmanager
def ending_at_interrupt() -> Iterator[None]:
    """Let Ctrl-C end the process at once while modules are imported.

    Packages in the midst of their import take an exception for their own failure, or pass over it; and there is nothing
    yet to be finished or put away. Nothing changes off the main thread, or where Ctrl-C is ignored or handled already.
    """
    mine = threading.current_thread() is threading.main_thread()
    if not mine or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield
        return
    signal.signal(signal.SIGINT, _end)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _end(*_: object) -> NoReturn:
    with suppress(OSError):
        os.write(2, b"fpm-edge: interrupted\n")
    os._exit(INTERRUPTED)
