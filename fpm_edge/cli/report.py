"""`fpm-edge report`."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import click
from rich.table import Table

from fpm_edge.bench import read_bench
from fpm_edge.cli.command_line import command_line, file_labels
from fpm_edge.cli.inputs import INPUT
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
from fpm_edge.cli.outputs import Command, OutputFolder
from fpm_edge.cli.report_budgets import budget_options, gate_table, hold
from fpm_edge.cli.report_compare import show_comparison
from fpm_edge.files.file_kinds import DRAWN
from fpm_edge.report import (
    Comparison,
    Limits,
    ReportData,
    compare_bundles,
    compare_reports,
    judge_comparison,
    judge_report,
    measure,
    read_report,
    words,
    write_comparison,
    write_report,
)
from fpm_edge.report.measure import DEFAULT_OVERLAYS, DEFAULT_REPEATS
from fpm_edge.report.write import WRITTEN
from fpm_edge.text.names import text_name
from fpm_edge_runtime import UsageError, open_bundle
from fpm_edge_runtime.engines import ENGINES

__all__ = ["command"]


@click.command("report", cls=Command)
@click.argument("bundles", type=INPUT, metavar="[BUNDLE]...", nargs=-1)
@data_options(required=False)
@click.option(
    "--compare",
    "compared",
    type=INPUT,
    nargs=2,
    metavar="A B",
    help="What changed from A to B, and whether it is more than chance: two bundles, or two reports (folder or "
    "report.json; no data needed). For one bundle layer by layer, see `fpm-edge compare`.",
)
@click.option(
    "--engine",
    "engines",
    type=click.Choice(list(ENGINES)),
    multiple=True,
    help="Repeatable; by default LiteRT and ONNX Runtime. Of two reports, by default all.",
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
    type=INPUT,
    multiple=True,
    help="Result of `fpm-edge bench --export` of the same bundles, on this or another device; repeatable.",
)
@click.option(
    "--overlays", type=click.IntRange(0), default=DEFAULT_OVERLAYS, show_default=True, help="Pictures to draw on."
)
@budget_options
@trusted_option()
@json_option
@output_option(
    "Folder for report.html, .json, .csv, .md and overlays, and for compare.json and .md; needed without --compare.",
    OutputFolder(WRITTEN, {"overlays/*.png": DRAWN}),
    required=False,
)
def command(
    bundles: tuple[Path, ...],
    source: DataSource | None,
    compared: tuple[Path, Path] | None,
    engines: tuple[str, ...],
    threads: int,
    repeats: int,
    benches: tuple[Path, ...],
    overlays: int,
    limits: Limits,
    trusted: tuple[Path, ...] | None,
    as_json: bool,
    output: Path | None,
) -> None:
    """Measure BUNDLEs side by side by number of stages and engine: accuracy, drift, latency and size.

    Give the float32 bundle of the same network as well: drift and speed are relative to it. With --holdout it measures
    on the photographs that `train` with the same --holdout and --split-seed never saw. With --bench, what other devices
    measured with the same bundles stands beside it.

    With --compare it says what changed from A to B. With --gate or a --max-... budget it exits with code 3 where one is
    not met or cannot be judged; all files are written all the same.

    \b
    fpm-edge report mine.fpm mine-float.fpm --data fashionai:DIR --holdout 100 -o out/report
    fpm-edge report --compare old.fpm new.fpm --data fashionai:DIR --holdout 100 -o out/compare
    fpm-edge report --compare base/report out/report --max-ne-increase 0.02
    """
    _check_budgets(limits, compared)
    if compared is not None and _are_reports(*compared):
        if bundles or source is not None:
            raise UsageError("two reports are compared by the numbers in them; leave out --data and other bundles")
        if benches:
            raise UsageError("two reports are compared by what was measured for them; leave out --bench")
        found = _compare_reports(compared, engines or None, limits)
        written = None if output is None else write_comparison(found, output)
        show_comparison(found, as_json, written)
        hold(found.gates, limits)
        return
    paths = (*(compared or ()), *bundles)
    if not paths:
        raise UsageError("no bundle to report on; give at least one BUNDLE, or --compare A B")
    if source is None:
        raise UsageError("bundles are measured on data; give --data KIND:PATH")
    if output is None and compared is None:
        raise UsageError("no folder for the report; give -o PATH")
    labels = file_labels(paths)
    opened = [open_bundle(path, trusted) for path in paths]
    result = measure(
        list(zip(labels, opened, strict=True)),
        source.measured(*opened),
        benches=[(text_name(str(path)), read_bench(path)) for path in benches],
        engines=engines or None,
        threads=threads,
        repeats=repeats,
        # A comparison without a page shows neither pictures nor deadlines.
        overlays=0 if output is None else overlays,
        deadlines=output is not None,
        command=command_line(click.get_current_context()),
        progress=say,
    )
    gates = judge_report(result, limits, bundle=None if compared is None else labels[1])
    result = replace(result, gates=gates)
    page = None if output is None else write_report(result, output)
    if compared is not None:
        found = compare_bundles(result, labels[0], labels[1])
        found = replace(found, gates=(*gates, *judge_comparison(found, limits)))
        gates = found.gates
        written = None if output is None else write_comparison(found, output)
        show_comparison(found, as_json, written)
    else:
        if as_json:
            print_json(result.to_dict())
        else:
            print_table(_table(result))
            if gates:
                print_table(gate_table(gates))
        say(result.headline)
    if page is not None:
        say(f"report    {page} ({page.stat().st_size / 1e6:.2f} MB)")
        say(f"numbers   {page.with_name('report.json')}, .csv, .md")
        if result.overlays:
            say(f"pictures  {page.with_name('overlays')}")
    hold(gates, limits)


def _check_budgets(limits: Limits, compared: tuple[Path, Path] | None) -> None:
    if compared is None and limits.relative:
        raise UsageError(f"{', '.join(limits.relative)}: an increase is of B against A; give --compare A B too")


def _compare_reports(compared: tuple[Path, Path], engines: Sequence[str] | None, limits: Limits) -> Comparison:
    a, b = (read_report(path) for path in compared)
    found = compare_reports((text_name(str(compared[0])), a), (text_name(str(compared[1])), b), engines)
    return replace(found, gates=(*judge_report(b, limits, engines=engines), *judge_comparison(found, limits)))


def _are_reports(a: Path, b: Path) -> bool:
    """Whether both are reports; False where both are bundles. Raises UsageError where they are not the same."""
    kinds = [path.is_dir() or path.suffix == ".json" for path in (a, b)]
    if kinds[0] != kinds[1]:
        report, bundle = (a, b) if kinds[0] else (b, a)
        raise UsageError(
            f"--compare of a report ({report}) and a bundle ({bundle}); expected two of one kind: make a report of the "
            "bundle first, or give both bundles"
        )
    return kinds[0]


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
