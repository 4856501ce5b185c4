"""Has this device drifted from the float model? A verdict whose false alarms are promised to be rare, without labels.

What it watches is the *disagreement* of a frame: the distance between the device's and the float model's landmarks at
the stage that answered, each capped at `CAP`, averaged over the frame's landmarks. What it promises (α = `alpha`):

- *Alarm.* If, for every stage, the mean disagreement of the next frame, whatever came before, is at most that stage's
  limit, the probability that the verdict *ever* becomes "drifted" is at most α. This one test is the guarantee; means
  by stage and landmark, proxies and the fast alarms are descriptions.
- *Certificate.* With probability 1 − α, at all times: NE lies within `upper` of the float model's, if an error over
  `CAP` counts as `CAP`. For | min(|q−g|, c) − min(|f−g|, c) | ≤ min(|q−f|, c). It speaks of one mean, so of a device
  and pictures that stay what they are, and says nothing any more once the verdict is "drifted".

Frames of a scene that does not change are not new evidence: see docs/drift.md.
"""

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from fpm_edge_runtime.check.self_check import GoldenReport, Verdict
from fpm_edge_runtime.drift.betting import ChangeAlarm, MeanBounds
from fpm_edge_runtime.drift.limits import TOLERANCE, DriftLimit, drift_limits
from fpm_edge_runtime.drift.page_hinkley import PageHinkley
from fpm_edge_runtime.drift.report import MonitorReport, PartMean, Proxy
from fpm_edge_runtime.errors import DataError, UsageError
from fpm_edge_runtime.files import write_atomically
from fpm_edge_runtime.stages.forks import watch_forks

if TYPE_CHECKING:
    from fpm_edge_runtime.stages.bundle import Bundle

__all__ = ["CAP", "DriftMonitor", "fast_alarm"]

CAP = 0.25
"""NE units: a landmark a quarter of the picture away is lost, how far does not matter."""

# Evidence that would be reached by chance this many times as often as the alarm is worth a warning.
_WARNING_SHARE = 10.0
# Fast alarms, on loads and on peak heights (0 to 1): what is small change, and how much in all is a fault.
_LOAD_SLACK, _LOAD_THRESHOLD = 1.0, 150.0
_PEAK_SLACK, _PEAK_THRESHOLD = 0.05, 5.0
_PROXIES = ("peak height", "stage movement", "flip")
# Weight of the newest frame in a recent mean.
_RECENT = 0.01
_VERSION = 1


