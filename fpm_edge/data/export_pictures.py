"""The pictures of a data set that is written anew: their names, and their bytes as they are."""

from __future__ import annotations

import io
import os
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from PIL import Image

from fpm_edge.data.images import picture_size
from fpm_edge.data.photographs import without_number
from fpm_edge.data.record import Record, read_encoded, read_image
from fpm_edge_calibration.png import png_bytes
from fpm_edge_runtime.errors import DataError, ImageError
from fpm_edge_runtime.files import sync_folder

__all__ = ["WrittenPicture", "picture_names", "write_pictures"]

_SUFFIXES = {".bmp", ".gif", ".heic", ".jpeg", ".jpg", ".mpo", ".png", ".ppm", ".tif", ".tiff", ".webp"}
# What a name may not have in it on some file system.
_FORBIDDEN = re.compile(r'[\\:*?"<>|\x00-\x1f]')


@dataclass(frozen=True)
class WrittenPicture:
    """A picture in the new folder: its name relative to that, and its size upright, pixels."""

    name: str
    width: int
    height: int


def picture_names(records: Sequence[Record], reserved: Collection[str]) -> tuple[dict[str, str], int]:
    """`Record.photograph` → name of its file: the one that it had, where that can be.

    Args:
        records: of the data set.
        reserved: names that are taken.

    Returns:
        names: of the photographs, in the order of the records; each once, also where case does not count.
        renamed: how many had to be called otherwise.
    """
    names: dict[str, str] = {}
    taken = {name.lower() for name in reserved}
    renamed = 0
    for record in records:
        if record.photograph in names:
            continue
        wanted = without_number(record.identifier)
        if PurePosixPath(wanted).suffix.lower() not in _SUFFIXES:
            wanted += _suffix(record)
        name = wanted if _is_plain(wanted) else _plain(wanted)
        path, number = PurePosixPath(name), 1
        while name.lower() in taken:
            number += 1
            name = str(path.with_name(f"{path.stem}-{number}{path.suffix}"))
        renamed += name != wanted
        taken.add(name.lower())
        names[record.photograph] = name
    return names, renamed


def _suffix(record: Record) -> str:
    """Of a picture whose name has none."""
    data = read_encoded(record)
    if data is None:
        return ".png"
    try:
        with Image.open(io.BytesIO(data)) as picture:
            form = (picture.format or "").lower()
    except Exception as error:
        # Headers of damaged files raise nearly anything.
        raise ImageError(f"{record.identifier} is no picture, or damaged: {error}; leave its row out") from error
    return {"jpeg": ".jpg", "mpo": ".jpg", "tiff": ".tif"}.get(form, f".{form}")


def _is_plain(name: str) -> bool:
    """Whether it is a relative path that stays in its folder, on every file system, and that a CSV file keeps."""
    parts = name.split("/")
    return name == name.strip() and not _FORBIDDEN.search(name) and not {"", ".", ".."} & set(parts)


def _plain(name: str) -> str:
    """The last part of a name, as `_is_plain` wants it."""
    last = _FORBIDDEN.sub("-", name.replace("\\", "/").rstrip("/ ").rsplit("/", 1)[-1]).strip()
    return f"pictures/{last.strip('.') or 'picture.png'}"


def write_pictures(
    records: Sequence[Record], names: Mapping[str, str], folder: Path, advance: Callable[[], None]
) -> dict[str, WrittenPicture]:
    """Write each photograph once, flushed to disk: the bytes of its file, or PNG where it is drawn.

    Args:
        records: of the data set.
        names: of `picture_names`.
        folder: where; it exists.
        advance: called after each picture.

    Returns:
        `Record.photograph` → what was written.

    Raises:
        DataError: a picture cannot be read, or the disk refused.
    """
    written: dict[str, WrittenPicture] = {}
    folders = {folder}
    for record in records:
        if record.photograph in written:
            continue
        name = names[record.photograph]
        path = folder / name
        data = read_encoded(record)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("xb") as file:
                file.write(png_bytes(Image.fromarray(read_image(record))) if data is None else data)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise DataError(f"{path}: cannot be written: {error.strerror or error}") from error
        folders.update(parent for parent in path.parents if parent.is_relative_to(folder))
        width, height = picture_size(path)
        if width == 0:
            raise ImageError(f"{record.identifier} is no picture, damaged, or too large; leave its row out")
        written[record.photograph] = WrittenPicture(name, width, height)
        advance()
    for parent in folders:
        sync_folder(parent)
    return written
