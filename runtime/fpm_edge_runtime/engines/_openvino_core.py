"""OpenVINO's core, once in a process, and never destroyed.

Each core gives the thread that makes it another stack for handlers of signals, and puts back the one before when it
goes. Of two that go in the order in which they came, the second puts back one that is no more: the next Ctrl-C is then
a segmentation fault (OpenVINO 2026.4, on processors whose registers need a larger stack, those with AVX-512).
"""

import ctypes
import os
from functools import cache

import openvino

from fpm_edge_runtime.errors import UsageError

__all__ = ["core"]


def core() -> openvino.Core:
    """The core.

    Raises:
        UsageError: the process that this one was forked from has one, whose threads are not here: it would wait for
            them.
    """
    made, process = _core()
    if process != os.getpid():
        raise UsageError(
            "OpenVINO ran in the process that this one was forked from, and would hang here; load it after the fork "
            "only, start processes without a fork, or take another engine"
        )
    return made


@cache
def _core() -> tuple[openvino.Core, int]:
    made = openvino.Core()
    # Also at the exit, and of two that two threads make at once: none goes.
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(made))
    return made, os.getpid()
