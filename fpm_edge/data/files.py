"""The annotation file of a data set: finding it in a folder, and reading its text."""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from fpm_edge.data.location import local_path
from fpm_edge.data.problems import ProblemKind
from fpm_edge.data.rows import BadRowError
from fpm_edge_runtime.errors import DataError, UsageError

__all__ = ["ANNOTATION_FOLDERS", "annotation_file", "check_line", "data_name", "open_text", "words_of"]

ANNOTATION_FOLDERS = frozenset({"annotations", "anno"})
"""Folders, in lower case, that data sets keep their annotation files in, beside the pictures."""


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
    return folder.parent.name if folder.name.lower() in ANNOTATION_FOLDERS else folder.name


@contextmanager
def open_text(path: Path, *, any_bytes: bool = False) -> Iterator[io.TextIOBase]:
    """A UTF-8 text file, gzip-compressed if its name ends in .gz.

    Args:
        path: of the file.
        any_bytes: let bytes through that are not UTF-8, for `check_line` to refuse them line by line.

    Raises:
        DataError: while opening or reading: not readable, not gzip, cut short, or not UTF-8.
    """
    errors = "surrogateescape" if any_bytes else "strict"
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as raw:
            yield io.TextIOWrapper(raw, encoding="utf-8-sig", errors=errors, newline="")
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path}: cannot be read: {error}") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: not UTF-8 text (byte {error.start}: {error.reason}); expected text") from error


def words_of(line: str) -> list[str] | BadRowError:
    """The words of a line of `open_text(path, any_bytes=True)`, or what is wrong with it."""
    try:
        check_line(line)
    except BadRowError as error:
        return error
    return line.split()


def check_line(line: str) -> None:
    """Raise BadRowError for a line of `open_text(path, any_bytes=True)` that is not UTF-8."""
    if not line.isascii() and any("\udc80" <= character <= "\udcff" for character in line):
        raise BadRowError(ProblemKind.MALFORMED_ROW, None, "not UTF-8 text; expected text")
