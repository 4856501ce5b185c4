"""Pictures that show nothing: of one colour, or nearly."""

import numpy as np
from numpy.typing import NDArray

__all__ = ["is_one_colour"]

_SPREAD = 8  # codes of 255, about what JPEG and a camera's noise make of a plain wall
_SHARES = (0.01, 0.99)
_LOOKED_AT = 1 << 16  # pixels; enough for shares of a hundredth, whatever the size


def is_one_colour(pixels: NDArray[np.uint8]) -> bool:
    """Whether in each channel 98 % of the pixels lie within 8 codes, so that there is no garment to be seen.

    Args:
        pixels: (..., 3) uint8, at least one.
    """
    rows = pixels.reshape(-1, pixels.shape[-1])
    low, high = np.quantile(rows[:: -(-len(rows) // _LOOKED_AT)], _SHARES, axis=0, method="nearest")
    return bool((high.astype(int) - low <= _SPREAD).all())
