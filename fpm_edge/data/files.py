"""Finding the files of a data set: the annotation file in a folder, and the pictures that it names."""

from __future__ import annotations

import csv
import gzip
import io
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from PIL import ExifTags, Image

from fpm_edge.data.location import local_path
from fpm_edge_runtime.errors import DataError, UsageError
from fpm_edge_runtime.image import MAX_PIXELS

__all__ = ["ImageFinder", "annotation_file", "data_name", "open_text", "picture_size", "read_csv"]

# Folders that data sets keep their annotation files in, beside the pictures.
_ANNOTATION_FOLDERS = {"annotations", "anno"}
# EXIF orientations that swap width and height.
_ON_THEIR_SIDE = (5, 6, 7, 8)


def annotation_file(location: str, patterns: Sequence[str]) -> Path:
    """The file at `location`, or in the folder at `location` the first that matches one of `patterns`.

    Raises:
        DataError: nothing there, or no match in the folder.
        UsageError: several files match the same pattern; naming one is up to the caller.
    """
    path = local_path(location)
    if path.is_file():
        return path
    if not path.is_dir():
        raise DataError(f"{path}: no such file or folder; expected an annotation file or the folder of a data set")
    for pattern in patterns:
        found = sorted(path.glob(pattern))
        if len(found) > 1:
            names = ", ".join(str(file.relative_to(path)) for file in found)
            raise UsageError(f"{path} holds several annotation files ({names}); name the one to read")
        if found:
            return found[0]
    raise DataError(f"{path}: no annotation file in this folder; expected one of: {', '.join(patterns)}")


def data_name(path: Path) -> str:
    """A short name of a data set: that of its file or, where all such files are called the same, of its folder."""
    stem = path.name.split(".")[0]
    if stem.lower() not in {"annotations", "list_landmarks", "joints", "joints_subset"}:
        return stem
    folder = path.resolve().parent
    return folder.parent.name if folder.name.lower() in _ANNOTATION_FOLDERS else folder.name


class ImageFinder:
    """Name of a picture → its file and size.

    A name is looked for in each root in turn, and after that, without its folders, in ``images`` below each root:
    sets that are passed on often keep the names of the original but flatten its folders.
    """

    def __init__(self, annotations: Path, images: Path | None = None) -> None:
        folder = annotations.parent
        beside = [folder.parent, folder] if folder.name.lower() in _ANNOTATION_FOLDERS else [folder]
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
        with Image.open(path) as picture:
            width, height = picture.size
            turned = picture.getexif().get(ExifTags.Base.Orientation) in _ON_THEIR_SIDE
    except Exception:
        # Headers of damaged files raise nearly anything (struct.error, SyntaxError, ...).
        return 0, 0
    if width * height > MAX_PIXELS:
        return 0, 0
    return (height, width) if turned else (width, height)


@contextmanager
def open_text(path: Path) -> Iterator[io.TextIOBase]:
    """A UTF-8 text file, gzip-compressed if its name ends in .gz.

    Raises:
        DataError: while opening or reading: not readable, not gzip, cut short, or not UTF-8.
    """
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as raw:
            yield io.TextIOWrapper(raw, encoding="utf-8-sig", newline="")
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path}: cannot be read: {error}") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: not UTF-8 text (byte {error.start}: {error.reason}); expected text") from error


def read_csv(path: Path, fields: Sequence[str], landmarks: Sequence[str]) -> Iterator[tuple[str, list[str]]]:
    """The rows of a CSV file with exactly the columns `fields` and `landmarks`, in any order.

    Yields:
        ("line 12", cells), the cells put into the order of `fields` and then `landmarks`. A row with another number
        of cells is yielded as it is, for the caller to refuse.

    Raises:
        DataError: the columns are not those, or the file cannot be read.
    """
    expected = [*fields, *landmarks]
    with open_text(path) as text:
        reader = csv.reader(text)
        try:
            header = [column.strip() for column in next(reader, [])]
            _check_columns(path, header, expected)
            order = [header.index(column) for column in expected]
            straight = order == list(range(len(order)))
            for cells in reader:
                if cells:
                    whole = len(cells) == len(order)
                    yield f"line {reader.line_num}", [cells[i] for i in order] if whole and not straight else cells
        except csv.Error as error:
            raise DataError(f"{path}, line {reader.line_num}: not CSV: {error}") from error


def _check_columns(path: Path, header: list[str], expected: list[str]) -> None:
    missing = [column for column in expected if column not in header]
    unknown = [column for column in header if column not in expected]
    twice = sorted({column for column in header if header.count(column) > 1})
    problems = [
        f"{label}: {', '.join(columns[:30])}"
        for label, columns in (("missing", missing), ("unknown", unknown), ("twice", twice))
        if columns
    ]
    if problems:
        raise DataError(
            f"{path}, line 1: not the {len(expected)} columns expected; {'; '.join(problems)}. "
            f"Expected, in any order: {', '.join(expected)}"
        )
