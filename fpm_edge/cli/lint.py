"""`fpm-edge lint`."""

from collections.abc import Sequence
from pathlib import Path
from statistics import median

import click
from rich.table import Table

from fpm_edge.cli.inputs import INPUT
from fpm_edge.cli.options import DataSource, data_options, json_option, print_json, print_table, say
from fpm_edge.cli.outputs import Command
from fpm_edge.inspect.lint import LandmarkLint, LintReport, lint
from fpm_edge.text.progress import progress_bar
from fpm_edge_runtime import GateError, open_bundle

__all__ = ["command"]

_HEADINGS = ("maps", "codes of a peak", "ties", "scattered", "saturated", "cut off", "flat")


@click.command("lint", cls=Command)
@click.argument("bundle", type=INPUT)
@data_options()
@click.option("--engine", default="litert", show_default=True)
@click.option("--strict", is_flag=True, help="Exit code 3 where there is a warning.")
@json_option
def command(bundle: Path, source: DataSource, engine: str, strict: bool, as_json: bool) -> None:
    """Look at the heatmaps of an int8 BUNDLE: codes of a peak, ties, saturation, by stage and landmark.

    It warns where the codes are too few or badly used to tell where a landmark is, and says what to change.

    \b
    fpm-edge lint mine.fpm --data fashionai:DIR --holdout 100
    """
    opened = open_bundle(bundle)
    dataset = source.measured(opened)
    with progress_bar(f"running {engine}", len(dataset)) as advance:
        report = lint(opened, dataset, engine=engine, advance=advance)
    if as_json:
        print_json(report.to_dict())
    else:
        print_table(_stage_table(report))
        print_table(_landmark_table(report))
    for warning in report.warnings:
        say(f"warning: {warning.message}")
    if report.warnings and strict:
        raise GateError(f"{bundle}: {len(report.warnings)} warnings about its heatmaps; see above")
    if report.ok:
        say(f"{bundle}: nothing to warn about in {len(dataset)} pictures")


def _stage_table(report: LintReport) -> Table:
    table = Table(title=f"{report.data}: {report.pictures} pictures, {report.engine}", title_justify="left")
    for heading in ("stage", "range of the codes", "codes for a peak of 1", *_HEADINGS):
        table.add_column(heading, justify="right")
    for covered in report.ranges:
        entries = [entry for entry in report.landmarks if entry.stage == covered.stage]
        span = f"{covered.low:.3g} to {covered.high:.3g}"
        table.add_row(str(covered.stage), span, f"{covered.codes_of_one:.0f}", *_cells(entries))
    return table


def _landmark_table(report: LintReport) -> Table:
    table = Table(title="by landmark, last stage", title_justify="left")
    table.add_column("landmark")
    for heading in _HEADINGS:
        table.add_column(heading, justify="right")
    for entry in report.landmarks:
        if entry.stage == report.ranges[-1].stage:
            table.add_row(entry.landmark, *_cells([entry]))
    return table


def _cells(entries: Sequence[LandmarkLint]) -> list[str]:
    """Maps, median codes (of the landmarks' medians, where there are several), and shares of all maps."""
    maps = sum(entry.maps for entry in entries)
    shares = [(e.ties, e.scattered, e.saturated, e.cut_off, e.flat) for e in entries]
    weighted = [
        sum(row[column] * entry.maps for row, entry in zip(shares, entries, strict=True)) / maps
        for column in range(len(shares[0]))
    ]
    return [str(maps), f"{median(entry.codes for entry in entries):.0f}", *(f"{share:.1%}" for share in weighted)]