class DriftMonitor:
    """Fed by golden self-checks, shadow samples and frames. Several threads may feed one monitor.

    A forked process goes on with a monitor of its own, from what was known at the fork.
    """

    def __init__(
        self,
        limits: Sequence[float | DriftLimit],
        landmarks: Sequence[str],
        *,
        subject: str = "",
        alpha: float = 0.01,
    ) -> None:
        """See `of_bundle` for one whose limits come from a bundle.

        Args:
            limits: largest healthy mean disagreement of every stage, NE units.
            landmarks: their names.
            subject: what is watched, such as a bundle's digest; a saved state of another subject is refused.
            alpha: promised false-alarm probability.

        Raises:
            UsageError: a limit or alpha is out of range.
        """
        if not 0 < alpha < 1:
            raise UsageError(f"alpha is {alpha}; expected a probability between 0 and 1, such as 0.01")
        self._limits = tuple(x if isinstance(x, DriftLimit) else DriftLimit(float(x), "given") for x in limits)
        if not self._limits or not all(0 < limit.value < CAP for limit in self._limits):
            raise UsageError(
                f"limits are {[limit.value for limit in self._limits]}; expected one for each stage, NE units over 0 "
                f"and below {CAP}"
            )
        self._names = tuple(landmarks)
        self._subject, self._alpha = subject, alpha
        self._lock = threading.Lock()
        # Of what every frame changes. A shadow's worker has a low priority, and may be made to wait while it holds the
        # other one; frames must not wait for it.
        self._frame_lock = threading.Lock()
        self.reset()
        watch_forks(self)

    @classmethod
    def of_bundle(cls, bundle: "Bundle", *, tolerance: float = TOLERANCE, alpha: float = 0.01) -> "DriftMonitor":
        """With the limits of `drift.limits`. Raises UsageError as that does."""
        return cls(drift_limits(bundle, tolerance), bundle.schema.landmarks, subject=bundle.digest, alpha=alpha)

    def reset(self) -> None:
        """Forget everything, for example after the cause was repaired. The promise starts anew as well."""
        with self._lock, self._frame_lock:
            self._golden: Verdict | None = None
            self._failures = 0
            self._failing: str | None = None
            self._alarm = ChangeAlarm()
            self._most = 1.0
            self._alarm_sample: int | None = None
            self._bounds = MeanBounds(CAP, self._alpha)
            # Sum and count of capped distances: by stage, and by landmark at the stage that answered.
            self._by_stage = np.zeros((2, len(self._limits)))
            self._by_landmark = np.zeros((2, len(self._names)))
            self._proxies: dict[str, _Means] = dict.fromkeys(_PROXIES, (0, 0.0, 0.0))
            self._fast_load = fast_alarm()
            self._fast_peak = PageHinkley(_PEAK_SLACK, _PEAK_THRESHOLD)

    def _locks(self) -> tuple[threading.Lock, ...]:
        """See `stages.forks`."""
        return self._lock, self._frame_lock

    def _begin_anew(self) -> None:
        """See `stages.forks`."""
        self._lock, self._frame_lock = threading.Lock(), threading.Lock()

    def anew(self, *, golden: Verdict | None = None) -> "DriftMonitor":
        """Another one of the same limits, names, subject and alpha that knows nothing yet but, if given, `golden`."""
        other = DriftMonitor(self._limits, self._names, subject=self._subject, alpha=self._alpha)
        other._golden = golden
        return other

    def add_golden(self, report: GoldenReport) -> None:
        """Take the outcome of a self-check."""
        with self._lock:
            self._golden = report.verdict

    def add_shadow(self, disagreement: NDArray[np.floating[Any]]) -> None:
        """Take one frame's distances from the float model.

        Args:
            disagreement: (stages that ran, landmarks) NE units, 0 or more; NaN for landmarks that the frame's garment
                does not have, the same at every stage. The last row is the stage that answered.

        Raises:
            DataError: the shape does not fit, no landmark is compared, or a distance is negative.
        """
        if (
            disagreement.ndim != 2
            or not 1 <= len(disagreement) <= len(self._limits)
            or disagreement.shape[1] != len(self._names)
        ):
            raise DataError(
                f"disagreement has shape {disagreement.shape}; expected 1 to {len(self._limits)} stages × "
                f"{len(self._names)} landmarks"
            )
        known = ~np.isnan(disagreement)
        if not known.any() or (known != known[-1]).any() or (disagreement[known] < 0).any():
            raise DataError(
                "expected a distance of 0 or more for at least one landmark, for the same ones at every stage"
            )
        capped = np.minimum(np.where(known, disagreement, 0.0), CAP).astype(np.float64)
        value = float(capped[-1][known[-1]].mean())
        load = value / self._limits[len(disagreement) - 1].value
        with self._lock:
            self._failing = None
            self._most = max(self._most, float(self._alarm.update(load)))
            if self._alarm_sample is None and self._most >= 1 / self._alpha:
                self._alarm_sample = self._alarm.count
            self._bounds.update(value)
            self._by_stage[:, : len(capped)] += capped.sum(axis=1), known.sum(axis=1)
            self._by_landmark += capped[-1], known[-1]
            self._fast_load.update(load)

    def add_frame(self, scores: NDArray[np.floating[Any]], movement: float | None = None) -> None:
        """Take what any frame shows without a float model.

        Args:
            scores: (at least one landmark,) peak heights, 0 to 1, of the landmarks that count.
            movement: mean distance between the last two stages' landmarks, NE units, if both are known.
        """
        # Plain numbers here and below: this is done for every frame, and numpy would take ten times as long.
        height = sum(scores.tolist()) / len(scores)
        with self._frame_lock:
            self._add_proxy("peak height", height)
            self._fast_peak.update(-height)
            if movement is not None:
                self._add_proxy("stage movement", movement)

    def add_flip(self, distance: float) -> None:
        """Take a frame's mean distance between its landmarks and those of its mirror image (`flip_consistency`)."""
        with self._frame_lock:
            self._add_proxy("flip", distance)

    def add_failure(self, message: str) -> None:
        """Take note that a frame could not be compared, or not logged. One that sees nothing must not say "ok"."""
        with self._lock:
            self._failures += 1
            self._failing = message

    @property
    def verdict(self) -> Verdict:
        """That of `report`, for every frame: it costs next to nothing."""
        with self._lock:
            return self._judge()[0]

    def report(self) -> MonitorReport:
        """Everything that is known now."""
        with self._lock:
            verdict, reason = self._judge()
            bounds, samples = self._bounds, self._bounds.count
            return MonitorReport(
                verdict=verdict,
                reason=reason,
                samples=samples,
                alpha=self._alpha,
                evidence=float(self._alarm.evidence()),
                most_evidence=self._most,
                alarm_sample=self._alarm_sample,
                estimate=bounds.estimate if samples else None,
                lower=bounds.lower,
                upper=bounds.upper,
                certified=bounds.upper if samples and verdict != "drifted" else None,
                limits=self._limits,
                golden=self._golden,
                fast_alarms=self._fast_alarms(),
                failures=self._failures,
                stages=_means([str(i + 1) for i in range(len(self._limits))], self._by_stage),
                landmarks=_means(self._names, self._by_landmark),
                proxies=tuple(_proxy(name, *means) for name, means in self._proxies.items()),
            )

    def save(self, path: Path) -> None:
        """Write all that is known, atomically, so that evidence survives a restart. Raises OSError."""
        write_atomically(path, self.state())

    def state(self) -> bytes:
        """What `save` writes, JSON."""
        with self._lock, self._frame_lock:
            return msgspec.json.encode(self._state())

    def load(self, path: Path) -> None:
        """Go on from what `save` wrote. A promise that begins anew at every restart is one for each restart.

        Raises:
            DataError: the file is no state, or that of another subject, limits or alpha; nothing has changed then.
            OSError: the file cannot be read.
        """
        self.restore(path.read_bytes(), str(path))

    def restore(self, content: bytes | msgspec.Raw, where: str) -> None:
        """Go on from what `state` gave; `where` is said in errors, which are DataErrors as of `load`."""
        try:
            state = msgspec.json.decode(content, type=_State)
        except msgspec.DecodeError as error:
            raise DataError(f"{where} is no state of a drift monitor: {error}; remove it to start anew") from error
        with self._lock, self._frame_lock:
            mine = self._state()
            same = ("version", "subject", "limits", "landmarks", "alpha")
            if any(getattr(state, name) != getattr(mine, name) for name in same):
                raise DataError(
                    f"{where} is the state of another version, bundle, limits or alpha; remove it to start anew"
                )
            arrays = self._arrays()
            sizes = {name: len(raw) for name, raw in state.arrays.items()}
            if sizes != {name: array.nbytes for name, array in arrays.items()} or set(state.proxies) != set(_PROXIES):
                raise DataError(f"{where} is no whole state of a drift monitor; remove it to start anew")
            for name, array in arrays.items():
                array[...] = np.frombuffer(state.arrays[name], array.dtype).reshape(array.shape)
            self._golden, self._alarm_sample, self._most = state.golden, state.alarm_sample, state.most_evidence
            self._alarm.count = self._bounds.count = state.samples
            self._bounds.total = state.total
            for alarm, values in zip((self._fast_load, self._fast_peak), state.fast, strict=True):
                alarm.count, alarm.mean, alarm.excess, alarm.fired = values
            self._proxies = state.proxies

    def _state(self) -> "_State":
        return _State(
            version=_VERSION,
            subject=self._subject,
            limits=tuple(limit.value for limit in self._limits),
            landmarks=self._names,
            alpha=self._alpha,
            golden=self._golden,
            alarm_sample=self._alarm_sample,
            most_evidence=self._most,
            samples=self._bounds.count,
            total=self._bounds.total,
            fast=(_fast_state(self._fast_load), _fast_state(self._fast_peak)),
            proxies=dict(self._proxies),
            arrays={name: array.tobytes() for name, array in self._arrays().items()},
        )

    def _arrays(self) -> dict[str, NDArray[Any]]:
        """The arrays themselves, to be written into."""
        return {
            "started": self._alarm.started,
            "above": self._bounds.above,
            "below": self._bounds.below,
            "by_stage": self._by_stage,
            "by_landmark": self._by_landmark,
        }

    def _judge(self) -> tuple[Verdict, str]:
        evidence = float(self._alarm.evidence())
        if self._alarm_sample is not None:
            return "drifted", (
                f"the mean disagreement with the float model is over its limit: the evidence reached "
                f"{1 / self._alpha:.0f} at sample {self._alarm_sample}"
            )
        if self._golden == "drifted":
            return "drifted", "a golden case disagrees with the float model more than its limit"
        if evidence >= 1 / (_WARNING_SHARE * self._alpha):
            return "warning", f"evidence {evidence:.1f} of the {1 / self._alpha:.0f} that would be an alarm"
        if self._golden == "warning":
            return "warning", "a golden case is near its limit"
        if self._failing is not None:
            return "warning", f"the last comparison or its log entry failed ({self._failures} in all): {self._failing}"
        fast = self._fast_alarms()
        return ("warning", f"fast alarm (promises nothing): {', '.join(fast)}") if fast else ("ok", "")

    def _fast_alarms(self) -> tuple[str, ...]:
        fired = (("disagreement", self._fast_load.fired), ("peak height", self._fast_peak.fired))
        return tuple(name for name, alarm in fired if alarm)

    def _add_proxy(self, name: str, value: float) -> None:
        count, mean, recent = self._proxies[name]
        count += 1
        self._proxies[name] = count, mean + (value - mean) / count, recent + (value - recent) * max(1 / count, _RECENT)


def fast_alarm(streams: tuple[int, ...] = ()) -> PageHinkley:
    """The monitor's quick alarm on loads, which are disagreements over their limit."""
    return PageHinkley(_LOAD_SLACK, _LOAD_THRESHOLD, streams)


_Fast = tuple[int, float, float, bool]
_Means = tuple[int, float, float]


class _State(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    version: int
    subject: str
    limits: tuple[float, ...]
    landmarks: tuple[str, ...]
    alpha: float
    golden: Verdict | None
    alarm_sample: int | None
    most_evidence: float
    samples: int
    total: float
    fast: tuple[_Fast, _Fast]
    proxies: dict[str, _Means]
    arrays: dict[str, bytes]


def _means(names: Sequence[str], sums: NDArray[np.float64]) -> tuple[PartMean, ...]:
    return tuple(
        PartMean(name, float(total / count) if count else None, int(count))
        for name, total, count in zip(names, *sums, strict=True)
    )


def _proxy(name: str, count: int, mean: float, recent: float) -> Proxy:
    return Proxy(name, mean if count else None, recent if count else None, count)


def _fast_state(alarm: PageHinkley) -> _Fast:
    return alarm.count, alarm.mean, alarm.excess, alarm.fired
