"""Which samples a rule is tried on that it was not fitted to."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["FOLDS", "folds_of"]

FOLDS = 5


def folds_of(kinds: Sequence[str], groups: Sequence[str]) -> NDArray[np.intp]:
    """(samples,) the fold of each, 0 to 4: every kind in turn, and samples of one group in one fold.

    Args:
        kinds: what is to be spread over the folds alike, such as categories.
        groups: what must not be torn apart, such as photographs.
    """
    fold_of: dict[str, int] = {}
    seen: dict[str, int] = {}
    for kind, group in zip(kinds, groups, strict=True):
        if group not in fold_of:
            fold_of[group] = seen.get(kind, 0) % FOLDS
            seen[kind] = seen.get(kind, 0) + 1
    return np.array([fold_of[group] for group in groups], np.intp)
