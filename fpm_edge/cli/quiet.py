"""Keep native libraries from writing on the user's terminal."""

import importlib
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from fpm_edge.interrupts import interrupts_told_on

__all__ = ["import_quietly", "native_stderr_silenced"]


def import_quietly(module: str) -> None:
    """Import a module whose native part logs to stderr before it can be told not to; errors are raised as usual."""
    if module not in sys.modules:
        with native_stderr_silenced():
            importlib.import_module(module)


@contextmanager
def native_stderr_silenced() -> Iterator[None]:
    """Send file descriptor 2 to nowhere for a while. Python's own `sys.stderr` is not replaced."""
    sys.stderr.flush()
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        with interrupts_told_on(kept):
            yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)
