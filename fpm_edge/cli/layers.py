"""What the two commands about the layers of a bundle share: the pictures they run on, and where the plot goes."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from fpm_edge.cli.options import DataSource
from fpm_edge.cli.outputs import OutputFile
from fpm_edge.data import Dataset
from fpm_edge.files.file_kinds import SVG
from fpm_edge_calibration import choose_samples
from fpm_edge_runtime import Bundle, UsageError
from fpm_edge_runtime.files import write_atomically

__all__ = ["chosen_pictures", "plot_option", "samples_option", "write_plot"]

_Command = TypeVar("_Command", bound=Callable[..., Any])


def samples_option(default: int) -> Callable[[_Command], _Command]:
    """``--samples``."""
    return click.option(
        "--samples",
        type=click.IntRange(1),
        default=default,
        show_default=True,
        help="Pictures to run on, evenly from all categories; all where there are fewer.",
    )


def plot_option(command: _Command) -> _Command:
    """``--plot``, checked before any work."""

    def check(ctx: click.Context, param: click.Parameter, value: Path | None) -> Path | None:
        if value is not None and value.suffix != ".svg":
            raise UsageError(f"--plot is {value}; the plot is an SVG picture, so name it .svg")
        if value is not None and not value.resolve().parent.is_dir():
            raise UsageError(f"{value.parent} is not a folder; create it, or write the plot elsewhere")
        return value

    return click.option("--plot", type=OutputFile(SVG), metavar="FILE.svg", callback=check, help="Draw the layers.")(
        command
    )


def write_plot(path: Path | None, svg: str) -> None:
    """Write the plot, if one was asked for."""
    if path is not None:
        write_atomically(path, svg)


def chosen_pictures(bundle: Bundle, model: Path, source: DataSource, samples: int) -> Dataset:
    """So many pictures of the data, always the same.

    Raises:
        SchemaError: it has other landmarks than the bundle.
        UsageError: the bundle, or the model that it was made of, was trained on some of it.
    """
    dataset = source.measured(model, bundle)
    dataset.expect_landmarks(bundle.schema, "the bundle")
    count = min(samples, len(dataset))
    return dataset.subset(choose_samples([record.category for record in dataset.records], count))
