"""Which peaks speak for a category, and which against it."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["signed_members"]


def signed_members(members: Sequence[Sequence[int]], landmarks: int) -> NDArray[np.float32]:
    """(categories + 1, landmarks) float32: +1 where a category has a landmark, −1 where not; the last has none.

    Args:
        members: landmark indices of each category.
        landmarks: L.
    """
    signs = np.full((len(members) + 1, landmarks), -1.0, np.float32)
    for row, indices in zip(signs, members, strict=False):
        row[list(indices)] = 1.0
    return signs
