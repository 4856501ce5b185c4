"""Pictures and heatmaps as the files of numbers that a client reads."""

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Files", "noise", "spots"]


class Files:
    """A folder of raw numbers; the same numbers are the same file."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def raw(self, numbers: NDArray[Any]) -> Path:
        """The numbers as a file, little-endian."""
        content = np.ascontiguousarray(numbers).astype(numbers.dtype.newbyteorder("<")).tobytes()
        path = self.folder / f"{hashlib.sha256(content).hexdigest()[:20]}.raw"
        if not path.exists():
            path.write_bytes(content)
        return path

    def picture(self, pixels: NDArray[np.uint8]) -> dict[str, Any]:
        """The fields by which a request names a picture, (height, width, 3) uint8 RGB."""
        return {"image": self.raw(pixels), "width": pixels.shape[1], "height": pixels.shape[0]}


def noise(width: int, height: int, seed: int = 0) -> NDArray[np.uint8]:
    """(height, width, 3) uint8 RGB, each value by chance."""
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


def spots(width: int, height: int, places: list[tuple[float, float]], sigma: float) -> NDArray[np.uint8]:
    """A black picture with a red, a green and a blue spot at these places, (x, y) in pixels."""
    rows, columns = np.mgrid[:height, :width]
    image = np.zeros((height, width, 3), np.uint8)
    for channel, (x, y) in enumerate(places):
        image[..., channel] = np.round(255 * np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * sigma**2)))
    return image
