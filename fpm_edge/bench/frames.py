"""The pictures that are looked at."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from fpm_edge_runtime.errors import DataError
from fpm_edge_runtime.pixels.image import load_image

__all__ = ["Frames", "read_frames", "synthetic_frames"]

# So many different ones are looked at in turn.
_PICTURES = 8

_SUFFIXES = {".bmp", ".jpeg", ".jpg", ".png", ".webp"}


@dataclass(frozen=True, eq=False)
class Frames:
    """Pictures in memory.

    Attributes:
        name: what they are, in words.
        pictures: each (height, width, 3) uint8 RGB.
    """

    name: str
    pictures: tuple[NDArray[np.uint8], ...]

    @property
    def sizes(self) -> tuple[tuple[int, int], ...]:
        """The distinct ones, (width, height) in pixels."""
        return tuple(dict.fromkeys((picture.shape[1], picture.shape[0]) for picture in self.pictures))

    def of(self, number: int) -> NDArray[np.uint8]:
        """The picture of the `number`-th query."""
        return self.pictures[number % len(self.pictures)]


def synthetic_frames(width: int, height: int) -> Frames:
    """Soft patches of colour, the same on every device. What a network sees hardly changes how long it takes."""
    dice = np.random.default_rng(0)
    patches = dice.integers(0, 256, (_PICTURES, 12, 16, 3), np.uint8)
    grown = (Image.fromarray(one).resize((width, height), Image.Resampling.BICUBIC) for one in patches)
    return Frames(f"synthetic, {_PICTURES} pictures", tuple(np.array(one, np.uint8) for one in grown))


def read_frames(folder: Path) -> Frames:
    """Eight pictures of a folder, spread evenly over their names.

    Raises:
        DataError: there is no such folder, or no picture in it.
        ImageError: one cannot be read.
    """
    if not folder.is_dir():
        raise DataError(f"{folder} is not a folder; expected one with pictures")
    files = sorted(path for path in folder.iterdir() if path.suffix.lower() in _SUFFIXES)
    if not files:
        raise DataError(f"{folder} has no pictures; expected files that end in {', '.join(sorted(_SUFFIXES))}")
    chosen = dict.fromkeys(np.linspace(0, len(files) - 1, min(_PICTURES, len(files))).round().astype(int).tolist())
    pictures = tuple(load_image(files[index]) for index in chosen)
    return Frames(f"{folder.name}, {len(pictures)} of {len(files)} pictures", pictures)
