"""OpenVINO's core, once in a process and to its end.

Each core gives the thread that makes it another stack for handlers of signals, and puts back the one before when it
goes. Of two that go in the order in which they came, the second puts back one that is no more: the next Ctrl-C is then
a segmentation fault (OpenVINO 2026.4, on processors whose registers need a larger stack, those with AVX-512).
"""

import os
from functools import cache

import openvino

__all__ = ["core"]


def core() -> openvino.Core:
    """This process's; in one that was forked another, as threads of the first one's are not there."""
    return _core(os.getpid())


@cache
def _core(process: int) -> openvino.Core:
    return openvino.Core()
