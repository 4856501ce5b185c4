"""Successive halving: which trials go on to the next rung, and exactly why the others do not.

A rung measures its candidates on so many pictures and in so many runs. What bounds can decide is dropped first: a
candidate whose lower bound is over a budget, and one that another beats in both accuracy and time by their bounds. If
that leaves more than half of them, and more than a handful, estimates decide over the rest. Their Pareto set stays,
and the one that would be chosen if this were the last rung; of the others those go first that miss the budgets by most,
then those that are in the Pareto set of what is left without it, and so on. A search that ends without a choice comes
back to those (`fpm_edge.search.run`).
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from fpm_edge.search.budgets import Budgets
from fpm_edge.search.result import within
from fpm_edge.search.space import Candidate
from fpm_edge.search.trial import NE_DIGITS, Trial

__all__ = ["Drop", "judge", "layers", "pareto"]

# Where every candidate is over a budget for certain, so many that are nearest to it are followed to the end.
_NEAREST = 4
# Each rung hands on this share of its candidates, or so many: so few cost little, and estimates need not decide.
_SHARE = 0.5
_FEWEST = 8


@dataclass(frozen=True)
class Drop:
    """Why a candidate does not go on.

    Attributes:
        reason: for people.
        certain: whether bounds say so; otherwise it had to make room.
    """

    reason: str
    certain: bool


def judge(trials: Sequence[Trial], budgets: Budgets, fewest: int = _FEWEST) -> dict[Candidate, Drop]:
    """The candidates that are dropped after a rung, never all of them; down to `fewest` only where bounds say so."""
    dropped: dict[Candidate, Drop] = {}
    over = {trial.candidate: misses for trial in trials if (misses := budgets.certain_misses(trial))}
    followed: set[Candidate] = set()
    if len(over) == len(trials):
        nearest = sorted(trials, key=lambda trial: (budgets.excess(trial), trial.candidate))[:_NEAREST]
        followed = {trial.candidate for trial in nearest}
    for candidate, misses in over.items():
        if candidate not in followed:
            dropped[candidate] = Drop("over: " + ", ".join(miss.short(at_least=True) for miss in misses), True)
    left = [trial for trial in trials if trial.candidate not in dropped]
    dropped |= _dominated(left, budgets.counts_size)
    left = [trial for trial in left if trial.candidate not in dropped]
    return dropped | _last(left, max(fewest, math.ceil(_SHARE * len(trials))), budgets)


def _dominated(trials: Sequence[Trial], with_size: bool) -> dict[Candidate, Drop]:
    found = {}
    for trial in trials:
        better = next((other for other in trials if _beats(other, trial, with_size)), None)
        if better is not None:
            found[trial.candidate] = Drop(f"beaten by the bounds of {better.candidate.name}", True)
    return found


def _beats(one: Trial, other: Trial, with_size: bool) -> bool:
    """Faster for certain, and better for certain or the very same answers; no larger where size counts."""
    if one.time.upper >= other.time.lower or (with_size and one.bytes > other.bytes):
        return False
    first, second = one.candidate, other.candidate
    same = (first.file, first.engine, first.stages) == (second.file, second.engine, second.stages)
    return same or one.score.drift.upper < other.score.drift.lower


def _last(trials: Sequence[Trial], keep: int, budgets: Budgets) -> dict[Candidate, Drop]:
    """Those that make room, so that `keep` are left."""
    sets = layers(trials, budgets.counts_size)
    ranked = [
        ((budgets.excess(trial), number, trial.time.median, trial.candidate), trial)
        for number, members in enumerate(sets[1:], start=2)
        for trial in members
        if trial not in within(trials, budgets)[:1]
    ]
    ranked.sort(reverse=True)
    return {
        trial.candidate: Drop(
            f"not among the best {keep}: "
            + (f"misses the budgets by up to {key[0]:.1%}" if key[0] else f"in Pareto set {key[1]} of {len(sets)}"),
            False,
        )
        for key, trial in ranked[: max(0, len(trials) - keep)]
    }


def layers(trials: Sequence[Trial], with_size: bool) -> list[list[Trial]]:
    """The Pareto set of the estimates, that of the rest, and so on."""
    rest = list(trials)
    found = []
    while rest:
        front = pareto(rest, with_size)
        found.append(front)
        rest = [trial for trial in rest if trial not in front]
    return found


def pareto(trials: Sequence[Trial], with_size: bool) -> list[Trial]:
    """Those of one rung than which no other is as accurate, fast (and small), and better in one; fastest first."""
    points: Mapping[Candidate, tuple[float, ...]] = {
        trial.candidate: (round(trial.score.ne, NE_DIGITS), trial.time.median, *((trial.bytes,) if with_size else ()))
        for trial in trials
    }

    def beaten(trial: Trial) -> bool:
        mine = points[trial.candidate]
        return any(point != mine and all(a <= b for a, b in zip(point, mine, strict=True)) for point in points.values())

    return sorted((trial for trial in trials if not beaten(trial)), key=lambda trial: trial.time.median)
