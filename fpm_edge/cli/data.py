"""`fpm-edge data`."""

import math
from pathlib import Path

import click
import msgspec
from rich.table import Table

from fpm_edge.cli.data_convert import command as convert
from fpm_edge.cli.inputs import DATA_SPEC, SCHEMA
from fpm_edge.cli.options import (
    SPEC_HELP,
    DataSource,
    data_options,
    json_option,
    print_json,
    print_table,
    say,
)
from fpm_edge.cli.outputs import Group, OutputFile, OutputFolder, keep_pictures
from fpm_edge.cli.quiet import import_quietly
from fpm_edge.data import DataSummary, Finding, Inspection, Problem, Reading, inspect, read_to_the_end
from fpm_edge.data.pictures import scan_pictures
from fpm_edge.data.sheet import draw_sheet
from fpm_edge.data.suspicious import suspicious
from fpm_edge.files.file_kinds import PNG
from fpm_edge.text.progress import progress_bar
from fpm_edge_runtime import DataError, UsageError
from fpm_edge_runtime.files import write_atomically

__all__ = ["command"]

_SHARD_MB = 256


@click.group("data", cls=Group)
def command() -> None:
    """Look at a data set before training on it, write it in another form, or lay it out for several disks."""


command.add_command(convert)


@command.command("check", epilog=f"DATA is {SPEC_HELP}")
@click.argument("spec", type=DATA_SPEC, metavar="DATA")
@click.option("--schema", type=SCHEMA, metavar="NAME|FILE", help="Landmark schema, where it is not the data's own.")
@click.option("--categories", metavar="A,B", help="Count only garments of these categories.")
@click.option("--pictures", is_flag=True, help="Decode every picture too; finds damaged, repeated and blank ones.")
@click.option("--examples", type=click.IntRange(0), default=5, show_default=True, help="Of each kind of problem.")
@click.option("--sheet", type=OutputFile(PNG), metavar="PNG", help="Draw pictures with their landmarks.")
@click.option("--count", type=click.IntRange(1), default=20, show_default=True, help="Pictures on the sheet.")
@json_option
def check(
    spec: str,
    schema: str | None,
    categories: str | None,
    pictures: bool,
    examples: int,
    sheet: Path | None,
    count: int,
    as_json: bool,
) -> None:
    """Counts by category and landmark, and all that is wrong with DATA: it is read past every bad row.

    Exit code 0 when nothing is wrong, 1 when there are problems. Warnings (sides mixed up, landmarks in the corner,
    pictures of nearly one colour, training pictures that are in a test part too, ...) leave it at 0.

    \b
    fpm-edge data check fashionai:DIR --pictures --sheet sheet.png
    """
    reading = _read(spec, schema, categories)
    if reading.dataset is not None:
        keep_pictures(record.image for record in reading.dataset.records if isinstance(record.image, Path))
    others = _look(reading, pictures)
    if sheet is not None:
        others += _draw(reading, count, sheet)
    inspection = inspect(reading, others, examples=examples)
    if as_json:
        print_json(msgspec.to_builtins(inspection))
    else:
        for table in _tables(inspection):
            print_table(table)
    if inspection.problems:
        raise DataError(f"{spec}: {inspection.problems} problems, listed above; other commands need --skip-bad")


@command.command("shard", epilog=f"DATA is {SPEC_HELP}")
@data_options(None, split=False)
@click.option("--shards", type=click.IntRange(1), help="How many files, instead of as many as --shard-mb makes.")
@click.option(
    "--shard-mb", type=click.IntRange(1), help=f"Size of a file at most, in millions of bytes.  [default: {_SHARD_MB}]"
)
@click.option("--size", "max_side", type=click.IntRange(32, 65535), help="Make pictures with a longer side smaller.")
@click.option(
    "--quality",
    type=click.IntRange(1, 100),
    default=92,
    show_default=True,
    help="JPEG quality of pictures that are drawn or made smaller.",
)
@click.option("--lossless", is_flag=True, help="PNG instead of JPEG for these.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Of the order in the shards.")
@click.option(
    "-o",
    "--output",
    "outputs",
    type=OutputFolder(),
    multiple=True,
    required=True,
    metavar="DIR",
    help="New folder; given several times, one a disk, the shards go round.",
)
def shard(
    source: DataSource,
    shards: int | None,
    shard_mb: int | None,
    max_side: int | None,
    quality: int,
    lossless: bool,
    seed: int,
    outputs: tuple[Path, ...],
) -> None:
    """Write DATA as TFRecord shards with an index, for data too large for one disk. Train on them as shards:DIR.

    Picture files are copied byte for byte, unless --size makes them smaller. An interrupted run leaves nothing that
    could be taken for a whole data set.

    \b
    fpm-edge data shard fashionai:DIR -o /disk1/shards -o /disk2/shards
    fpm-edge data check shards:/disk1/shards,/disk2/shards
    """
    if shards is not None and shard_mb is not None:
        raise UsageError("--shards and --shard-mb contradict each other; give one")
    import_quietly("tensorflow")
    from fpm_edge.data.shard_pictures import PictureOptions
    from fpm_edge.data.shard_writer import write_shards

    dataset = source.held()
    with progress_bar("sharding", len(dataset)) as advance:
        written = write_shards(
            dataset,
            outputs,
            shards=shards,
            shard_bytes=(shard_mb or _SHARD_MB) * 10**6,
            pictures=PictureOptions(max_side, quality, lossless),
            seed=seed,
            advance=advance,
        )
    where = ",".join(str(output) for output in outputs)
    say(f"{written.records} records in {written.shards} shards, {written.bytes / 1e6:.1f} MB; use shards:{where}")


