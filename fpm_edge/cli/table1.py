"""How `fpm-edge evaluate --table1` prints."""

from typing import Literal, TypeAlias

from rich import box
from rich.table import Table
from rich.text import Text

from fpm_edge.accuracy.table1 import Table1, latex, markdown
from fpm_edge.cli.options import print_json, print_text
from fpm_edge.text.terminal import console, writing

__all__ = ["FORMATS", "Format", "print_table1"]

Format: TypeAlias = Literal["text", "json", "markdown", "latex"]
FORMATS: tuple[Format, ...] = ("text", "json", "markdown", "latex")

_ANY_WIDTH = 100_000


def print_table1(table: Table1, form: Format) -> None:
    """Print `table` on stdout."""
    if form == "json":
        print_json(table.to_dict())
    elif form == "markdown":
        print_text(markdown(table))
    elif form == "latex":
        print_text(latex(table))
    else:
        _print_text(table)


def _print_text(table: Table1) -> None:
    out, wide = console(), _models_down(table)
    needed = console(width=_ANY_WIDTH).measure(wide).maximum
    if not out.is_terminal:
        # Into a file or a pipe, nothing may be cut off.
        out = console(width=needed)
    with writing():
        out.print(wide if needed <= out.width else _models_across(table))


def _models_down(table: Table1) -> Table:
    """One row a model, as in the paper."""
    shown = _empty(table)
    for heading in table.headings:
        shown.add_column(heading.replace(" ", "\n"), justify="right", no_wrap=True)
    for name, *numbers in table.cells(_bold):
        shown.add_row(name, *numbers)
    return shown


def _models_across(table: Table1) -> Table:
    """One column a model, where the terminal is too narrow for 15 numbers side by side."""
    shown = _empty(table)
    for row in table.rows:
        shown.add_column(row.name, justify="right")
    lines = table.cells(_bold)
    for number, heading in enumerate(table.headings, start=1):
        shown.add_row(heading, *(line[number] for line in lines), end_section=number == len(table.columns))
    return shown


def _empty(table: Table1) -> Table:
    shown = Table(title=table.caption, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
    shown.add_column("", no_wrap=True)
    return shown


def _bold(text: str) -> Text:
    return Text(text, style="bold")
