"""The steps of a drift policy, and the record of one that was taken. What takes them is `guard.Guard`."""

from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Literal

from fpm_edge_runtime.stages.results import Fallback

__all__ = ["STEPS", "Step", "StepTaken", "answerer"]

Step = Literal["report", "more stages", "engine", "float", "raise"]

STEPS: tuple[Step, ...] = ("report", "more stages", "engine", "float", "raise")

# Characters of a reason or a note, so that one fits into a line of the smallest log.
_LONGEST = 500


@dataclass(frozen=True)
class StepTaken:
    """One step of a drift policy, taken or skipped.

    Attributes:
        time: ISO 8601, UTC.
        step: which.
        reason: why the verdict was "drifted".
        before: what answered until then, such as "litert 2.3.0" or "litert 2.3.0, all stages".
        after: what answers since; None where the step was skipped.
        note: why it was skipped, or what else is to be said of it.
    """

    time: str
    step: Step
    reason: str
    before: str
    after: str | None
    note: str = ""

    @classmethod
    def now(cls, step: Step, reason: str, before: str, after: str | None, note: str = "") -> "StepTaken":
        """At this moment; long texts are cut, and what cannot be printed is left out."""
        time = datetime.now(timezone.utc).isoformat(timespec="seconds")
        return cls(time, step, _short(reason), before, after, _short(note))


def answerer(engine: str, fallback: Fallback | None) -> str:
    """What answers, in words; `engine` is its name and version."""
    if fallback == "float":
        return f"float model in {engine}"
    return f"{engine}, all stages" if fallback == "more stages" else engine


def _short(text: str) -> str:
    text = "".join(c if c.isprintable() else " " for c in text)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."
