"""Worst-case mining: calibrate on the pictures that quantization hurts."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["swap_worst"]


def swap_worst(chosen: Sequence[int], moved: NDArray[np.float64], count: int) -> list[int]:
    """`chosen` with its `count` least moved pictures replaced by the most moved ones that were not chosen.

    A picture is swapped in only for one that moved less; ties go to the lower index. In ascending order.

    Args:
        chosen: indices of pictures.
        moved: (pictures,) how far each one's landmarks move when quantized.
    """
    inside = sorted(chosen, key=lambda i: (moved[i], i))
    outside = sorted(set(range(len(moved))) - set(chosen), key=lambda i: (-moved[i], i))
    pairs = [(old, new) for old, new in zip(inside[:count], outside, strict=False) if moved[new] > moved[old]]
    return sorted((set(chosen) - {old for old, _ in pairs}) | {new for _, new in pairs})
