"""Whether two paths mean one file: by what the system says, not by how they are written."""

import os
import unicodedata
from collections.abc import Hashable, Iterable, Mapping
from pathlib import Path

__all__ = ["place", "same_among"]


def place(path: Path) -> Hashable:
    """Equal for paths of one file or folder, whether it is there or not: links, case and ``..`` notwithstanding.

    A file that is there is told by its device and number, so that hard links are one file. One that is not is told by
    its folder and its name; where case does not count in that folder, it does not count here.
    """
    try:
        there = path.stat()
    except (OSError, ValueError):
        folder, name = os.path.split(os.path.realpath(path))
        above = Path(folder)
        if above == Path(path):
            return folder
        return place(above), _folded(name) if _ignores_case(above) else name
    return there.st_dev, there.st_ino


def same_among(path: Path, others: Mapping[Hashable, Path] | Iterable[Path]) -> Path | None:
    """The first of `others` that is the same file as `path`, which is there; None where none is, or nothing is there.

    Args:
        path: one file.
        others: paths, or such by their `place`.
    """
    if not path.exists():
        return None
    where = place(path)
    if isinstance(others, Mapping):
        return others.get(where)
    return next((other for other in others if place(other) == where), None)


def _ignores_case(folder: Path) -> bool:
    """Whether names that differ by case are one name there; by the folder's own name, or that of one above it."""
    for above in (folder, *folder.parents):
        swapped = above.with_name(above.name.swapcase()) if above.name else above
        if swapped == above or not above.exists():
            continue
        try:
            return swapped.samefile(above)
        except OSError:
            return False
    return False


def _folded(name: str) -> str:
    """Systems that take no notice of case take none of how accents are composed either."""
    return unicodedata.normalize("NFC", name).casefold()
