"""Live cameras: hand frames over as they come; the newest is detected next, and older ones that wait are dropped."""

import os
import threading
from concurrent.futures import Future
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fpm_edge_runtime.cameras.waiting import Waited
from fpm_edge_runtime.errors import UsageError
from fpm_edge_runtime.stages.forks import watch_forks
from fpm_edge_runtime.stages.results import Detection, Detector

__all__ = ["Live", "LiveCounts"]

Frame = str | Path | NDArray[np.uint8]


@dataclass(frozen=True)
class LiveCounts:
    """What became of the frames; those that are in none of the last three wait or are in work.

    Attributes:
        submitted: all of them.
        done: that were answered.
        failed: whose `detect` raised an error.
        dropped: that a newer one or `close` took the place of, or that the caller cancelled.
    """

    submitted: int = 0
    done: int = 0
    failed: int = 0
    dropped: int = 0


class Live:
    """Detects frames on a thread of its own, one at a time; of those that come meanwhile only the newest waits.

    So the answer is never about an old frame, however slow the device, and answers come in the order of `submit`.
    Several threads may call it. In a forked process it begins anew: what was submitted before is answered in the
    process that did.
    """

    def __init__(self, detector: Detector) -> None:
        """The detector stays the caller's: `close` does not close it."""
        self._detector = detector
        self._changed = threading.Condition()
        self._waiting: _Job | None = None
        self._closed = False
        self._counts = LiveCounts()
        self._latest: Detection | None = None
        self._worker = self._started()
        watch_forks(self)

    def __enter__(self) -> "Live":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def submit(self, frame: Frame, **arguments: Any) -> "Future[Detection]":
        """Detect this frame next; never waits.

        Args:
            frame: as for `Session.detect`. It is not copied: do not write into it before its future is done.
            arguments: of `Session.detect`. `deadline_ms` counts from this call, so what a frame waited is taken off;
                stage 1 runs all the same.

        Returns:
            A future. Its result is the answer, or raises what `detect` raised. A frame that was dropped is
            ``cancelled()``, and its result raises ``concurrent.futures.CancelledError``. Callbacks run on the thread
            that finished it: keep them short. In a process that was forked since, its result raises UsageError.

        Raises:
            UsageError: it is closed.
        """
        job = _Job(frame, arguments, _Answer(), Waited())
        with self._changed:
            if self._closed:
                raise UsageError("a frame was submitted to a Live that is closed; make a new one")
            before, self._waiting = self._waiting, job
            self._count(submitted=1, dropped=before is not None)
            if not self._worker.is_alive():  # in a forked process there is none yet
                self._worker = self._started()
            self._changed.notify()
        _drop(before)
        return job.future

    def latest(self) -> Detection | None:
        """The newest answer; None before the first."""
        with self._changed:
            return self._latest

    @property
    def counts(self) -> LiveCounts:
        """What became of the frames so far."""
        with self._changed:
            return self._counts

    def close(self) -> None:
        """Finish the frame that is in work, and drop the one that waits. From a callback: without waiting."""
        with self._changed:
            before, self._waiting, self._closed = self._waiting, None, True
            self._count(dropped=before is not None)
            self._changed.notify()
        _drop(before)
        if threading.current_thread() is not self._worker:
            self._worker.join()

    def _locks(self) -> tuple[threading.Condition, ...]:
        """See `stages.forks`."""
        return (self._changed,)

    def _begin_anew(self) -> None:
        """See `stages.forks`. The parent's futures stay: their callbacks would be called in both processes."""
        self._changed = threading.Condition()
        self._waiting = self._latest = None
        self._counts = LiveCounts()

    def _started(self) -> threading.Thread:
        worker = threading.Thread(target=self._work, name="fpm-edge-live", daemon=True)
        worker.start()
        return worker

    def _work(self) -> None:
        while (job := self._next()) is not None:
            self._do(job)
            # Or this thread holds the last frame until there is another.
            del job

    def _do(self, job: "_Job") -> None:
        if not job.future.set_running_or_notify_cancel():
            with self._changed:
                self._count(dropped=1)
            return
        try:
            found = self._detector.detect(job.frame, **job.waited.taken_off(job.arguments))
        except BaseException as error:
            # Whatever it is, it is the caller's, and the next frame may be better.
            with self._changed:
                self._count(failed=1)
            job.future.set_exception(error)
        else:
            with self._changed:
                self._count(done=1)
                self._latest = found
            job.future.set_result(found)

    def _next(self) -> "_Job | None":
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._waiting is not None)
            job, self._waiting = self._waiting, None
            return job

    def _count(self, **more: int) -> None:
        counts = self._counts
        self._counts = replace(counts, **{name: getattr(counts, name) + number for name, number in more.items()})


class _Answer(Future[Detection]):
    """Raises where it would wait for a thread of another process."""

    def __init__(self) -> None:
        super().__init__()
        self._process = os.getpid()

    def result(self, timeout: float | None = None) -> Detection:
        self._check()
        return super().result(timeout)

    def exception(self, timeout: float | None = None) -> BaseException | None:
        self._check()
        return super().exception(timeout)

    def _check(self) -> None:
        if self._process != os.getpid() and not self.done():
            raise UsageError(
                "the frame was submitted before this process was forked, and the process that did has the answer; "
                "submit it again"
            )


@dataclass(frozen=True, eq=False)
class _Job:
    frame: Frame
    arguments: dict[str, Any]
    future: "Future[Detection]"
    waited: Waited


def _drop(job: _Job | None) -> None:
    if job is not None:
        job.future.cancel()
        # Else those who wait for several futures at once would never hear of it.
        job.future.set_running_or_notify_cancel()
