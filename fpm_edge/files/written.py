"""Files that a library writes which may lose what it is given without a word: reopened, and counted."""

import os
from collections.abc import Callable
from pathlib import Path

from fpm_edge_runtime.errors import DataError
from fpm_edge_runtime.files import naming

__all__ = ["check_written", "count_records"]

# A TFRecord is its length (8 bytes), a checksum of that (4), the payload, and a checksum of the payload (4).
_LENGTH, _BEFORE, _AFTER = 8, 12, 4


def check_written(written: Path, name: Path, given: int, what: str, count: Callable[[Path], int]) -> None:
    """Flush a file to disk, read it again, and count.

    Args:
        written: the file, which its writer has closed.
        name: what messages call it: the place that it will get.
        given: how much its writer was given.
        what: of, in the plural, such as ``frames``.
        count: how much is in a file.

    Raises:
        OSError: the disk refused; names `name`.
        DataError: the file does not hold what was given; says how much it holds.
    """
    with naming(name):
        # Some file systems say that they are full only now.
        handle = os.open(written, os.O_RDWR)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
        found = count(written)
    if found != given:
        raise DataError(
            f"{name} cannot be written: of {given} {what} the file would hold {found}; the disk is full or failed, "
            "make room"
        )


def count_records(path: Path) -> int:
    """Whole records of a TFRecord file, by their lengths; one that was cut is none."""
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        at = number = 0
        while at < size:
            file.seek(at)
            at += _BEFORE + int.from_bytes(file.read(_LENGTH), "little") + _AFTER
            number += at <= size
    return number
