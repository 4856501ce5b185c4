"""The order in which several things take turns."""

from collections.abc import Iterator

import numpy as np

__all__ = ["in_turns"]


def in_turns(count: int, rounds: int, seed: int = 0) -> Iterator[tuple[int, int]]:
    """(number of the round, index of one of `count` things): each once a round, in a new order each round.

    So what else the machine does, and how warm it is, hurts all of them alike.
    """
    generator = np.random.default_rng(seed)
    for number in range(rounds):
        for index in generator.permutation(count):
            yield number, int(index)
