"""Name of a picture → its file, and how large that is."""

from __future__ import annotations

from pathlib import Path

from PIL import ExifTags, Image

from fpm_edge.data.files import ANNOTATION_FOLDERS
from fpm_edge_runtime.image import FORMATS, MAX_PIXELS

__all__ = ["ImageFinder", "picture_size"]

# EXIF orientations that swap width and height.
_ON_THEIR_SIDE = (5, 6, 7, 8)


class ImageFinder:
    """Name of a picture → its file and size.

    A name is looked for in each root in turn, and after that, without its folders, in ``images`` below each root:
    sets that are passed on often keep the names of the original but flatten its folders.
    """

    def __init__(self, annotations: Path, images: Path | None = None) -> None:
        folder = annotations.parent
        beside = [folder.parent, folder] if folder.name.lower() in ANNOTATION_FOLDERS else [folder]
        self._roots = [images] if images is not None else beside
        self._found: dict[str, tuple[Path | None, tuple[int, int]]] = {}

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
            flat = [root / "images" / Path(name).name for root in self._roots]
            path = next((p for p in (*(root / name for root in self._roots), *flat) if _is_file(p)), None)
            self._found[name] = path, (0, 0) if path is None else picture_size(path)
        return self._found[name]


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
