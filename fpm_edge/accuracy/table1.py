"""Table 1 of the paper: the NE of several models side by side, in one column a group of landmarks.

Hu et al. 2018 give 13 columns for FashionAI (Neck L.R, C.Front, Shoulder, Armpit, W.line, Cuff.I, Cuff.O, Top Hem,
W.band, Hem, Crotch, Bottom.I, Bottom.O) and an average. Here the columns are the groups of the landmark schema, each
the mean over all its points, and there are two averages:

- ``Avg.`` is the mean over all points, so that a group with more points weighs more. It is the NE that `fpm-edge
  evaluate` prints, and the one to compare by.
- ``Avg. (columns)`` is the mean of the columns that have points, each of the same weight.

A column in which the data have no point is empty and takes no part in the averages.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, TypeVar

from fpm_edge.accuracy.evaluate import Evaluation, StageAccuracy
from fpm_edge.accuracy.metrics import Summary
from fpm_edge.text.markdown_text import plain
from fpm_edge_runtime.errors import DataError, UsageError

__all__ = ["Definition", "Row", "Table1", "latex", "markdown", "row_of", "table1"]

Definition: TypeAlias = Literal["paper", "contest"]

_Bold = TypeVar("_Bold")
_AVERAGES = ("Avg.", "Avg. (columns)")
_DASH = "–"
_DEFINED = {
    "paper": "NE by width and height of the picture, labelled points",
    "contest": "NE by the garment's own length, visible points",
}
# Characters that mean something to LaTeX, in the names of data sets and models.
_LATEX = str.maketrans(
    {c: f"\\{c}" for c in "&%$#_{}"}
    | {"~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "\\": r"\textbackslash{}"}
)


@dataclass(frozen=True)
class Row:
    """One model, at its last stage.

    Attributes:
        name: of the model.
        values: mean NE of each column; NaN where it has no points.
        counts: points of each column.
        average: mean NE over all points.
        column_average: mean of the columns that have points.
    """

    name: str
    values: tuple[float, ...]
    counts: tuple[int, ...]
    average: float
    column_average: float

    @property
    def cells(self) -> tuple[float, ...]:
        """The columns and both averages."""
        return (*self.values, self.average, self.column_average)


@dataclass(frozen=True)
class Table1:
    """Models side by side on one data set.

    Attributes:
        data: name of the data set.
        pictures: how many.
        definition: whose NE it is.
        columns: names of the groups of landmarks.
        rows: one a model, in the order given.
    """

    data: str
    pictures: int
    definition: Definition
    columns: tuple[str, ...]
    rows: tuple[Row, ...]

    @property
    def headings(self) -> tuple[str, ...]:
        """The columns and both averages."""
        return (*self.columns, *_AVERAGES)

    @property
    def caption(self) -> str:
        """What the numbers are."""
        return f"{_DEFINED[self.definition]}; {self.data}, {self.pictures} records"

    def cells(self, bold: Callable[[str], _Bold]) -> list[list[str | _Bold]]:
        """Name and numbers of every row as text; the lowest number of each column goes through `bold`.

        Numbers that read the same are equally low. A single row has nothing to be better than.
        """
        texts = [[_DASH if math.isnan(v) else f"{v:.4f}" for v in row.cells] for row in self.rows]
        lowest = [_lowest(column) for column in zip(*texts, strict=True)]
        return [
            [row.name, *(bold(text) if text == low else text for text, low in zip(line, lowest, strict=True))]
            for row, line in zip(self.rows, texts, strict=True)
        ]

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON; a mean over no points is None."""
        return {
            "data": self.data,
            "pictures": self.pictures,
            "ne": self.definition,
            "columns": list(self.columns),
            "models": [
                {
                    "model": row.name,
                    "columns": {
                        name: {"mean": _number(value), "count": count}
                        for name, value, count in zip(self.columns, row.values, row.counts, strict=True)
                    },
                    "average": _number(row.average),
                    "column_average": _number(row.column_average),
                }
                for row in self.rows
            ],
        }


def table1(results: Sequence[tuple[str, Evaluation]], definition: Definition = "paper") -> Table1:
    """Models side by side, each at its last stage.

    Args:
        results: name of each model, and how it did on the same data.
        definition: ``paper`` for coordinates divided by width and height, all labelled points; ``contest`` for
            FashionAI's, divided by the garment's own length, visible points only.

    Raises:
        UsageError: no results, or the schema has no groups.
        DataError: the results are of different data.
    """
    if not results:
        raise UsageError("Table 1 of no models; expected at least one")
    first = results[0][1]
    columns = tuple(part.name for part in _summary(first.stages[-1], definition).groups)
    if not columns:
        raise UsageError(f"the landmark schema of {first.data} has no groups, which are the columns of Table 1")
    counts = {tuple(part.count for part in _summary(e.stages[-1], definition).groups) for _, e in results}
    if len({(e.data, e.pictures) for _, e in results}) > 1 or len(counts) > 1:
        raise DataError("the models were measured on different data; Table 1 compares them on the same")
    rows = tuple(row_of(name, _summary(evaluation.stages[-1], definition)) for name, evaluation in results)
    return Table1(first.data, first.pictures, definition, columns, rows)


def row_of(name: str, summary: Summary) -> Row:
    """One model's row."""
    known = [part.mean for part in summary.groups if part.count]
    return Row(
        name=name,
        values=tuple(part.mean for part in summary.groups),
        counts=tuple(part.count for part in summary.groups),
        average=summary.mean,
        column_average=math.fsum(known) / len(known) if known else math.nan,
    )


def markdown(table: Table1) -> str:
    """The table in Markdown, best numbers bold."""
    headings = [plain(heading) for heading in table.headings]
    lines = [plain(table.caption), "", f"| | {' | '.join(headings)} |", f"|---|{'---:|' * len(headings)}"]
    for name, *numbers in table.cells(lambda text: f"**{text}**"):
        lines.append(f"| {plain(name)} | {' | '.join(numbers)} |")
    return "\n".join(lines)


def latex(table: Table1) -> str:
    r"""The table in LaTeX for ``\usepackage{booktabs}``, best numbers bold."""
    lines = [
        r"\begin{table}",
        r"  \centering",
        rf"  \caption{{{table.caption.translate(_LATEX)}}}",
        rf"  \begin{{tabular}}{{l{'r' * len(table.headings)}}}",
        r"    \toprule",
        f"    & {' & '.join(heading.translate(_LATEX) for heading in table.headings)} \\\\",
        r"    \midrule",
    ]
    for name, *numbers in table.cells(lambda text: rf"\textbf{{{text}}}"):
        cells = " & ".join("--" if number == _DASH else number for number in numbers)
        lines.append(f"    {name.translate(_LATEX)} & {cells} \\\\")
    return "\n".join([*lines, r"    \bottomrule", r"  \end{tabular}", r"\end{table}"])


def _summary(stage: StageAccuracy, definition: Definition) -> Summary:
    return stage.ne if definition == "paper" else stage.contest_ne


def _lowest(column: Sequence[str]) -> str | None:
    """Of the numbers in a column; None where there is nothing to be better than."""
    numbers = [text for text in column if text != _DASH]
    return min(numbers, key=float) if len(numbers) > 1 else None


def _number(value: float) -> float | None:
    return None if math.isnan(value) else value
