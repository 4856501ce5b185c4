"""Pictures that between them cover a data set: every other one is near a chosen one."""

import numpy as np
from numpy.typing import NDArray

from fpm_edge_runtime.errors import DataError

__all__ = ["farthest_first"]


def farthest_first(features: NDArray[np.float32], count: int) -> list[int]:
    """Indices of `count` rows, each the farthest from those before it; the first is the one nearest to the mean.

    The greedy k-centre algorithm (Gonzalez, "Clustering to minimize the maximum intercluster distance", 1985): no
    choice of as many rows has less than half of its largest distance from a row to the nearest chosen one. Columns
    are brought to unit variance first.

    Args:
        features: (pictures, features) float32.
        count: at most the number of pictures.

    Raises:
        DataError: features that are not finite, or fewer pictures than `count`.
    """
    if len(features) < count:
        raise DataError(f"{len(features)} pictures to choose from, {count} are needed; give more, or ask for fewer")
    if not np.isfinite(features).all():
        raise DataError("the features of a calibration picture are not finite; check the weights")
    centred = (features - features.mean(axis=0)).astype(np.float64)
    deviation = centred.std(axis=0)
    scaled = centred / np.where(deviation > 0, deviation, 1.0)
    chosen = [int(np.argmin((scaled**2).sum(axis=1)))]
    nearest = np.full(len(scaled), np.inf)
    while len(chosen) < count:
        nearest = np.minimum(nearest, ((scaled - scaled[chosen[-1]]) ** 2).sum(axis=1))
        nearest[chosen] = -1.0
        chosen.append(int(np.argmax(nearest)))
    return chosen
