"""Name of a picture → its file, and how large that is."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from PIL import ExifTags, Image

from fpm_edge.data.files import ANNOTATION_FOLDERS
from fpm_edge_runtime.pixels.image import FORMATS, MAX_PIXELS

__all__ = ["ImageFinder", "doubtful", "picture_size"]

# EXIF orientations that swap width and height.
_ON_THEIR_SIDE = (5, 6, 7, 8)


class ImageFinder:
    """Name of a picture → its file and size.

    A name is looked for in each root in turn, and after that, without its folders, in ``images`` below each root:
    sets that are passed on often keep the names of the original but flatten its folders. What was found so is in doubt
    where another name leads to the same file: see `doubtful`.
    """

    def __init__(self, annotations: Path, images: Path | None = None) -> None:
        folder = annotations.parent
        beside = [folder.parent, folder] if folder.name.lower() in ANNOTATION_FOLDERS else [folder]
        self._roots = [images] if images is not None else beside
        self._found: dict[str, tuple[Path | None, tuple[int, int]]] = {}
        self._flat: set[str] = set()

    @property
    def roots(self) -> str:
        """Where pictures are looked for, for messages."""
        return ", ".join(str(root) for root in self._roots)

    def guess(self, name: str) -> Path:
        """Where the picture belongs, without looking."""
        return self._roots[0] / name

    def find(self, name: str) -> tuple[Path | None, tuple[int, int]]:
        """File and (width, height) of a picture; None if there is no such file, (0, 0) if it cannot be read."""
        if name not in self._found:
            path = next((p for p in (root / name for root in self._roots) if _is_file(p)), None)
            if path is None:
                flat = (root / "images" / Path(name).name for root in self._roots)
                path = next((p for p in flat if _is_file(p)), None)
                self._flat.add(name)
            self._found[name] = path, (0, 0) if path is None else picture_size(path)
        return self._found[name]

    def served(self) -> dict[str, Path]:
        """The names that were looked for → their files, without those that are missing."""
        return {name: path for name, (path, _) in self._found.items() if path is not None}

    def is_flat(self, name: str) -> bool:
        """Whether a picture was found without the folders of its name, or not at all."""
        return name in self._flat


def doubtful(finders: Iterable[ImageFinder]) -> dict[tuple[ImageFinder, str], str]:
    """The names whose pictures were found without their folders, in a file that another name leads to as well.

    Returns:
        Finder and name → one of the other names.
    """
    names: dict[str, dict[str, str]] = {}
    flat: list[tuple[ImageFinder, str, str]] = []
    for finder in finders:
        for name, path in finder.served().items():
            file = os.path.normpath(path)
            names.setdefault(file, {}).setdefault(_plain(name), name)
            if finder.is_flat(name):
                flat.append((finder, name, file))
    return {
        (finder, name): next(other for plain, other in names[file].items() if plain != _plain(name))
        for finder, name, file in flat
        if len(names[file]) > 1
    }


def _plain(name: str) -> str:
    """The same for names that mean the same: one without folders is in ``images`` by itself."""
    plain = os.path.normpath(name)
    return plain if os.sep in plain else f"images{os.sep}{plain}"


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:
        # A name longer than the file system allows, or a folder without permission.
        return False


def picture_size(path: Path) -> tuple[int, int]:
    """(width, height) of a picture file, upright as `load_image` reads it, from its header; (0, 0) if it is not one."""
    try:
        with Image.open(path, formats=FORMATS) as picture:
            # Pillow says of an unread TIFF, in some versions, how large it will be upright, of all else what is stored.
            tags = getattr(picture, "tag_v2", {}) if picture.format == "TIFF" else {}
            width = int(tags.get(ExifTags.Base.ImageWidth, picture.width))
            height = int(tags.get(ExifTags.Base.ImageLength, picture.height))
            turned = picture.getexif().get(ExifTags.Base.Orientation) in _ON_THEIR_SIDE
    except Exception:
        # Headers of damaged files raise nearly anything (struct.error, SyntaxError, ...).
        return 0, 0
    if width * height > MAX_PIXELS:
        return 0, 0
    return (height, width) if turned else (width, height)
