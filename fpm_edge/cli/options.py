"""Options and pieces that several commands share."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click
import msgspec
from rich.console import Console
from rich.table import Table

from fpm_edge.data import Dataset, load_dataset, split_dataset
from fpm_edge.progress import console, progress_bar

__all__ = [
    "data_options",
    "json_option",
    "load_data",
    "output_option",
    "print_json",
    "print_table",
    "say",
    "split_options",
]

_Command = TypeVar("_Command", bound=Callable[..., Any])

_SPEC_HELP = (
    "KIND:PATH, one of fashionai:DIR, deepfashion:DIR, coco:JSON, lsp:DIR, or rendered:COUNT[@SEED[/SIZE]] for "
    "garments drawn on demand."
)


def data_options(required: bool = True) -> Callable[[_Command], _Command]:
    """``--data --schema --categories --skip-bad``."""

    def decorate(command: _Command) -> _Command:
        for option in (
            click.option("--skip-bad", is_flag=True, help="Leave bad rows out and say so, instead of stopping."),
            click.option("--categories", metavar="A,B", help="Only garments of these categories."),
            click.option("--schema", metavar="NAME|FILE", help="Landmark schema, where it is not the data's own."),
            click.option("--data", "data", metavar="SPEC", required=required, help=_SPEC_HELP),
        ):
            command = option(command)
        return command

    return decorate


def split_options(command: _Command) -> _Command:
    """``--holdout --split-seed``: hold photographs back, always the same ones for the same seed."""
    command = click.option(
        "--split-seed", default=0, show_default=True, help="Which photographs are held back is drawn with this seed."
    )(command)
    return click.option(
        "--holdout",
        type=float,
        metavar="N|SHARE",
        help="Hold back so many photographs, or that share: training leaves them out, measuring uses only them.",
    )(command)


def output_option(help_text: str, *, required: bool = True) -> Callable[[_Command], _Command]:
    """``-o/--output``."""
    return click.option(
        "-o", "--output", type=click.Path(path_type=Path), required=required, metavar="PATH", help=help_text
    )


def json_option(command: _Command) -> _Command:
    """``--json``."""
    return click.option("--json", "as_json", is_flag=True, help="Print the result as JSON on stdout.")(command)


def load_data(
    spec: str,
    *,
    schema: str | None = None,
    categories: str | None = None,
    skip_bad: bool = False,
    holdout: float | None = None,
    split_seed: int = 0,
    held: bool = False,
) -> Dataset:
    """The data set of a spec; with `holdout`, its training part, or with `held` the photographs held back."""
    wanted = [name.strip() for name in categories.split(",")] if categories else None
    with progress_bar("reading", 1) as advance:

        def report(done: int, total: int) -> None:
            advance(0, note=f"{done}/{total}")

        dataset = load_dataset(spec, schema=schema, skip_bad=skip_bad, categories=wanted, progress=report)
    for line in dataset.skipped:
        say(f"skipped: {line}")
    if holdout is None:
        return dataset
    amount: int | float = int(holdout) if holdout >= 1 else holdout
    return split_dataset(dataset, amount, split_seed)[1 if held else 0]


def say(message: str) -> None:
    """One line for people, on stderr."""
    console().print(message, highlight=False, markup=False, soft_wrap=True)


def print_json(result: Any) -> None:
    """The result for machines, on stdout."""
    click.echo(msgspec.json.format(msgspec.json.encode(result), indent=2).decode())


def print_table(table: Table) -> None:
    """The result for people, on stdout."""
    Console(highlight=False).print(table)
