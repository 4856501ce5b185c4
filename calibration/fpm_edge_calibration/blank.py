"""Pictures that calibrate nothing."""

import numpy as np
from numpy.typing import NDArray

from fpm_edge_runtime.pixels.blank import is_one_colour

__all__ = ["is_blank"]


def is_blank(image: NDArray[np.uint8]) -> bool:
    """Whether a network input shows nearly one colour, apart from the black around a letterboxed picture.

    Args:
        image: (height, width, 3) uint8.
    """
    pixels = image.reshape(-1, image.shape[-1])
    lit = pixels[pixels.any(axis=1)]
    return len(lit) == 0 or is_one_colour(lit)
