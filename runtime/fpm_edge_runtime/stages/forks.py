"""What begins anew in a forked process: it has none of the other threads, and their locks as they held them."""

import os
import sys
from threading import Condition, Lock
from typing import Protocol
from weakref import WeakSet

from fpm_edge_runtime.engines import Engine
from fpm_edge_runtime.errors import UsageError

__all__ = ["check_engine", "forking", "survives_fork", "watch_forks"]

_PATIENCE_S = 5.0  # for each lock: as long as a piece of the network may run


class _Forked(Protocol):
    """Its locks are taken before a fork, so that the child has nothing that is half done."""

    def _locks(self) -> "tuple[Lock | Condition, ...]":
        """In the order in which it takes them."""
        ...

    def _begin_anew(self) -> None:
        """In the child: replace the locks, and what other threads were to do. Other owners are not ready yet."""
        ...


# Those that take locks of others while they hold their own, and the others.
_owners: tuple[WeakSet[_Forked], WeakSet[_Forked]] = WeakSet(), WeakSet()

forking = Lock()
"""Held while the process forks."""

_held: "list[Lock | Condition]" = []
_watching = False


def watch_forks(owner: _Forked, *, outer: bool = False) -> None:
    """Let the owner begin anew wherever the process forks."""
    global _watching
    with forking:
        if not _watching and sys.platform != "win32":
            os.register_at_fork(before=_take, after_in_parent=_give_back, after_in_child=_begin)
        _watching = True
        _owners[not outer].add(owner)


def _take() -> None:
    forking.acquire()
    for lock in (lock for owner in _all() for lock in owner._locks()):
        # Two shadows may have one float model.
        if lock not in _held and lock.acquire(timeout=_PATIENCE_S):
            _held.append(lock)


def _give_back() -> None:
    while _held:
        _held.pop().release()
    forking.release()


def _begin() -> None:
    _held.clear()
    forking.release()
    for owner in _all():
        owner._begin_anew()


def _all() -> list[_Forked]:
    return [*_owners[0], *_owners[1]]


def survives_fork(engine: Engine) -> tuple[int | None, ...]:
    """With which `threads` what an engine has loaded runs on in a forked process."""
    survives: tuple[int | None, ...] = getattr(engine, "survives_fork", (1,))
    return survives


def check_engine(engine: Engine, threads: int | None) -> None:
    """Whether what an engine loaded before the fork may run after it.

    Raises:
        UsageError: it has threads, which are not in this process: engines then hang or crash, if only at their end.
    """
    if threads not in survives_fork(engine):
        raise UsageError(
            f"the session was loaded before this process was forked, and the threads of engine {engine.name} are not "
            "in it; load it after the fork, or in litert or onnxruntime with threads=1"
        )
