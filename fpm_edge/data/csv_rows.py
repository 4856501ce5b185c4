"""The rows of a CSV file whose columns are known."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path

from fpm_edge.data.files import open_text
from fpm_edge_runtime.errors import DataError

__all__ = ["read_csv"]


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
