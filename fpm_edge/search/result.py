"""What a search found; `SearchResult.to_dict` is the content of ``search.json``."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from fpm_edge.search.budgets import Budgets, Miss
from fpm_edge.search.space import Candidate
from fpm_edge.search.trial import NE_DIGITS, Trial
from fpm_edge_runtime.bundle.manifest import Interval
from fpm_edge_runtime.errors import GateError

__all__ = ["FORMAT", "LeftOut", "Nearest", "Reference", "SearchResult", "Written", "nearest_of", "within"]

FORMAT = 1


@dataclass(frozen=True)
class Reference:
    """The float model that drift is measured against: float32 in LiteRT, its own input size, all its stages.

    Attributes:
        name: the model's.
        input_size: (width, height), pixels.
        stages: all it has.
        ne: on all pictures.
    """

    name: str
    input_size: tuple[int, int]
    stages: int
    ne: float


@dataclass(frozen=True)
class LeftOut:
    """Candidates that cannot be had: of one conversion in one engine, or in all (None)."""

    file: str
    engine: str | None
    reason: str


@dataclass(frozen=True)
class Nearest:
    """The trial that misses the budgets by least, and what it misses."""

    trial: Trial
    misses: tuple[Miss, ...]


@dataclass(frozen=True)
class Written:
    """The chosen bundle.

    Attributes:
        path: where it is.
        bytes: the whole file, with golden cases.
        drift: as its manifest says: from the float model of the same input size and stages.
    """

    path: str
    bytes: int
    drift: Interval


@dataclass(frozen=True)
class SearchResult:
    """All that a search found.

    Attributes:
        data, pictures: what was measured on.
        budgets: that were asked for.
        reference: what drift is relative to.
        rungs: (pictures, runs) of each.
        candidates: in the whole space.
        trials: the last trial of every candidate that was measured.
        reasons: why a candidate went no further, or what it was in the end.
        left_out: what could not be had.
        pareto: of those measured on all pictures, fastest first.
        choice: None where nothing keeps the budgets.
        nearest: where nothing does.
        bundle: the choice, as written.
        environment: processor, system, versions.
    """

    data: str
    pictures: int
    budgets: Budgets
    reference: Reference
    rungs: tuple[tuple[int, int], ...]
    candidates: int
    trials: tuple[Trial, ...]
    reasons: Mapping[Candidate, str]
    left_out: tuple[LeftOut, ...]
    pareto: tuple[Trial, ...]
    choice: Trial | None
    nearest: Nearest | None
    bundle: Written | None
    environment: Mapping[str, Any]

    def require_choice(self) -> Trial:
        """The choice. Raises GateError that names the nearest trial where nothing keeps the budgets."""
        if self.choice is not None:
            return self.choice
        if self.nearest is None:
            raise GateError("nothing was measured, so nothing keeps the budgets; give more precisions or engines")
        trial, misses = self.nearest.trial, "; ".join(map(str, self.nearest.misses))
        raise GateError(
            f"nothing of {self.candidates} candidates keeps the budgets. Nearest: {trial.candidate.name}: "
            f"{misses or self.reasons.get(trial.candidate, '')} (upper 95 % bounds, {trial.score.pictures} pictures, "
            f"{trial.time.runs} runs). Allow more, or train a network that is smaller or better"
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        plain: dict[str, Any] = msgspec.to_builtins(
            {
                name: getattr(self, name)
                for name in self.__dataclass_fields__
                if name not in ("reasons", "trials", "environment")
            }
        )
        trials = [{**msgspec.to_builtins(trial), "reason": self.reasons.get(trial.candidate)} for trial in self.trials]
        return {"format": FORMAT, **plain, "trials": trials, "environment": dict(self.environment)}


def within(trials: Sequence[Trial], budgets: Budgets) -> list[Trial]:
    """Those that keep all budgets, best first: by the upper bound of NE, then by time."""
    kept = [trial for trial in trials if not budgets.misses(trial)]
    return sorted(kept, key=lambda t: (round(t.score.ne_upper, NE_DIGITS), t.time.median, t.bytes, t.candidate))


def nearest_of(trials: Sequence[Trial], budgets: Budgets) -> Nearest | None:
    """The one whose worst excess is smallest."""
    if not trials:
        return None
    trial = min(trials, key=lambda trial: (budgets.excess(trial), trial.candidate))
    return Nearest(trial, budgets.misses(trial))
