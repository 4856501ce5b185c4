"""How far landmarks are from each other: the NE that everything here is measured in."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fpm_edge_runtime.errors import DataError

__all__ = ["Errors", "Points", "check_points", "distance", "normalized_error"]

Points = NDArray[np.floating[Any]]
Errors = NDArray[np.float64]


def normalized_error(predicted: Points, truth: Points, sizes: NDArray[Any]) -> Errors:
    """The paper's NE of every point: the L2 distance in normalised coordinates.

    NE = ‖(x̂/w, ŷ/h) − (x/w, y/h)‖₂ (FPM paper, section 4, after Liu et al., "Fashion landmark detection in the wild",
    ECCV 2016). Its mean over points is the figure that the paper reports.

    Args:
        predicted, truth: (pictures, landmarks, 2) x, y in pixels of the picture.
        sizes: (pictures, 2) width and height of the pictures, pixels.

    Returns:
        (pictures, landmarks) float64. Points without a label get a number too: choose with `point_mask`.

    Raises:
        DataError: shapes do not fit, or a size is not positive.
    """
    check_points(predicted, truth)
    if sizes.shape != (len(predicted), 2) or not (sizes > 0).all():
        raise DataError(f"sizes have shape {sizes.shape}; expected ({len(predicted)}, 2), width and height, positive")
    return distance(predicted, truth, sizes.astype(np.float64)[:, np.newaxis, :])


def check_points(predicted: Points, truth: Points) -> None:
    """Raise DataError where the two are not (pictures, landmarks, 2) of the same size."""
    if predicted.ndim != 3 or predicted.shape[2] != 2 or predicted.shape != truth.shape:
        raise DataError(
            f"predicted {predicted.shape} and true {truth.shape} landmarks must both be (pictures, landmarks, 2)"
        )


def distance(predicted: Points, truth: Points, unit: NDArray[np.float64] | np.float64) -> Errors:
    """L2 distance in units of `unit`; inf where `predicted` is not finite."""
    finite = np.asarray(np.isfinite(predicted).all(axis=-1))
    answered = np.where(finite[..., np.newaxis], predicted, 0.0).astype(np.float64)
    distance = np.sqrt(np.square((answered - truth.astype(np.float64)) / unit).sum(axis=-1))
    return np.where(finite, distance, np.inf)
