"""FashionAI as the contest shipped it: a folder whose subfolders are the parts (train, warm-up, test A, test B)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from fpm_edge.data.csv_rows import numbered_cells
from fpm_edge.data.files import open_text
from fpm_edge.data.location import local_path
from fpm_edge.data.rows import BadRowError
from fpm_edge_runtime.errors import DataError, UsageError

__all__ = ["PARTS", "TRAINING_PARTS", "Part", "find_parts", "picture_names", "split_selection"]

TRAINING_PARTS = ("train", "warmup")
PARTS = (*TRAINING_PARTS, "test_a", "test_b")

# What a folder's name holds, letters and digits only, in the order to ask: the warm-up's is also called train.
_NAMES = {"testa": "test_a", "testb": "test_b", "warm": "warmup", "train": "train"}
# The archives unpack to folders of several depths, and the test sets' answers were published beside their lists.
_FILES = (
    "annotations.csv",
    "Annotations/*.csv",
    "*.csv",
    "*/Annotations/*.csv",
    "*/*.csv",
)


@dataclass(frozen=True)
class Part:
    """One part of the contest's data.

    Attributes:
        name: one of `PARTS`.
        annotations: its CSV file.
        labelled: whether that has landmarks; the lists that test sets first came with do not.
    """

    name: str
    annotations: Path
    labelled: bool


def split_selection(location: str) -> tuple[Path, tuple[str, ...]]:
    """``DIR#train+warmup`` → the folder and the parts selected; none without ``#``.

    Raises:
        UsageError: a part that there is not, or one named twice.
    """
    path = local_path(location)
    before, mark, after = location.rpartition("#")
    # A folder may have # in its name.
    if not mark or path.exists():
        return path, ()
    chosen = tuple(after.split("+"))
    unknown = [name for name in chosen if name not in PARTS]
    if unknown or len(set(chosen)) < len(chosen):
        raise UsageError(
            f"{location}: {after!r} selects no parts; expected one or more of {', '.join(PARTS)}, each once and "
            "joined by +, such as #train+warmup"
        )
    return local_path(before), chosen


def find_parts(folder: Path) -> dict[str, Part]:
    """The parts in a folder by name, in the order of `PARTS`; empty if there are none.

    A part's folder has ``train``, ``warm``, ``test_a`` or ``test_b`` in its name, in any case and punctuation, and a
    CSV file in it, in its folder ``Annotations``, or one folder further down.

    Raises:
        UsageError: two subfolders, or two files of one, could be the same part.
        DataError: a file cannot be read.
    """
    found: dict[str, tuple[Path, Part]] = {}
    for child in sorted(folder.iterdir()) if folder.is_dir() else ():
        name = _part_of(child.name) if child.is_dir() else None
        part = None if name is None else _part_in(child, name)
        if part is None:
            continue
        if part.name in found:
            raise UsageError(
                f"{folder}: both {found[part.name][0].name} and {child.name} could be the part {part.name}; "
                "rename or move one of them"
            )
        found[part.name] = child, part
    return {name: found[name][1] for name in PARTS if name in found}


def picture_names(part: Part) -> frozenset[str]:
    """The file names, without folders, of all pictures that a part names.

    Raises:
        DataError: there is no such column, or a row that does not say which picture it is of.
    """
    names: set[str] = set()
    column: int | None = None
    for number, cells in numbered_cells(part.annotations):
        where = f"{part.annotations}, line {number}"
        if isinstance(cells, BadRowError):
            raise DataError(f"{where}: {cells.problem}. Training leaves out the pictures that {part.name} names")
        if column is None:
            header = [cell.strip() for cell in cells]
            if "image_id" not in header:
                raise DataError(f"{where}: no column image_id; expected the header of a FashionAI CSV")
            column = header.index("image_id")
        elif column < len(cells):
            names.add(PurePosixPath(cells[column].strip()).name)
    if column is None:
        raise DataError(f"{part.annotations}: empty; expected the header of a FashionAI CSV")
    return frozenset(names)


def _part_of(folder: str) -> str | None:
    """``fashionAI_key_points_warm_up_train_20180222`` → warmup."""
    plain = re.sub(r"[^a-z0-9]", "", folder.lower())
    return next((name for word, name in _NAMES.items() if word in plain), None)


def _part_in(folder: Path, name: str) -> Part | None:
    """The part in its folder: the first pattern that labelled files match, or else a list without landmarks."""
    lists: list[Path] = []
    for pattern in _FILES:
        files = sorted(folder.glob(pattern)) + sorted(folder.glob(f"{pattern}.gz"))
        labelled = [file for file in files if _is_labelled(file)]
        if len(labelled) > 1:
            raise UsageError(f"{folder} holds several annotation files ({_names(labelled, folder)}); leave one there")
        if labelled:
            return Part(name, labelled[0], labelled=True)
        lists += files
    return Part(name, lists[0], labelled=False) if lists else None


def _is_labelled(file: Path) -> bool:
    """Whether a CSV file has more columns than those that name picture and category."""
    with open_text(file, any_bytes=True) as text:
        return text.readline().count(",") > 1


def _names(files: Sequence[Path], folder: Path) -> str:
    return ", ".join(str(file.relative_to(folder)) for file in files)
