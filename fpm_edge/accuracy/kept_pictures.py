"""Pictures that several models look at in turn: decoded, or drawn, once."""

from collections.abc import Hashable

import numpy as np
from numpy.typing import NDArray

from fpm_edge.data import Record, read_image

__all__ = ["KeptPictures"]

_KEPT_BYTES = 512_000_000


class KeptPictures:
    """Reads the pictures of one data set, and keeps as many as fit; the others are read anew each time.

    Args:
        limit: bytes of pixels to keep at most.
    """

    def __init__(self, limit: int = _KEPT_BYTES) -> None:
        self._left = limit
        self._pictures: dict[Hashable, NDArray[np.uint8]] = {}

    def __call__(self, record: Record) -> NDArray[np.uint8]:
        """The picture of a record, as `read_image` gives it, with the same errors."""
        known = self._pictures.get(record.image)
        if known is not None:
            return known
        picture = read_image(record)
        if picture.nbytes <= self._left:
            self._left -= picture.nbytes
            self._pictures[record.image] = picture
        return picture
