"""The random draws of one picture: cheap scalars from one seeded generator."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

T = TypeVar("T")

# A picture takes a few hundred draws; one vectorised call costs less than ten scalar ones.
_BLOCK = 512


class Dice:
    """Scalar draws that depend on `(seed, index)` and on their order, and on nothing else."""

    def __init__(self, seed: int, index: int) -> None:
        self._generator = np.random.default_rng([seed, index])
        self._pool: list[float] = []

    def unit(self) -> float:
        """A uniform draw from [0, 1)."""
        if not self._pool:
            self._pool = self._generator.random(_BLOCK).tolist()
        return self._pool.pop()

    def uniform(self, low: float, high: float) -> float:
        return low + (high - low) * self.unit()

    def centred(self, spread: float) -> float:
        """A bell-shaped draw from [-spread, spread]: most poses are near neutral, a few are extreme."""
        return spread * (self.unit() + self.unit() + self.unit() - 1.5) / 1.5

    def chance(self, probability: float) -> bool:
        return self.unit() < probability

    def integer(self, low: int, high: int) -> int:
        """A uniform draw from low, …, high - 1."""
        return low + int(self.unit() * (high - low))

    def choice(self, options: Sequence[T]) -> T:
        return options[int(self.unit() * len(options))]

    def weighted(self, options: Sequence[tuple[T, float]]) -> T:
        """One of the first members, with probability proportional to the second."""
        rest = self.unit() * sum(weight for _, weight in options)
        for option, weight in options:
            rest -= weight
            if rest < 0:
                return option
        return options[-1][0]
