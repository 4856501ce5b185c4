"""Do something in a forked process, as a server with several workers does, and hear what came of it."""

import os
import pickle
import signal
import traceback
import warnings
from collections.abc import Callable
from typing import TypeVar

__all__ = ["in_a_fork"]

T = TypeVar("T")


def in_a_fork(work: Callable[[], T], seconds: int = 240) -> T:
    """What `work` returned there, which is pickled. One that takes longer is killed.

    Raises:
        AssertionError: it was killed, or raised an error, which the message holds.
    """
    end, mine = os.pipe()
    with warnings.catch_warnings():
        # Python 3.12 and later warn of what is tested here: a fork in a process that has threads.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(seconds)
        try:
            said = pickle.dumps((True, work()))
        except BaseException:
            said = pickle.dumps((False, traceback.format_exc()))
        os.write(mine, said)  # a few bytes: less than a pipe holds
        os._exit(0)
    os.close(mine)
    with os.fdopen(end, "rb") as pipe:
        said = pipe.read()
    _, status = os.waitpid(child, 0)
    assert said, f"the forked process said nothing; status {status} (14: it took more than {seconds} s)"
    well, value = pickle.loads(said)
    assert well, value
    return value
