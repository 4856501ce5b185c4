"""`fpm-edge report`."""

import shlex
from collections.abc import Sequence
from pathlib import Path

import click
from rich.table import Table

from fpm_edge.bench import read_bench
from fpm_edge.cli.options import (
    DataSource,
    data_options,
    json_option,
    output_option,
    print_json,
    print_table,
    say,
    trusted_option,
)
from fpm_edge.report import ReportData, measure, words, write_report
from fpm_edge.report.measure import DEFAULT_OVERLAYS, DEFAULT_REPEATS
from fpm_edge_runtime import open_bundle
from fpm_edge_runtime.engines import ENGINES

__all__ = ["command"]


@click.command("report")
@click.argument("bundles", type=click.Path(path_type=Path), metavar="BUNDLE...", nargs=-1, required=True)
@data_options()
@click.option(
    "--engine",
    "engines",
    type=click.Choice(list(ENGINES)),
    multiple=True,
    help="Repeatable; by default LiteRT and ONNX Runtime.",
)
@click.option("--threads", type=click.IntRange(1), default=1, show_default=True, help="For every engine.")
@click.option(
    "--repeats",
    type=click.IntRange(1),
    default=DEFAULT_REPEATS,
    show_default=True,
    help="Measured runs of each variant.",
)
@click.option(
    "--bench",
    "benches",
    type=click.Path(path_type=Path),
    multiple=True,
    help="Result of `fpm-edge bench --export` of the same bundles, on this or another device; repeatable.",
)
@click.option(
    "--overlays", type=click.IntRange(0), default=DEFAULT_OVERLAYS, show_default=True, help="Pictures to draw on."
)
@trusted_option()
@json_option
@output_option("Folder for report.html, report.json and overlays.")
def command(
    bundles: tuple[Path, ...],
    source: DataSource,
    engines: tuple[str, ...],
    threads: int,
    repeats: int,
    benches: tuple[Path, ...],
    overlays: int,
    trusted: tuple[Path, ...] | None,
    as_json: bool,
    output: Path,
) -> None:
    """Measure BUNDLEs side by side by number of stages and engine: accuracy, drift, latency and size.

    Give the float32 bundle of the same network as well: drift and speed are relative to it. With --holdout it measures
    on the photographs that `train` with the same --holdout and --split-seed never saw. With --bench, what other devices
    measured with the same bundles stands beside it.

    \b
    fpm-edge report mine.fpm mine-float.fpm --data fashionai:DIR --holdout 100 -o out/report
    """
    read = [(str(path), read_bench(path)) for path in benches]
    opened = [(label, open_bundle(path, trusted)) for label, path in zip(_labels(bundles), bundles, strict=True)]
    result = measure(
        opened,
        source.held(),
        benches=read,
        engines=engines or None,
        threads=threads,
        repeats=repeats,
        overlays=overlays,
        command=_command_line(click.get_current_context()),
        progress=say,
    )
    page = write_report(result, output)
    if as_json:
        print_json(result.to_dict())
    else:
        print_table(_table(result))
    say(result.headline)
    say(f"report    {page} ({page.stat().st_size / 1e6:.2f} MB)")
    say(f"numbers   {output / 'report.json'}")
    if result.overlays:
        say(f"pictures  {output / 'overlays'}")


def _labels(paths: Sequence[Path]) -> list[str]:
    """The files' names without suffix, or their whole paths where two are the same."""
    stems = [path.stem for path in paths]
    return [stem if stems.count(stem) == 1 else str(path) for stem, path in zip(stems, paths, strict=True)]


def _command_line(context: click.Context) -> str:
    """The command that makes this report again: every option that was given, in the order of `--help`."""
    written: list[str] = []
    for parameter in context.command.params:
        given = context.get_parameter_source(parameter.name or "") == click.core.ParameterSource.COMMANDLINE
        if not given:
            continue
        value = context.params[parameter.name or ""]
        if isinstance(parameter, click.Option) and parameter.is_flag:
            written.append(parameter.opts[-1])
            continue
        for item in value if isinstance(value, tuple) else (value,):
            written += [parameter.opts[-1], str(item)] if isinstance(parameter, click.Option) else [str(item)]
    return shlex.join(["fpm-edge", "report", *written])


def _table(data: ReportData) -> Table:
    table = Table(title=f"{data.dataset.name}: {data.dataset.pictures} pictures", title_justify="left")
    table.add_column("variant")
    for heading in ("stages", "NE", "drift", "95 % bounds", "ms", "p90", "× float32", "MB"):
        table.add_column(heading, justify="right")
    for variant in data.variants:
        for row in variant.stages:
            drift = None if variant.is_reference else row.relative_drift
            time = row.latency.inference
            table.add_row(
                variant.name if row is variant.stages[0] else "",
                str(row.stages),
                words.ne(row.ne),
                "reference" if variant.is_reference else words.percent(drift.estimate if drift else None),
                "" if variant.is_reference else words.bounds(drift),
                words.milliseconds(time.median),
                words.milliseconds(time.p90),
                words.ratio(row.ratio),
                words.megabytes(row.bytes),
                end_section=row is variant.last,
            )
    return table
