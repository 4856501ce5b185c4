"""What the user can afford, and how far a trial is from it."""

import math
from dataclasses import dataclass

from fpm_edge.convert import gate
from fpm_edge.search.trial import Trial
from fpm_edge_runtime.errors import UsageError

__all__ = ["Budgets", "Miss"]


@dataclass(frozen=True)
class Miss:
    """One budget that a trial does not keep.

    Attributes:
        what: such as ``latency``.
        value, limit: of the trial, and allowed, as people read them.
        excess: how much of what is allowed is missing, as a share; NE counts against the NE that the drift budget
            allows, so that 0.1 always means "ten per cent too much".
    """

    what: str
    value: str
    limit: str
    excess: float

    def __str__(self) -> str:
        return f"{self.what} {self.value}, budget {self.limit}"

    def short(self, *, at_least: bool = False) -> str:
        """The same for a table; `at_least` where the value is a lower bound."""
        return f"{self.what} {'≥ ' if at_least else ''}{self.value} ({self.limit})"


@dataclass(frozen=True)
class Budgets:
    """Limits that a choice keeps with the upper 95 % bound of what was measured.

    Attributes:
        drift: of NE, relative to the float model at its own input size with all its stages: overall, and for every
            landmark and category of ten pictures or more.
        latency_ms: of the stages and the decoding, median, milliseconds.
        size_bytes: of the stages that run; None for any.
    """

    drift: gate.Budget
    latency_ms: float
    size_bytes: int | None = None

    @classmethod
    def of(
        cls, max_ne_drift: float, max_part_drift: float | None, max_latency_ms: float, max_size_mb: float | None
    ) -> "Budgets":
        """Budgets from options. Raises UsageError for one that nothing can be held to."""
        drift = gate.Budget.of(max_ne_drift, max_part_drift)
        if drift is None or min(drift.overall, drift.part) <= -1:
            raise UsageError(f"the NE drift budget is {max_ne_drift}; expected a share such as 0.03 for 3 %")
        for name, value, unit in (("latency", max_latency_ms, "milliseconds"), ("size", max_size_mb, "megabytes")):
            if value is not None and not (math.isfinite(value) and value > 0):
                raise UsageError(f"the {name} budget is {value}; expected {unit} above 0")
        return cls(drift, max_latency_ms, None if max_size_mb is None else round(max_size_mb * 1e6))

    @property
    def counts_size(self) -> bool:
        """Whether size is one of the things to be good at."""
        return self.size_bytes is not None

    def misses(self, trial: Trial) -> tuple[Miss, ...]:
        """The budgets that the trial does not keep for certain: its upper bounds are over them."""
        worst = trial.score.worst_part
        return self._over(trial, trial.score.drift.upper, trial.time.upper, None if worst is None else worst.upper)

    def certain_misses(self, trial: Trial) -> tuple[Miss, ...]:
        """The budgets that more pictures and runs will not help it to keep: its lower bounds are over them."""
        return self._over(trial, trial.score.drift.lower, trial.time.lower, None)

    def excess(self, trial: Trial) -> float:
        """Of the budget that is missed by most; 0 where all are kept."""
        return max((miss.excess for miss in self.misses(trial)), default=0.0)

    def over_drift(self, lower: float) -> bool:
        """Whether a lower bound of the relative drift is over the budget."""
        return lower > self.drift.overall

    def _over(self, trial: Trial, drift: float, time: float, part: float | None) -> tuple[Miss, ...]:
        found = [_drift_miss("NE drift", drift, self.drift.overall)]
        if part is not None and trial.score.worst_part is not None:
            found.append(_drift_miss(trial.score.worst_part.name, part, self.drift.part))
        found.append(Miss("latency", f"{time:.2f} ms", f"{self.latency_ms:g} ms", time / self.latency_ms - 1))
        if self.size_bytes is not None:
            value, limit = f"{trial.bytes / 1e6:.2f} MB", f"{self.size_bytes / 1e6:g} MB"
            found.append(Miss("size", value, limit, trial.bytes / self.size_bytes - 1))
        return tuple(miss for miss in found if miss.excess > 0)


def _drift_miss(what: str, drift: float, budget: float) -> Miss:
    return Miss(what, f"{drift:+.1%}", f"{budget:.1%}", (1 + drift) / (1 + budget) - 1)
