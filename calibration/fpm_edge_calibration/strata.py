"""What kind of picture a calibration sample is: its category, how much of it is hidden, and how it is posed."""

import numpy as np
from numpy.typing import NDArray

__all__ = ["stratum_of"]

# From the vertical, degrees: what a person standing straight stays under, and where a garment lies on its side.
_UPRIGHT = 15.0
_LYING = 45.0


def stratum_of(category: str, landmarks: NDArray[np.float32], visibility: NDArray[np.int8]) -> str:
    """Category, occlusion and pose in words, such as ``dress, some hidden, upright``.

    Args:
        landmarks: (L, 2) x, y in pixels.
        visibility: (L,) 1 visible, 0 occluded, −1 not labelled.
    """
    return f"{category}, {_occlusion(visibility)}, {_pose(landmarks[visibility >= 0])}"


def _occlusion(visibility: NDArray[np.int8]) -> str:
    labelled = visibility >= 0
    hidden = float((visibility[labelled] == 0).mean()) if labelled.any() else 0.0
    if hidden == 0.0:
        return "all visible"
    return "some hidden" if hidden <= 0.5 else "most hidden"


def _pose(points: NDArray[np.float32]) -> str:
    """Direction of the garment's longer axis, the first principal component of its landmarks."""
    if len(points) < 2:
        return "no pose"
    centred = (points - points.mean(axis=0)).astype(np.float64)
    x, y = np.linalg.eigh(centred.T @ centred)[1][:, -1]
    # The axis has no direction: take the end that points up.
    angle = float(np.degrees(np.arctan2(x, -y) if y < 0 else np.arctan2(-x, y)))
    if abs(angle) < _UPRIGHT:
        return "upright"
    if abs(angle) > _LYING:
        return "wide"
    return "leaning right" if angle > 0 else "leaning left"
