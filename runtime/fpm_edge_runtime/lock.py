"""One process at a time: a lock on a file, which the system takes back when its holder dies."""

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep

from fpm_edge_runtime.errors import FpmEdgeError

__all__ = ["locked"]

_PAUSE = 0.02  # seconds between two attempts
_MAY_NOT_WRITE = {errno.EACCES, errno.EPERM, errno.EROFS}

if sys.platform == "win32":
    import msvcrt

    def _take(handle: int) -> None:
        os.lseek(handle, 0, os.SEEK_SET)
        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)

    def _give_back(handle: int) -> None:
        """Closing does."""

else:
    import fcntl

    def _take(handle: int) -> None:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def _give_back(handle: int) -> None:
        fcntl.flock(handle, fcntl.LOCK_UN)


@contextmanager
def locked(path: Path, seconds: float) -> Iterator[None]:
    """Hold the lock on a file, which is made if need be and stays.

    Where the file neither is there nor can be made, because its folder is read-only, nobody can change anything in the
    folder, and there is no lock.

    Args:
        path: the file. It is held by nothing but this: its content does not matter.
        seconds: how long to wait for another holder, in this process or in another.

    Raises:
        FpmEdgeError: another holder did not let go in time.
        OSError: its folder does not exist.
    """
    handle = _open(path)
    if handle is None:
        yield
        return
    process = os.getpid()
    try:
        deadline = monotonic() + seconds
        while True:
            try:
                _take(handle)
                break
            except (BlockingIOError, PermissionError):
                if monotonic() >= deadline:
                    raise FpmEdgeError(
                        f"{path} is locked by another process, for more than {seconds:g} s; wait for it, or end it"
                    ) from None
                sleep(_PAUSE)
        yield
    finally:
        # Closing would leave it with a process that was forked meanwhile, whose end of the lock is still open.
        if process == os.getpid():
            _give_back(handle)
        os.close(handle)


def _open(path: Path) -> int | None:
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        if error.errno not in _MAY_NOT_WRITE:
            raise
    try:
        return os.open(path, os.O_RDONLY)
    except OSError:
        return None
