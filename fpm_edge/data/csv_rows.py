"""The rows of a CSV file, each on a line of its own, so that a damaged one takes no other with it."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TypeAlias

from fpm_edge.data.files import check_line, open_text
from fpm_edge.data.problems import ProblemKind
from fpm_edge.data.rows import BadRowError
from fpm_edge_runtime.errors import DataError

__all__ = ["Cells", "numbered_cells", "read_csv"]

Cells: TypeAlias = list[str] | BadRowError
"""The cells of a line, or what is wrong with it."""


def read_csv(path: Path, fields: Sequence[str], landmarks: Sequence[str]) -> Iterator[tuple[str, Cells]]:
    """The rows of a CSV file with exactly the columns `fields` and `landmarks`, in any order.

    Yields:
        ("line 12", cells), the cells put into the order of `fields` and then `landmarks`, or what is wrong.

    Raises:
        DataError: the columns are not those, or the file cannot be read.
    """
    expected = [*fields, *landmarks]
    lines = numbered_cells(path)
    nothing: tuple[int, Cells] = (1, [])
    number, header = next(lines, nothing)
    if isinstance(header, BadRowError):
        raise DataError(str(header.at(str(path), f"line {number}")))
    header = [column.strip() for column in header]
    _check_columns(f"{path}, line {number}", header, expected)
    order = [header.index(column) for column in expected]
    straight = order == list(range(len(order)))
    for number, cells in lines:
        where = f"line {number}"
        if isinstance(cells, BadRowError):
            yield where, cells
        elif len(cells) != len(order):
            problem = f"{len(cells)} cells; expected {len(order)}"
            yield where, BadRowError(ProblemKind.MALFORMED_ROW, None, problem)
        else:
            yield where, cells if straight else [cells[i] for i in order]


def numbered_cells(path: Path) -> Iterator[tuple[int, Cells]]:
    """The lines of a CSV file with their numbers, from 1; those of nothing but blanks are left out.

    No cell goes on over the end of its line: a name or a landmark never does, and a quote that somebody forgot would
    swallow all rows up to the next one.

    Raises:
        DataError: the file cannot be read.
    """
    with open_text(path, any_bytes=True) as text:
        for number, line in enumerate(text, 1):
            if line.strip():
                yield number, _cells(line)


def _cells(line: str) -> Cells:
    try:
        check_line(line)
        return next(csv.reader((line,), strict=True))
    except BadRowError as error:
        return error
    except csv.Error as error:
        what = "a quoted cell does not end on its line" if "unexpected end" in str(error) else f"not CSV: {error}"
        return BadRowError(ProblemKind.MALFORMED_ROW, None, f"{what}; expected a row a line, with quotes in pairs")


def _check_columns(where: str, header: list[str], expected: list[str]) -> None:
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
            f"{where}: not the {len(expected)} columns expected; {'; '.join(problems)}. "
            f"Expected, in any order: {', '.join(expected)}"
        )
