"""Several sessions of one bundle behind one `detect`: for several cameras, or for many pictures."""

import os
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from queue import LifoQueue
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fpm_edge_runtime.bundle.manifest import Format, Piece
from fpm_edge_runtime.cameras.waiting import Waited
from fpm_edge_runtime.check.device import usable_processors
from fpm_edge_runtime.engines import Engine, PieceRunner, default_engine, load_engine
from fpm_edge_runtime.errors import UsageError
from fpm_edge_runtime.stages.forks import survives_fork, watch_forks
from fpm_edge_runtime.stages.results import Detection
from fpm_edge_runtime.stages.session import Session

if TYPE_CHECKING:
    from fpm_edge_runtime.stages.bundle import Bundle

__all__ = ["Pool"]

# More would only take memory: none of the devices that this is for has as many processors.
_MOST_SESSIONS = 64

Image = str | Path | NDArray[np.uint8]


class Pool:
    """Sessions of one bundle that share its models' bytes; each call takes one that is free, or waits for it.

    Any number of threads may call it. It is a detector for `Live`: a few sessions serve many cameras.
    """

    def __init__(
        self,
        bundle: "Bundle",
        sessions: int | None = None,
        engine: str | Engine | None = None,
        *,
        stages: int | None = None,
    ) -> None:
        """Load the sessions, each for one thread of the engine.

        Args:
            bundle: from `open_bundle`.
            sessions: how many, at most 64; None for one a processor that this process may use, as far as that goes.
            engine, stages: as for `Bundle.session`, with its errors.

        Raises:
            UsageError: sessions is out of range.
        """
        count = min(usable_processors(), _MOST_SESSIONS) if sessions is None else sessions
        if not 1 <= count <= _MOST_SESSIONS:
            raise UsageError(f"sessions is {sessions}; expected 1 to {_MOST_SESSIONS}, or None for one a processor")
        if engine is None:
            engine = default_engine(bundle.formats)
        shared = _SharedBytes(load_engine(engine) if isinstance(engine, str) else engine)
        self._sessions = tuple(bundle.session(shared, threads=1, stages=stages) for _ in range(count))
        self._begin_anew()
        watch_forks(self)

    @property
    def sessions(self) -> tuple[Session, ...]:
        """All of them. Using one directly is allowed: its pieces then run for one caller at a time."""
        return self._sessions

    def _locks(self) -> tuple[()]:
        """See `stages.forks`."""
        return ()

    def _begin_anew(self) -> None:
        """See `stages.forks`: in a forked process, no thread has a session."""
        # The one used last has its tensors in the caches.
        self._free: LifoQueue[Session] = LifoQueue()
        for session in self._sessions:
            self._free.put(session)

    def detect(self, image: Image, **arguments: Any) -> Detection:
        """`Session.detect` of a session that is free, with its arguments, results and errors.

        `deadline_ms` counts from this call: what it waited for a session is taken off. Stage 1 runs all the same.
        """
        waited = Waited()
        session = self._free.get()
        try:
            return session.detect(image, **waited.taken_off(arguments))
        finally:
            self._free.put(session)

    def map(self, images: Iterable[Image], **arguments: Any) -> Iterator[Detection]:
        """Detect many pictures, as many at a time as there are sessions, and give the answers in their order.

        Pictures are taken from the iterable as they are needed: at most one more than there are sessions are in work or
        wait for their answer to be taken. Of a picture that cannot be detected the error is raised in its turn, and
        nothing more is started; what is in work is finished.

        Args:
            arguments: of `Session.detect`. `deadline_ms` counts from when a picture's turn comes.

        Raises:
            UsageError: the process was forked since the first answer was asked for.
            As `Session.detect`.
        """
        process = os.getpid()
        working: deque[Future[Detection]] = deque()

        def answer(future: Future[Detection]) -> Detection:
            if process != os.getpid():
                raise UsageError("a map was begun before this process was forked; begin one here")
            return future.result()

        with ThreadPoolExecutor(len(self._sessions), "fpm-edge-pool") as threads:
            try:
                for image in images:
                    if len(working) > len(self._sessions):
                        yield answer(working.popleft())
                    working.append(threads.submit(self.detect, image, **arguments))
                while working:
                    yield answer(working.popleft())
            finally:
                for future in working:
                    future.cancel()


class _SharedBytes:
    """An engine whose sessions hold the same bytes of a model, not a copy each."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.name = engine.name
        self.version = engine.version
        self.formats: tuple[Format, ...] = engine.formats
        self.survives_fork = survives_fork(engine)
        self._models: dict[str, bytes] = {}

    def load(self, piece: Piece, model: bytes, threads: int | None) -> PieceRunner:
        return self._engine.load(piece, self._models.setdefault(piece.member, model), threads)
