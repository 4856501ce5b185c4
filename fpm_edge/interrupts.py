"""Ctrl-C where Python would show tracebacks: at imports, at the exit, and in processes that share a job."""

import _thread
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import NoReturn

__all__ = [
    "INTERRUPTED",
    "ending_at_interrupt",
    "interrupts_kept_from_children",
    "interrupts_never_lost",
    "interrupts_told_on",
    "leave_interrupts_to_the_system",
]

INTERRUPTED = 130
"""Exit code: 128 + SIGINT, as shells report it."""

_SOON = 0.02  # seconds; nobody sees it, and callbacks are over by then

# The descriptor on which `_end` says so.
_told_on = 2


@contextmanager
def ending_at_interrupt() -> Iterator[None]:
    """Let Ctrl-C end the process at once while modules are imported.

    Packages in the midst of their import take an exception for their own failure, or pass over it; and there is nothing
    yet to be finished or put away. Nothing changes off the main thread, or where Ctrl-C is ignored or handled already.
    """
    if not _ours():
        yield
        return
    signal.signal(signal.SIGINT, _end)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@contextmanager
def interrupts_told_on(descriptor: int) -> Iterator[None]:
    """Say on another descriptor that the process ends, as 2 leads nowhere for a while."""
    global _told_on
    before, _told_on = _told_on, descriptor
    try:
        yield
    finally:
        _told_on = before


@contextmanager
def interrupts_kept_from_children() -> Iterator[None]:
    """Processes that are started meanwhile never hear of Ctrl-C, which terminals send to all; they end when told to.

    One that comes meanwhile is this process's afterwards. Windows has no such thing, and nothing changes there.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def interrupts_never_lost() -> Iterator[None]:
    """Where Python must drop a Ctrl-C, it comes again a moment later, and nothing is printed.

    It may come while a destructor or the callback of a weak reference runs, the lock of an import for one: what these
    raise is shown as a traceback ("Exception ignored in"), and the program goes on as if nobody had pressed anything.
    """
    before = sys.unraisablehook

    def again(unraisable: "sys.UnraisableHookArgs") -> None:
        if not issubclass(unraisable.exc_type, KeyboardInterrupt):
            before(unraisable)
            return
        # Not from here, where it would be dropped as well.
        later = threading.Timer(_SOON, _press)
        later.daemon = True
        later.start()

    sys.unraisablehook = again
    try:
        yield
    finally:
        sys.unraisablehook = before


def leave_interrupts_to_the_system() -> None:
    """Let Ctrl-C kill the process from now on: all is done, and what Python does at its exit would show tracebacks.

    Nothing changes off the main thread, or where Ctrl-C is ignored or handled already.
    """
    if _ours():
        signal.signal(signal.SIGINT, signal.SIG_DFL)


def _ours() -> bool:
    """Whether this is the main thread, and Ctrl-C raises KeyboardInterrupt there as it does without us."""
    mine = threading.current_thread() is threading.main_thread()
    return mine and signal.getsignal(signal.SIGINT) is signal.default_int_handler


def _press() -> None:
    """Ctrl-C for the main thread, where the system can also in the midst of a wait."""
    if hasattr(signal, "pthread_kill"):
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
    else:
        _thread.interrupt_main()


def _end(*_: object) -> NoReturn:
    with suppress(OSError):
        os.write(_told_on, b"fpm-edge: interrupted\n")
    os._exit(INTERRUPTED)
