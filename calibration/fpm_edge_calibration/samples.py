"""A draw of pictures, even over strata."""

from collections.abc import Sequence

import numpy as np

from fpm_edge_runtime.errors import DataError, UsageError

__all__ = ["choose_samples"]


def choose_samples(strata: Sequence[str], count: int, *, seed: int = 0) -> list[int]:
    """Indices of `count` pictures, as evenly over their strata as these are large; in ascending order.

    Always the same for the same arguments.

    Args:
        strata: the stratum of each picture; all alike for a plain random draw.
        count: how many to take.
        seed: of the draw.

    Raises:
        DataError: there are fewer pictures than asked for.
        UsageError: a count below 1.
    """
    if count < 1:
        raise UsageError(f"{count} calibration samples; expected at least 1")
    if len(strata) < count:
        raise DataError(
            f"the calibration data has {len(strata)} pictures, {count} are needed; give more, or ask for fewer"
        )
    queues: dict[str, list[int]] = {name: [] for name in sorted(set(strata))}
    for index in np.random.default_rng(seed).permutation(len(strata)):
        queues[strata[int(index)]].append(int(index))
    chosen: list[int] = []
    while len(chosen) < count:
        for queue in queues.values():
            if queue and len(chosen) < count:
                chosen.append(queue.pop())
    return sorted(chosen)
