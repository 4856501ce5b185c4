"""What to do when the device has drifted: an ordered list of steps, each taken when the one before did not help."""

import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from time import monotonic
from types import TracebackType
from typing import Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from fpm_edge_runtime.check.engine_choice import DEFAULT_ORDER, CheckCache, check_names, deny
from fpm_edge_runtime.check.isolated import EngineCheck, check_in_child
from fpm_edge_runtime.drift.fallbacks import Ready, float_model, no_more_stages, other_engine
from fpm_edge_runtime.drift.monitor import DriftMonitor
from fpm_edge_runtime.drift.report import MonitorReport
from fpm_edge_runtime.drift.shadow import Shadow
from fpm_edge_runtime.drift.steps import STEPS, Step, StepTaken, answerer
from fpm_edge_runtime.errors import DataError, FpmEdgeError, GateError, UsageError
from fpm_edge_runtime.files import write_atomically
from fpm_edge_runtime.stages.forks import watch_forks
from fpm_edge_runtime.stages.results import Detection, Fallback
from fpm_edge_runtime.stages.session import Box, Session

__all__ = ["Guard"]

_VERSION = 1


class Guard:
    """`detect` as a `Shadow` does, and a step of a policy each time that the monitor says "drifted".

    The steps, in the order given; each replaces the one before it:

    - "report": what answers stays. With a step after it, that one is taken if the next monitor says "drifted" too.
    - "more stages": every call runs all loaded stages: its `stages`, `deadline_ms` and `converge_px` are not heeded.
    - "engine": the first other engine in order that passes the self-check answers, with calls as they are.
    - "float": the reference session answers, with calls as they are, if it passes the self-check itself. Nothing is
      compared any more, so nothing follows.
    - "raise": `detect` raises GateError, at every call.

    What a step cannot do is skipped, and the next one taken. "engine" and "float" are prepared on a thread of their
    own, and until they are ready the session before goes on. With each step that changes what answers, and with a
    "report" that is not the last step, a new monitor begins, which sees only what was answered since. When no step is
    left the verdict stays "drifted". Several threads may call `detect`. A forked process goes on by itself, from the
    step that was in force; one that was being prepared is prepared again.
    """

    def __init__(
        self,
        shadow: Shadow,
        steps: Sequence[Step],
        *,
        engines: Sequence[str] = DEFAULT_ORDER,
        threads: int | None = None,
        timeout: float = 60.0,
        cache: CheckCache | None = None,
        check: Callable[..., EngineCheck] = check_in_child,
    ) -> None:
        """
        Args:
            shadow: what answers and compares; `close` closes it.
            steps: the policy, such as ``("report", "engine", "float")``. A step may occur several times.
            engines, threads, timeout, cache, check: for "engine", as of `choose_engine`. With a cache, the engine that
                drifted goes on its deny list when another one takes over.

        Raises:
            UsageError: there is no step, an unknown one or one after "raise", or an engine has an unknown name.
        """
        unknown = [step for step in steps if step not in STEPS]
        if unknown or not steps:
            raise UsageError(f"the policy's steps are {steps!r}; expected a list of some of: {', '.join(STEPS)}")
        if "raise" in steps[:-1]:
            raise UsageError(f"the policy's steps are {list(steps)}; nothing can come after raise")
        if "engine" in steps:
            check_names(engines)
        self._shadow, self._steps, self._engines = shadow, tuple(steps), tuple(engines)
        self._threads, self._timeout, self._cache, self._check = threads, timeout, cache, check
        self._lock = threading.Lock()
        self._position = 0
        self._taken: tuple[StepTaken, ...] = ()
        self._refusal: str | None = None
        self._device = _named(shadow.session)
        self._drifted: set[str] = set()
        self._preparing: threading.Thread | None = None
        self._closed = False
        self._armed = True
        watch_forks(self, outer=True)

    def __enter__(self) -> "Guard":
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
        """`Shadow.detect`; which step is in force is in `Detection.fallback`.

        Raises:
            GateError: the policy says "raise", and it has come to that.
            As `Session.detect`.
        """
        if self._armed and self._shadow.verdict == "drifted":
            self._act()
        if self._refusal is not None:
            raise GateError(self._refusal)
        return self._shadow.detect(
            image,
            category=category,
            box=box,
            stages=stages,
            deadline_ms=deadline_ms,
            converge_px=converge_px,
            looks=looks,
        )

    @property
    def monitor(self) -> DriftMonitor:
        """Of what answers now."""
        return self._shadow.monitor

    @property
    def taken(self) -> tuple[StepTaken, ...]:
        """The steps so far, also those that were skipped."""
        return self._taken

    @property
    def preparing(self) -> bool:
        """Whether another engine or the float model is being checked."""
        return self._preparing is not None

    def wait(self, timeout_s: float | None = None) -> bool:
        """Wait until no step is being prepared; False if that took longer."""
        end = None if timeout_s is None else monotonic() + timeout_s
        while (thread := self._in_work()) is not None:
            thread.join(None if end is None else max(0.0, end - monotonic()))
            if thread.is_alive():
                return False
        return True

    def close(self) -> None:
        """Wait for a step that is being prepared (`timeout` for each engine at most), then close the shadow."""
        with self._lock:
            self._closed, self._armed = True, False
        self.wait()
        self._shadow.close()

    def save(self, path: Path) -> None:
        """Write how far the policy has come and what the monitor knows, atomically, for `load`. Raises OSError."""
        with self._lock:
            saved = _Saved(
                version=_VERSION,
                steps=self._steps,
                position=self._position,
                device=self._device,
                drifted=tuple(sorted(self._drifted)),
                fallback=self._shadow.fallback,
                refusal=self._refusal,
                taken=self._taken,
                monitor=msgspec.Raw(self._shadow.monitor.state()),
            )
        write_atomically(path, msgspec.json.encode(saved))

    def load(self, path: Path) -> bool:
        """Go on from what `save` wrote, before the first frame: the step in force, the steps left, the evidence.

        Returns:
            Whether it did. False where what was saved is about another engine, or another version of it: nothing has
            changed then, and the policy begins from its first step.

        Raises:
            DataError: the file is no such state, or that of other steps, another bundle, limits or alpha.
            OSError: the file cannot be read.
        """
        try:
            saved = msgspec.json.decode(path.read_bytes(), type=_Saved)
        except msgspec.DecodeError as error:
            raise DataError(f"{path} is no state of a drift policy: {error}; remove it to start anew") from error
        if (saved.version, saved.steps) != (_VERSION, self._steps) or not 0 <= saved.position <= len(self._steps):
            raise DataError(f"{path} is the state of another version or policy; remove it to start anew")
        monitor = self._shadow.monitor.anew()
        monitor.restore(saved.monitor, str(path))
        with self._lock:
            if saved.device != self._device:
                return False
            session = self._shadow.reference if saved.fallback == "float" else self._shadow.session
            self._shadow.switch(session, monitor, saved.fallback)
            self._position, self._taken, self._refusal = saved.position, saved.taken, saved.refusal
            self._drifted = set(saved.drifted)
            self._armed = self._position < len(self._steps)
        return True

    def _locks(self) -> tuple[threading.Lock, ...]:
        """See `stages.forks`."""
        return (self._lock,)

    def _begin_anew(self) -> None:
        """See `stages.forks`."""
        self._lock = threading.Lock()
        if self._preparing is not None:
            self._preparing, self._armed = None, not self._closed

    def _in_work(self) -> threading.Thread | None:
        # With the lock: what prepared a step holds it until the step is recorded.
        with self._lock:
            return self._preparing

    def _act(self) -> None:
        """Take the next step that can be taken."""
        with self._lock:
            report = self._shadow.monitor.report()
            # Another thread may have been here before this one.
            if self._armed and report.verdict == "drifted":
                self._go_on(report)

    def _go_on(self, report: MonitorReport) -> None:
        """With the lock held: take steps until one is taken or being prepared, or none is left."""
        self._armed = False
        while self._position < len(self._steps) and not self._closed:
            step = self._steps[self._position]
            if step == "engine":
                self._drifted.add(self._shadow.session.engine)
            if step in ("engine", "float"):
                thread = threading.Thread(target=self._prepare, args=(step, report), name="fpm-edge-guard", daemon=True)
                thread.start()
                self._preparing = thread
                return
            before = self._answers()
            self._position += 1
            after, note = self._at_once(step, report)
            self._record(StepTaken.now(step, report.reason, before, after, note), report)
            if after is not None:
                break
        self._armed = self._position < len(self._steps) and not self._closed

    def _at_once(self, step: Step, report: MonitorReport) -> tuple[str | None, str]:
        """With the lock held: what answers after the step, None where it is skipped; and a note."""
        shadow, session = self._shadow, self._shadow.session
        if step == "raise":
            self._refusal = (
                f"this device has drifted from the float model, and the policy says raise: {report.reason}; repair the "
                "cause or install another bundle, and remove what the policy saved"
            )
            return "GateError", ""
        if step == "more stages":
            useless = no_more_stages(session, report)
            if useless:
                return None, useless
            shadow.switch(session, shadow.monitor.anew(golden=report.golden), "more stages")
        elif self._position < len(self._steps):
            shadow.switch(session, shadow.monitor.anew(golden=report.golden), shadow.fallback)
        return self._answers(), ""

    def _prepare(self, step: Literal["engine", "float"], report: MonitorReport) -> None:
        """On a thread of its own: get ready what is to answer, and let it; what cannot be is skipped."""
        before, cache = self._shadow.session, self._cache
        known = 0 if cache is None else len(cache.notes)
        ready: Ready | None = None
        try:
            if step == "engine":
                others = [name for name in self._engines if name not in self._drifted]
                ready = other_engine(before, others, self._threads, self._timeout, cache, self._check)
            else:
                ready = float_model(before, self._shadow.reference)
        except BaseException as error:
            # Whatever it is: nobody waits for this thread, and the policy must go on.
            failed = str(error) if isinstance(error, FpmEdgeError) else f"{type(error).__name__}: {error}"
        with self._lock:
            was = self._answers()
            self._position += 1
            self._preparing = None
            if ready is None:
                self._record(StepTaken.now(step, report.reason, was, None, failed), report)
                self._go_on(report)
                return
            self._shadow.switch(ready.session, self._shadow.monitor.anew(golden=ready.golden), step)
            note = ready.note
            if step == "engine":
                self._device = _named(ready.session)
                if cache is not None:
                    # Only now: with no engine left, the next start would have none.
                    deny(before.bundle.digest, before.engine, f"drifted: {report.reason}", cache)
                    note = "; ".join(part for part in (note, *cache.notes[known:]) if part)
            self._record(StepTaken.now(step, report.reason, was, self._answers(), note), report)
            self._armed = self._position < len(self._steps) and not self._closed

    def _answers(self) -> str:
        return answerer(_named(self._shadow.session), self._shadow.fallback)

    def _record(self, taken: StepTaken, report: MonitorReport) -> None:
        self._taken = (*self._taken, taken)
        self._shadow.record(taken, report)


class _Saved(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`device`: the engine and its version that answer when the float model does not; `drifted`: engines that did."""

    version: int
    steps: tuple[Step, ...]
    position: int
    device: str
    drifted: tuple[str, ...]
    fallback: Fallback | None
    refusal: str | None
    taken: tuple[StepTaken, ...]
    monitor: msgspec.Raw


def _named(session: Session) -> str:
    return f"{session.engine} {session.engine_version}"
