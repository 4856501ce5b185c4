"""When a further stage would change nothing: how far the clear landmarks moved between two stages."""

import math
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from fpm_edge_runtime.bundle.manifest import Convergence
from fpm_edge_runtime.errors import UsageError

__all__ = ["CLEAR_PEAK", "moved_px", "still_px"]

CLEAR_PEAK = 0.25
"""A heatmap this high at its peak is clear about where its landmark is (decision 0007)."""


def moved_px(
    before: NDArray[np.float32], after: NDArray[np.float32], scores: NDArray[np.float32], labelled: NDArray[np.bool_]
) -> float:
    """The largest distance between the landmarks of two stages, over those that count.

    Args:
        before, after: (landmarks, 2) float32, x and y; the earlier and the later stage.
        scores: (landmarks,) float32, heights of the later stage's peaks.
        labelled: (landmarks,) bool, those of the garment's category.

    Returns:
        In the unit of the landmarks; infinite where no landmark of the category has a clear peak, for then nothing is
        settled.
    """
    counted = labelled & (scores >= CLEAR_PEAK)
    if not counted.any():
        return math.inf
    apart = after[counted] - before[counted]
    return math.sqrt(float(np.einsum("ij,ij->i", apart, apart).max()))


def still_px(converge_px: float | Literal["fitted"], fitted: Convergence | None) -> float:
    """Pixels of the input within which landmarks count as still.

    Args:
        converge_px: as for `Session.detect`.
        fitted: `Manifest.convergence`.

    Raises:
        UsageError: it is negative or no number, or nothing was fitted.
    """
    if converge_px == "fitted":
        if fitted is None:
            raise UsageError(
                "converge_px is 'fitted', and the bundle has no such value (Manifest.convergence); give pixels of "
                "the input, or convert the model again with three stages or more"
            )
        return fitted.px
    if isinstance(converge_px, str) or not converge_px >= 0:
        raise UsageError(f"converge_px is {converge_px!r}; expected pixels of the input, 0 or more, or 'fitted'")
    return converge_px
