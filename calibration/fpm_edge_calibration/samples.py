"""Which pictures to calibrate on."""

from collections.abc import Sequence

import numpy as np

from fpm_edge_runtime.errors import DataError, UsageError

__all__ = ["STRATEGIES", "choose_samples"]

STRATEGIES = ("random", "stratified")


def choose_samples(categories: Sequence[str], count: int, *, strategy: str = "stratified", seed: int = 0) -> list[int]:
    """Indices of `count` pictures, always the same for the same arguments, in ascending order.

    Args:
        categories: the category of each picture.
        count: how many to take.
        strategy: ``random``, or ``stratified``: as evenly over the categories as their sizes allow.
        seed: of the draw.

    Raises:
        DataError: there are fewer pictures than asked for.
        UsageError: unknown strategy, or a count below 1.
    """
    if count < 1:
        raise UsageError(f"{count} calibration samples; expected at least 1")
    if strategy not in STRATEGIES:
        raise UsageError(f"unknown sample strategy {strategy!r}; expected one of: {', '.join(STRATEGIES)}")
    if len(categories) < count:
        raise DataError(
            f"the calibration data has {len(categories)} pictures, {count} are needed; give more, or ask for fewer"
        )
    generator = np.random.default_rng(seed)
    order = generator.permutation(len(categories))
    if strategy == "random":
        return sorted(int(i) for i in order[:count])
    queues: dict[str, list[int]] = {name: [] for name in sorted(set(categories))}
    for index in order:
        queues[categories[int(index)]].append(int(index))
    chosen: list[int] = []
    while len(chosen) < count:
        for queue in queues.values():
            if queue and len(chosen) < count:
                chosen.append(queue.pop())
    return sorted(chosen)
