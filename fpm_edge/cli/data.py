"""`fpm-edge data`."""

from pathlib import Path

import click
import msgspec
from rich.table import Table

from fpm_edge.cli.options import DataSource, data_options, json_option, output_option, print_json, print_table, say
from fpm_edge.data import DataSummary, describe, read_image
from fpm_edge.progress import progress_bar
from fpm_edge_runtime.files import write_atomically
from fpm_edge_runtime.overlay import contact_sheet, draw_landmarks, png_bytes

__all__ = ["command"]


@click.group("data")
def command() -> None:
    """Look at a data set before training on it."""


@command.command("check")
@data_options(split=False)
@json_option
def check(source: DataSource, as_json: bool) -> None:
    """Counts by category and landmark, bad rows, left-right sanity.

    \b
    fpm-edge data check --data fashionai:DIR --skip-bad
    """
    summary = describe(source.held())
    if as_json:
        print_json(msgspec.to_builtins(summary))
        return
    for table in _tables(summary):
        print_table(table)


@command.command("sheet")
@data_options(split=False)
@click.option("--count", type=click.IntRange(1), default=20, show_default=True, help="How many pictures.")
@output_option("The PNG to write.")
def sheet(source: DataSource, count: int, output: Path) -> None:
    """One picture of many, each with its true landmarks.

    \b
    fpm-edge data sheet --data rendered:20 -o sheet.png
    """
    dataset = source.held()
    step = max(1, len(dataset) // count)
    records = dataset.records[: step * count : step]
    pictures = []
    with progress_bar("drawing", len(records)) as advance:
        for record in records:
            picture = read_image(record)
            pictures.append(
                draw_landmarks(
                    picture, record.landmarks, schema=dataset.schema, keep=record.visibility >= 0, labels=False
                )
            )
            advance()
    drawn = contact_sheet(pictures, columns=5, titles=[f"{r.category} {r.identifier}" for r in records])
    write_atomically(output, png_bytes(drawn))
    say(f"{len(records)} pictures on {output}")


def _tables(summary: DataSummary) -> list[Table]:
    totals = Table(title=f"{summary.name} ({summary.schema})", title_justify="left", show_header=False)
    for name, value in (
        ("pictures", summary.pictures),
        ("records", summary.records),
        ("bad rows skipped", summary.skipped),
        ("landmarks visible", summary.visible),
        ("landmarks occluded", summary.occluded),
        ("not labelled, though the category has them", summary.unlabelled),
    ):
        totals.add_row(name, str(value))
    totals.add_row("first of a pair further left in the picture", f"{summary.first_is_left:.1%}")
    for category, count in summary.categories.items():
        totals.add_row(f"category {category}", str(count))
    landmarks = Table(title="landmarks", title_justify="left")
    landmarks.add_column("landmark")
    for heading in ("expected", "visible", "occluded"):
        landmarks.add_column(heading, justify="right")
    for entry in summary.landmarks:
        landmarks.add_row(entry.landmark, str(entry.expected), str(entry.visible), str(entry.occluded))
    return [totals, landmarks]
