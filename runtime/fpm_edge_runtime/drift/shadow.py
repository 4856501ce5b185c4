"""The shadow comparison: some frames are also run through the float model, beside the device's work."""

import os
import sys
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from time import perf_counter
from types import TracebackType
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from fpm_edge_runtime.check.self_check import Verdict
from fpm_edge_runtime.drift.disagreement import disagreement_of
from fpm_edge_runtime.drift.log import DriftLog, LogEntry
from fpm_edge_runtime.drift.monitor import DriftMonitor
from fpm_edge_runtime.drift.proxies import stage_movement
from fpm_edge_runtime.drift.report import MonitorReport
from fpm_edge_runtime.drift.sampler import Sampler
from fpm_edge_runtime.drift.steps import StepTaken, answerer
from fpm_edge_runtime.errors import UsageError
from fpm_edge_runtime.stages.forks import watch_forks
from fpm_edge_runtime.stages.results import Detection, Fallback, Trace
from fpm_edge_runtime.stages.session import Box, Session

__all__ = ["SPACING_S", "Shadow", "ShadowCounts"]

SPACING_S = 120.0
"""Seconds between compared frames: twice as long as one person stands before a camera, say (docs/drift.md)."""

# Samples between two entries of the log, where the verdict stays.
_LOG_EVERY = 50
_LOWEST_PRIORITY = 19


@dataclass(frozen=True)
class ShadowCounts:
    """What became of the frames.

    Attributes:
        frames: that were detected.
        sampled: that were to be compared.
        compared: that were, those among them in which there was no garment.
        replaced: that a newer one replaced while the float model was busy.
        failed: whose comparison raised an error.
        low_priority: whether the system took the worker's low priority; None until it has started.
    """

    frames: int = 0
    sampled: int = 0
    compared: int = 0
    replaced: int = 0
    failed: int = 0
    low_priority: bool | None = None


