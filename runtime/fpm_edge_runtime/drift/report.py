"""What a `DriftMonitor` says."""

from dataclasses import dataclass
from typing import Any

import msgspec

from fpm_edge_runtime.check.self_check import Verdict
from fpm_edge_runtime.drift.limits import DriftLimit

__all__ = ["MonitorReport", "PartMean", "Proxy"]


@dataclass(frozen=True)
class PartMean:
    """Mean capped disagreement of one landmark or stage, NE units; None where it was in no frame."""

    name: str
    mean: float | None
    count: int


@dataclass(frozen=True)
class Proxy:
    """Something that needs no float model: its mean over all frames, and over about the last hundred."""

    name: str
    mean: float | None
    recent: float | None
    count: int


@dataclass(frozen=True)
class MonitorReport:
    """What a `DriftMonitor` knows.

    Attributes:
        verdict: "drifted": the alarm fired or a golden case failed, until `DriftMonitor.reset`. "warning": a tenth of
            the alarm's evidence, a golden case near its limit, a failed comparison, or a fast alarm. Otherwise "ok",
            also before any sample.
        reason: of a verdict that is not "ok"; one line.
        samples: frames that were compared with the float model.
        alpha: promised false-alarm probability; also that of `lower` and `upper` together.
        evidence: of the alarm now; 1 at the start. It fires at 1/α.
        most_evidence: that there ever was.
        alarm_sample: the sample at which the alarm fired; None if it did not.
        estimate: mean disagreement of all samples, NE units; None before the first.
        lower, upper: bounds of that mean, valid at all times.
        certified: NE is within this of the float model's (see `monitor`); None before a sample or after the alarm.
        limits: by stage.
        golden: verdict of the last self-check; None without.
        fast_alarms: which fired, of "disagreement" and "peak height". They promise nothing.
        failures: comparisons that failed since the start of the process; a reason tells the last.
        stages, landmarks: descriptive means.
        proxies: "peak height", "stage movement", "flip".
    """

    verdict: Verdict
    reason: str
    samples: int
    alpha: float
    evidence: float
    most_evidence: float
    alarm_sample: int | None
    estimate: float | None
    lower: float
    upper: float
    certified: float | None
    limits: tuple[DriftLimit, ...]
    golden: Verdict | None
    fast_alarms: tuple[str, ...]
    failures: int
    stages: tuple[PartMean, ...]
    landmarks: tuple[PartMean, ...]
    proxies: tuple[Proxy, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        plain: dict[str, Any] = msgspec.to_builtins(self)
        return plain
