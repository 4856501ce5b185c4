"""Ground truth of rendered garments, kept on disk: pictures are drawn again when wanted, their landmarks are not."""

from __future__ import annotations

import hashlib
import io
import os
import zipfile
import zlib
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path

import numpy as np
import PIL
from numpy.typing import NDArray

from fpm_edge_runtime.files import write_atomically

__all__ = ["Truths", "cache_file", "load_truths", "save_truths"]


@dataclass(frozen=True, eq=False)
class Truths:
    """Ground truth of the garments 0..n−1 of one rendered data set.

    Attributes:
        landmarks: (n, L, 2) float32, pixels; (−1, −1) where not labelled.
        visibility: (n, L) int8 in {−1, 0, 1}.
        categories: (n,) int8, index into the schema's categories.
    """

    landmarks: NDArray[np.float32]
    visibility: NDArray[np.int8]
    categories: NDArray[np.int8]

    def __len__(self) -> int:
        return len(self.categories)

    def first(self, count: int) -> Truths:
        """The first `count` of them."""
        return Truths(self.landmarks[:count], self.visibility[:count], self.categories[:count])

    def then(self, other: Truths) -> Truths:
        """These, followed by `other`."""
        return Truths(
            np.concatenate([self.landmarks, other.landmarks]),
            np.concatenate([self.visibility, other.visibility]),
            np.concatenate([self.categories, other.categories]),
        )

    @classmethod
    def none(cls, landmarks: int) -> Truths:
        """Of no garments."""
        return cls(np.empty((0, landmarks, 2), np.float32), np.empty((0, landmarks), np.int8), np.empty(0, np.int8))


@cache
def _renderer_version() -> str:
    """Digest of the renderer's source and of what it draws with: another one may draw other garments."""
    total = hashlib.sha256(f"numpy {np.__version__} Pillow {PIL.__version__}".encode())
    folder = resources.files("fpm_edge.render")
    for file in sorted(folder.iterdir(), key=lambda file: file.name):
        if file.name.endswith(".py"):
            total.update(file.name.encode() + b"\0" + file.read_bytes())
    return total.hexdigest()[:16]


def cache_file(seed: int, size: int) -> Path | None:
    """Where the truths of a seed and size are kept: below XDG_CACHE_HOME, or else ~/.cache; None without a home."""
    home = os.environ.get("XDG_CACHE_HOME", "")
    try:
        base = Path(home) if Path(home).is_absolute() else Path.home() / ".cache"
    except RuntimeError:
        return None
    return base / "fpm-edge" / f"rendered-{_renderer_version()}-{seed}-{size}.npz"


def load_truths(path: Path, landmarks: int, categories: int) -> Truths:
    """The truths in a cache file; none if there is no such file or it is damaged, for then they are drawn anew."""
    try:
        # Opened here, because np.load leaves a damaged file open.
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            truths = Truths(arrays["landmarks"], arrays["visibility"], arrays["categories"])
    except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile, zlib.error, NotImplementedError):
        return Truths.none(landmarks)
    none = Truths.none(landmarks)
    for mine, kind in (
        (truths.landmarks, none.landmarks),
        (truths.visibility, none.visibility),
        (truths.categories, none.categories),
    ):
        if mine.dtype != kind.dtype or mine.shape[1:] != kind.shape[1:] or len(mine) != len(truths.visibility):
            return none
    sound = np.isfinite(truths.landmarks).all() and np.isin(truths.visibility, (-1, 0, 1)).all()
    if not sound or ((truths.categories < 0) | (truths.categories >= categories)).any():
        return none
    return truths


def save_truths(path: Path, truths: Truths) -> None:
    """Write a cache file; another process reads the old one or the new one, never half of it.

    Raises:
        OSError: the folder cannot be written to.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    content = io.BytesIO()
    np.savez(content, landmarks=truths.landmarks, visibility=truths.visibility, categories=truths.categories)
    write_atomically(path, content.getvalue())