def _read(spec: str, schema: str | None, categories: str | None) -> Reading:
    chosen = None if categories is None else [name.strip() for name in categories.split(",")]
    with progress_bar("reading", 1) as advance:
        return read_to_the_end(
            spec,
            schema=schema,
            categories=chosen,
            progress=lambda done, total: advance(0, note=f"{done}/{total}"),
        )


def _look(reading: Reading, pictures: bool) -> list[Problem]:
    """What is wrong with the good rows' landmarks and, if wanted, pictures."""
    dataset = reading.dataset
    if dataset is None:
        return []
    if not pictures:
        return list(suspicious(dataset))
    with progress_bar("decoding", len({record.photograph for record in dataset.records})) as advance:
        scan = scan_pictures(dataset, advance)
    return [*scan.problems, *suspicious(dataset, scan.sizes)]


def _draw(reading: Reading, count: int, output: Path) -> list[Problem]:
    """Write the contact sheet; pictures that cannot be read are problems."""
    if reading.dataset is None:
        say(f"no good row to draw; {output} is not written")
        return []
    with progress_bar("drawing", min(count, len(reading.dataset))) as advance:
        sheet = draw_sheet(reading.dataset, count, advance)
    if sheet.png is None:
        say(f"no picture to draw; {output} is not written")
    else:
        write_atomically(output, sheet.png)
        say(f"{sheet.drawn} pictures on {output}")
    return list(sheet.problems)


def _tables(inspection: Inspection) -> list[Table]:
    summary = [] if inspection.summary is None else _summary_tables(inspection.summary)
    return [*summary, *(_finding_table(finding) for finding in inspection.findings)]


def _summary_tables(summary: DataSummary) -> list[Table]:
    totals = Table(title=f"{summary.name} ({summary.schema})", title_justify="left", show_header=False)
    for name, value in (
        ("pictures", summary.pictures),
        ("records", summary.records),
        ("bad rows", summary.skipped),
        ("landmarks visible", summary.visible),
        ("landmarks occluded", summary.occluded),
        ("not labelled, though the category has them", summary.unlabelled),
    ):
        totals.add_row(name, str(value))
    for category, count in summary.categories.items():
        totals.add_row(f"category {category}", str(count))
    if summary.no_mirror is not None:
        totals.add_row("mirror images", f"none in training: {summary.no_mirror}")
    for note in summary.notes:
        totals.add_row("note", note)
    landmarks = Table(title="landmarks", title_justify="left")
    landmarks.add_column("landmark")
    for heading in ("expected", "visible", "occluded"):
        landmarks.add_column(heading, justify="right")
    landmarks.add_column("in a mirror image")
    for entry in summary.landmarks:
        counts = (str(entry.expected), str(entry.visible), str(entry.occluded))
        landmarks.add_row(entry.landmark, *counts, "same" if entry.mirrored == entry.landmark else entry.mirrored)
    sides = Table(title="left and right", title_justify="left")
    for heading in ("pair", "labelled both", "first further left"):
        sides.add_column(heading, justify="left" if heading == "pair" else "right")
    for pair in summary.pairs:
        sides.add_row(f"{pair.first}, {pair.second}", str(pair.count), _share(pair.first_is_left))
    sides.add_row("all", str(sum(pair.count for pair in summary.pairs)), _share(summary.first_is_left))
    return [totals, landmarks, sides]


def _share(share: float) -> str:
    return "-" if math.isnan(share) else f"{share:.1%}"


def _finding_table(finding: Finding) -> Table:
    level = "warning" if finding.is_warning else "problem"
    table = Table(title=f"{level}: {finding.kind}: {finding.count}", title_justify="left", show_header=False)
    for problem in finding.examples:
        table.add_row(str(problem))
    if finding.count > len(finding.examples):
        table.add_row(f"... and {finding.count - len(finding.examples)} more")
    return table