class Shadow:
    """`detect` as the session does, and a monitor that learns from a sample of the frames.

    A sampled frame costs the caller a copy of the network's input and decoding the earlier stages; everything else is
    done by a worker thread of the lowest priority, for one frame at a time, and a newer frame takes the place of one
    that waits. What goes wrong there is in the monitor's report, and never raised by `detect`. Several threads may
    call it. In a forked process it begins anew, with a worker and counts of its own; what waited stays its parent's.
    """

    def __init__(
        self,
        session: Session,
        reference: Session,
        monitor: DriftMonitor,
        *,
        rate: float | None = None,
        budget_ms_per_minute: float | None = None,
        spacing_s: float = SPACING_S,
        movement_rate: float = 0.02,
        seed: int | None = None,
        log: DriftLog | None = None,
    ) -> None:
        """
        Args:
            session: of the device.
            reference: of the float model, such as ``bundle.reference().session(threads=1)``. With one thread it runs in
                the worker, at its priority; threads of its own would have the normal one.
            monitor: to feed.
            rate: share of the frames to compare; 0.01 if neither is given.
            budget_ms_per_minute: time to spend on comparing, instead of a rate.
            spacing_s: no two compared frames are nearer than this, whatever rate or budget would allow: frames of one
                scene are not new evidence, and the alarm's promise does not hold for them. 0 for pictures that have
                nothing to do with each other.
            movement_rate: share of the frames whose earlier stages are decoded, for the proxy "stage movement".
            seed: of the drawing; None for a new one.
            log: where the verdict goes, every 50 samples and when it changes; closed by `close`.

        Raises:
            UsageError: the two models do not fit, or a number is out of range.
        """
        mine, its = session.bundle.manifest, reference.bundle.manifest
        if (mine.landmarks, mine.geometry) != (its.landmarks, its.geometry):
            raise UsageError("the reference has other landmarks or geometry; give the float model of this bundle")
        if reference.stage_limit < session.stage_limit:
            raise UsageError(
                f"the reference has {reference.stage_limit} stages loaded, the session {session.stage_limit}; load all"
            )
        if not 0 <= movement_rate <= 1:
            raise UsageError(f"movement_rate is {movement_rate}; expected a share of the frames, 0 to 1")
        if rate is None and budget_ms_per_minute is None:
            rate = 0.01
        self._bundle, self._reference, self._log = session.bundle, reference, log
        self._watched = _Watched(session, monitor, None)
        self._verdict = monitor.verdict
        self._sampler = Sampler(rate, budget_ms_per_minute, spacing_s, seed)
        self._movement = Sampler(movement_rate, None, 0.0, None if seed is None else seed + 1)
        self._changed = threading.Condition()
        self._waiting: tuple[_Watched, Trace] | None = None
        # Entries that the log does not have yet, and whether there is one that was never tried.
        self._steps: deque[LogEntry] = deque()
        self._untried = False
        self._busy = self._closed = False
        self._counts = ShadowCounts()
        self._logged: MonitorReport | None = None
        if budget_ms_per_minute is not None:
            self._measure_cost()
        self._worker = self._started()
        watch_forks(self)

    def __enter__(self) -> "Shadow":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def detect(
        self,
        image: str | Path | NDArray[np.uint8],
        *,
        category: str | None = None,
        box: Box | None = None,
        stages: int | None = None,
        deadline_ms: float | None = None,
        converge_px: float | Literal["fitted"] | None = None,
        looks: int = 1,
    ) -> Detection:
        """`Session.detect`: its arguments, its answer, its errors."""
        with self._changed:
            watched = self._watched
            sampled = self._sampler.draw() and not self._closed and watched.fallback != "float"
            traced = self._movement.draw() or sampled
        if watched.fallback == "more stages":
            stages = deadline_ms = converge_px = None
        run = partial(watched.session.trace if traced else watched.session.detect, image)
        found = run(
            category=category, box=box, stages=stages, deadline_ms=deadline_ms, converge_px=converge_px, looks=looks
        )
        trace = found if isinstance(found, Trace) else None
        detection = found.detection if isinstance(found, Trace) else found
        self._take(watched, detection, trace, sampled)
        return detection if watched.fallback is None else replace(detection, fallback=watched.fallback)

    @property
    def session(self) -> Session:
        """What answers."""
        return self._watched.session

    @property
    def reference(self) -> Session:
        """The float model."""
        return self._reference

    @property
    def monitor(self) -> DriftMonitor:
        """What is fed."""
        return self._watched.monitor

    @property
    def fallback(self) -> Fallback | None:
        """What answers have in `Detection.fallback`."""
        return self._watched.fallback

    @property
    def verdict(self) -> Verdict:
        """Of the monitor after the last comparison. A caller of `detect` waits for nothing when it asks for this.

        A self-check that the monitor is told of later counts from the next comparison on.
        """
        return self._verdict

    def switch(self, session: Session, monitor: DriftMonitor, fallback: Fallback | None) -> None:
        """From the next call of `detect` on, let this session answer and feed this monitor.

        What the session before it answered goes to the monitor before.

        Args:
            session: of the same landmarks and geometry, with no more stages than the reference.
            monitor: that has seen nothing of another session.
            fallback: for `Detection.fallback`. With "more stages" all loaded stages run, and `stages`, `deadline_ms`
                and `converge_px` of a call are not heeded. With "float" nothing is compared.
        """
        verdict = monitor.verdict
        with self._changed:
            self._watched, self._verdict, self._logged = _Watched(session, monitor, fallback), verdict, None

    def record(self, step: StepTaken, report: MonitorReport) -> None:
        """Let the log have an entry of this step, and of what the monitor said before it."""
        if self._log is None:
            return
        entry = self._entry(report, step.before, step)
        with self._changed:
            if not self._closed:
                self._steps.append(entry)
                self._untried = True
                self._wake()

    @property
    def counts(self) -> ShadowCounts:
        """What became of the frames so far."""
        with self._changed:
            return self._counts

    def flush(self, timeout_s: float | None = None) -> bool:
        """Wait until nothing waits to be compared; False if that took longer."""
        with self._changed:
            return self._changed.wait_for(
                lambda: self._waiting is None and not self._untried and not self._busy, timeout_s
            )

    def close(self) -> None:
        """Finish the comparison that runs, drop what waits, and close the log. `detect` goes on without comparing."""
        with self._changed:
            self._closed, self._waiting = True, None
            self._changed.notify_all()
        self._worker.join()

    def _locks(self) -> "tuple[threading.Lock | threading.Condition, ...]":
        """See `stages.forks`. The float model is what runs while nobody waits for it."""
        return self._changed, self._reference._lock

    def _begin_anew(self) -> None:
        """See `stages.forks`."""
        self._changed = threading.Condition()
        self._waiting, self._untried, self._busy = None, False, False
        self._steps.clear()
        self._counts, self._logged = ShadowCounts(), None
        for sampler in (self._sampler, self._movement):
            sampler.begin_anew()

    def _take(self, watched: "_Watched", found: Detection, trace: Trace | None, sampled: bool) -> None:
        movement = None if trace is None else stage_movement(trace)
        if found.labelled.any():
            watched.monitor.add_frame(found.scores[found.labelled], movement)
        with self._changed:
            sampled = sampled and not self._closed
            self._count(frames=1, sampled=sampled, replaced=sampled and self._waiting is not None)
            if sampled and trace is not None:
                self._waiting = watched, trace
                self._wake()

    def _wake(self) -> None:
        """With the lock held: there is something to do. In a forked process there is no worker yet."""
        if not self._worker.is_alive():
            self._worker = self._started()
        self._changed.notify_all()

    def _started(self) -> threading.Thread:
        worker = threading.Thread(target=self._work, name="fpm-edge-shadow", daemon=True)
        worker.start()
        return worker

    def _work(self) -> None:
        low = _lower_priority()
        with self._changed:
            self._counts = replace(self._counts, low_priority=low)
        while self._next():
            with self._changed:
                untried, self._untried = self._untried, False
                job, self._waiting = self._waiting, None
            if untried:
                self._guarded(self.monitor, self._write_steps)
            if job is not None:
                self._do(*job)
            with self._changed:
                self._busy = False
                self._changed.notify_all()
        self._guarded(self.monitor, partial(self._write, last=True))

    def _do(self, watched: "_Watched", trace: Trace) -> None:
        start = perf_counter()
        failed = self._guarded(watched.monitor, partial(self._compare, watched, trace))
        self._guarded(watched.monitor, self._write)
        verdict = watched.monitor.verdict
        with self._changed:
            self._sampler.spent(perf_counter() - start)
            self._count(failed=failed, compared=not failed)
            if watched is self._watched:
                self._verdict = verdict

    def _compare(self, watched: "_Watched", trace: Trace) -> None:
        disagreement = disagreement_of(trace, self._reference)
        # A frame in which the float model sees no garment either shows nothing about where landmarks are.
        if np.isnan(disagreement).all():
            return
        watched.monitor.add_shadow(disagreement)

    def _count(self, **more: int) -> None:
        counts = self._counts
        self._counts = replace(counts, **{name: getattr(counts, name) + number for name, number in more.items()})

    def _next(self) -> bool:
        """Wait for something to do; False when it is closed and nothing is left."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._untried or self._waiting is not None)
            self._busy = self._untried or self._waiting is not None
            return self._busy

    def _guarded(self, monitor: DriftMonitor, work: Callable[[], None]) -> bool:
        """Do it; whether it failed, which the monitor then knows."""
        try:
            work()
        except BaseException as error:
            # Whatever it is: nobody waits for this thread, and detecting must go on.
            monitor.add_failure(f"{type(error).__name__}: {error}")
            return True
        return False

    def _write(self, last: bool = False) -> None:
        """The log's next entry, if it is time; one that could not be written is tried again with the next."""
        if self._log is None:
            return
        try:
            self._write_steps()
            with self._changed:
                watched, before = self._watched, self._logged
            report = watched.monitor.report()
            due = before is None or report.verdict != before.verdict or report.samples >= before.samples + _LOG_EVERY
            if due or last:
                self._log.append(self._entry(report, watched.answers))
                with self._changed:
                    if watched is self._watched:
                        self._logged = report
        finally:
            if last:
                self._log.close()

    def _write_steps(self) -> None:
        while self._log is not None and self._steps:
            self._log.append(self._steps[0])
            self._steps.popleft()

    def _entry(self, report: MonitorReport, answers: str, step: StepTaken | None = None) -> LogEntry:
        return LogEntry.of(report, subject=self._bundle.digest, engine=answers, frames=self.counts.frames, step=step)

    def _measure_cost(self) -> None:
        geometry = self._reference.geometry
        black = np.zeros((geometry.input_height, geometry.input_width, 3), np.uint8)
        start = perf_counter()
        self._reference.detect_input(black)
        self._sampler.spent(perf_counter() - start)


@dataclass(frozen=True, eq=False)
class _Watched:
    """What answers and what learns from it: what one session answered must not count for another."""

    session: Session
    monitor: DriftMonitor
    fallback: Fallback | None

    @property
    def answers(self) -> str:
        return answerer(f"{self.session.engine} {self.session.engine_version}", self.fallback)


def _lower_priority() -> bool:
    """Make the calling thread the last to get the processor. Only Linux gives threads priorities of their own."""
    if sys.platform != "linux":
        return False
    try:
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _LOWEST_PRIORITY)
    except OSError:
        return False
    return True
