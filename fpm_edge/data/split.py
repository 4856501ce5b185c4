"""Holding back part of a data set, photograph by photograph: drawn with a seed, or listed in a file."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path

from fpm_edge.data.dataset import Dataset
from fpm_edge.data.photographs import name_hash, photograph_names, without_number
from fpm_edge_runtime.errors import UsageError

__all__ = ["file_digest", "split_dataset", "split_listed"]


def split_dataset(dataset: Dataset, holdout: int | float, seed: int) -> tuple[Dataset, Dataset]:
    """Split into (train, held back). Garments of the same photograph stay together, so none is seen in training.

    Each photograph is drawn by itself, by a hash of its name and the seed, so that membership does not depend on where
    the data set is stored, nor on which others there are: where one is added or lost, a share moves no other, and a
    number at most one, the next in the order of the hashes. It is not stratified: categories fall as they fall.

    Args:
        dataset: at least two photographs.
        holdout: how many photographs to hold back, or as a float between 0 and 1 about which share of them.
        seed: of the draw.

    Raises:
        UsageError: the holdout leaves one side without a photograph.
    """
    names = photograph_names(dataset)
    drawn = {name: name_hash(name, str(seed)) for name in names}
    if isinstance(holdout, float):
        held = {name for name, lot in drawn.items() if lot < holdout * 2**64}
        sensible = 0 < holdout < 1
    else:
        held = set(sorted(drawn, key=lambda name: (drawn[name], name))[: max(holdout, 0)])
        sensible = True
    if not (sensible and 0 < len(held) < len(drawn)):
        raise UsageError(
            f"cannot hold back {holdout} of the {len(drawn)} photographs of {dataset.name!r}; expected 1 to "
            f"{len(drawn) - 1} of them, or a share between 0 and 1 that leaves some on both sides"
        )
    return _parts(dataset, names, held)


def split_listed(dataset: Dataset, path: Path) -> tuple[Dataset, Dataset]:
    """Split into (train, held back) by a file that names the pictures to hold back, one a line, as the data does.

    It holds back by anything that a number of photographs cannot express, such as who took them. Empty lines and lines
    that begin with # say nothing. All garments of a photograph that is named are held back.

    Args:
        dataset: any.
        path: the list. A name is a record's identifier, with or without the number of the garment (``#2``).

    Raises:
        UsageError: the file cannot be read, names nothing or a picture that is not there, or leaves one side empty.
    """
    names = _names(path)
    photographs = photograph_names(dataset)
    by_name: dict[str, str] = {}
    for record, photograph in zip(dataset.records, photographs, strict=True):
        by_name[record.identifier] = by_name[without_number(record.identifier)] = photograph
    unknown = [name for name in names if name not in by_name]
    # What was skipped as bad is known by its line only, and may be what the list names.
    if len(unknown) > len(dataset.skipped):
        raise UsageError(
            f"{path}: {len(unknown)} of {len(names)} pictures are not in {dataset.name!r}, the first: {unknown[0]!r}; "
            f"expected names as in the data, such as {dataset.records[0].identifier!r}"
        )
    if unknown:
        words = f"{path}: {len(unknown)} of {len(names)} pictures are of no record that could be used, the first: "
        dataset = replace(dataset, notes=(*dataset.notes, words + repr(unknown[0])))
    held = {by_name[name] for name in names if name in by_name}
    if not 0 < len(held) < len(set(photographs)):
        raise UsageError(
            f"{path}: holds back {len(held)} photographs of {dataset.name!r}, which leaves one side without any; "
            "expected some on both sides"
        )
    return _parts(dataset, photographs, held)


def file_digest(path: Path) -> str:
    """SHA-256 of a list's names in order of the alphabet: the same for lists that hold back the same.

    Raises:
        UsageError: the file cannot be read, or names nothing.
    """
    return hashlib.sha256("\n".join(sorted(_names(path))).encode()).hexdigest()


def _names(path: Path) -> list[str]:
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        raise UsageError(
            f"--holdout {path}: cannot be read: {reason}; expected a number of photographs, a share of them, or a "
            "text file with a picture's name a line"
        ) from error
    names = [line.strip() for line in lines]
    names = list(dict.fromkeys(name for name in names if name and not name.startswith("#")))
    if not names:
        raise UsageError(f"--holdout {path}: names no picture; expected the name of a picture a line")
    return names


def _parts(dataset: Dataset, names: Sequence[str], held: Collection[str]) -> tuple[Dataset, Dataset]:
    is_held = [name in held for name in names]
    return (
        replace(dataset.subset(i for i, hold in enumerate(is_held) if not hold), name=f"{dataset.name} (train)"),
        replace(dataset.subset(i for i, hold in enumerate(is_held) if hold), name=f"{dataset.name} (held back)"),
    )
