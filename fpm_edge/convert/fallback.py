"""More precision for the pieces that need it: the cheapest set of them that brings a bundle within its budget.

How it searches. A try is a set of pieces in more precision, scored like any bundle: how far its worst bound is over its
budget.

1. No piece, then all. If all are over the budget, nothing helps.
2. All other sets in order of what they cost. A single piece is always tried. A larger set is tried only if it is
   promising: if what each of its pieces took off by itself, taken off the largest of its subsets that was tried, brings
   it within the budget. The first that is within it is the answer.
3. If no promising set is within it: all pieces, less each one (the costliest first) that can be spared.

With n pieces that makes at most 2 + n + 8 + n tries, mostly n. The answer is the cheapest set if effects add up; a set
that helps only together may be missed, and then a dearer one is taken, never one over the budget.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import median
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from fpm_edge_converters import Exported
from fpm_edge_runtime import Session
from fpm_edge_runtime.bundle.manifest import Format, Piece

__all__ = ["Cost", "Fallback", "Needing", "Spend", "Try", "cheapest_within", "costs_of", "find_needing", "mixed"]

Spend = Literal["bytes", "ms"]

# Sets of two or more that are tried because they are promising.
_MOST_GUESSES = 8
_TIMED_RUNS = 15


@dataclass(frozen=True)
class Fallback:
    """What to give the pieces that need it.

    Attributes:
        precision: of those pieces.
        spend: what makes a set of pieces cheap; None for bytes with float16, and for milliseconds with int16x8, which
            costs hardly any bytes.
    """

    precision: Literal["int16x8", "float16"]
    spend: Spend | None = None

    @property
    def spends(self) -> Spend:
        """What makes a set cheap."""
        return self.spend or ("ms" if self.precision == "int16x8" else "bytes")


@dataclass(frozen=True)
class Cost:
    """What more precision costs one piece, or several together: bytes in all formats, ms a picture, one thread."""

    bytes: int = 0
    ms: float = 0.0

    def __add__(self, other: "Cost") -> "Cost":
        return Cost(self.bytes + other.bytes, self.ms + other.ms)


@dataclass(frozen=True)
class Try:
    """One set of pieces that was scored.

    Attributes:
        pieces: names of those in more precision.
        cost: what that costs.
        over: how far the worst bound of any format is over its budget, as a share of the NE; 0 or less is within.
    """

    pieces: tuple[str, ...]
    cost: Cost
    over: float

    @property
    def within(self) -> bool:
        """Whether every bound keeps its budget."""
        return self.over <= 0.0


@dataclass(frozen=True)
class Needing:
    """The pieces that get more precision, and all that was tried to find them, in order."""

    pieces: tuple[str, ...]
    tries: tuple[Try, ...]


def find_needing(
    fallback: Fallback,
    *,
    pieces: Sequence[str],
    over: Callable[[tuple[str, ...]], float],
    costs: Callable[[tuple[str, ...]], Mapping[str, Cost]],
    on_try: Callable[[Try], None],
) -> Needing:
    """The cheapest set of pieces that brings a bundle within its budget; all of them if that is not enough either.

    Args:
        fallback: what to spend.
        pieces: names, in order of execution.
        over: how far the bundle is over its budget with the given pieces in more precision.
        costs: of each of the given pieces; called only if something is to be spent.
        on_try: called after each try.
    """
    tries: list[Try] = []

    def score(names: tuple[str, ...], cost: Cost) -> float:
        tries.append(Try(names, cost, over(names)))
        on_try(tries[-1])
        return tries[-1].over

    nothing = score((), Cost())
    if nothing <= 0.0:
        return Needing((), tuple(tries))
    each = costs(tuple(pieces))
    prices = {name: each[name].ms if fallback.spends == "ms" else float(each[name].bytes) for name in pieces}

    def score_set(names: tuple[str, ...]) -> float:
        return score(names, sum((each[name] for name in names), Cost()))

    found = cheapest_within(prices, nothing, score_set)
    return Needing(tuple(pieces) if found is None else found, tuple(tries))


def cheapest_within(
    costs: Mapping[str, float], nothing: float, over: Callable[[tuple[str, ...]], float]
) -> tuple[str, ...] | None:
    """The cheapest set of pieces within the budget, or None if not even all of them are; the module says how.

    Args:
        costs: piece → what more precision for it costs, in any one unit, 0 or more; in order of execution.
        nothing: how far over the budget it is without any of them.
        over: how far with a set of them; 0 or less is within. Called once for each set that is tried.
    """
    names = tuple(costs)
    tried: dict[tuple[str, ...], float] = {(): nothing}

    def measure(chosen: tuple[str, ...]) -> float:
        if chosen not in tried:
            tried[chosen] = over(chosen)
        return tried[chosen]

    def price(chosen: tuple[str, ...]) -> float:
        return sum(costs[name] for name in chosen)

    if not measure(names) <= 0.0:
        return None
    sets = [chosen for count in range(1, len(names)) for chosen in combinations(names, count)]
    guesses = 0
    for chosen in sorted(sets, key=lambda chosen: (price(chosen), len(chosen))):
        if len(chosen) > 1:
            if guesses == _MOST_GUESSES or not _prediction(chosen, tried) <= 0.0:
                continue
            guesses += 1
        if measure(chosen) <= 0.0:
            return chosen
    left = names
    for name in sorted(names, key=lambda name: -costs[name]):
        fewer = tuple(other for other in left if other != name)
        if measure(fewer) <= 0.0:
            left = fewer
    return left


def _prediction(chosen: tuple[str, ...], tried: Mapping[tuple[str, ...], float]) -> float:
    """How far over the budget a set will be, if what its pieces took off by themselves adds up."""
    known = [names for names in tried if set(names) < set(chosen)]
    most = max(len(names) for names in known)
    return max(
        tried[names] - sum(max(tried[()] - tried.get((name,), math.inf), 0.0) for name in chosen if name not in names)
        for names in known
        if len(names) == most
    )


def mixed(exported: Exported, precise: Exported, names: Sequence[str]) -> Exported:
    """The pieces of `exported`, those called `names` from `precise`, the same network with more precision."""
    pieces: dict[Format, tuple[Piece, ...]] = {}
    members: dict[str, bytes] = {}
    for form, plain in exported.pieces.items():
        more = {piece.name: piece for piece in precise.pieces[form]}
        pieces[form] = tuple(more[piece.name] if piece.name in names else piece for piece in plain)
        for piece in plain:
            members[piece.member] = (precise if piece.name in names else exported).members[piece.member]
    sizes = {form: sum(len(members[piece.member]) for piece in chosen) for form, chosen in pieces.items()}
    return Exported(pieces, members, sizes)


def costs_of(
    exported: Exported, precise: Exported, plain: Session, precise_session: Session, picture: NDArray[np.uint8]
) -> dict[str, Cost]:
    """What more precision costs each piece.

    Args:
        exported, precise: the same network; how many bytes the files of each piece grow, all formats together.
        plain, precise_session: both as sessions of the same engine; how much slower each piece gets on `picture`, the
            median of 15 runs, 0 for one that gets faster.
        picture: (height, width, 3) uint8.
    """
    growth: dict[str, int] = {}
    for pieces in exported.pieces.values():
        for piece in pieces:
            more = len(precise.members[piece.member]) - len(exported.members[piece.member])
            growth[piece.name] = growth.get(piece.name, 0) + more
    before, after = _times(plain, picture), _times(precise_session, picture)
    return {name: Cost(more, max(after[name] - before[name], 0.0)) for name, more in growth.items()}


def _times(session: Session, picture: NDArray[np.uint8]) -> dict[str, float]:
    """Piece → milliseconds."""
    runs = [session.detect(picture).timings.pieces for _ in range(_TIMED_RUNS)]
    return {name: median(run[name] for run in runs) for name in runs[0]}
