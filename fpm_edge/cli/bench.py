"""`fpm-edge bench`."""

import math
from dataclasses import replace
from pathlib import Path

import click
from rich.table import Table

from fpm_edge.bench import Bench, Frames, Settings, bench, read_frames, synthetic_frames, write_bench
from fpm_edge.bench.data import Ratio, Row
from fpm_edge.bench.settings import PUBLISHED_QUERIES, PUBLISHED_SECONDS
from fpm_edge.cli.command_line import command_line, file_labels
from fpm_edge.cli.inputs import INPUT
from fpm_edge.cli.options import json_option, print_json, print_table, say, trusted_option
from fpm_edge.cli.outputs import Command, OutputFile
from fpm_edge.files.file_kinds import BENCH
from fpm_edge_runtime import GateError, UsageError, open_bundle

__all__ = ["command"]

_LARGEST = 8192  # pixels of a side
_BUSY = 0.5  # load average of each processor, before anything was measured


@click.command("bench", cls=Command)
@click.argument("bundles", type=INPUT, metavar="BUNDLE...", nargs=-1, required=True)
@click.option("--engine", "engines", metavar="A,B", help="Names; by default the first that is installed and reads it.")
@click.option("--threads", default="1", show_default=True, metavar="N,M", help="For every engine.")
@click.option("--stages", metavar="N,M", help="How many stages run; by default all.")
@click.option("--quick", is_flag=True, help="A first look: seconds instead of minutes, and no published figure.")
@click.option(
    "--queries", type=click.IntRange(1), metavar="N", help=f"Of each, at least.  [default: {PUBLISHED_QUERIES}]"
)
@click.option(
    "--seconds",
    type=click.FloatRange(0),
    metavar="S",
    help=f"Of each, at least.  [default: {PUBLISHED_SECONDS:g}]",
)
@click.option("--size", default="640x480", show_default=True, metavar="WxH", help="Of the synthetic pictures, pixels.")
@click.option("--images", type=INPUT, metavar="FOLDER", help="Pictures instead of synthetic ones.")
@click.option("--device", metavar="NAME", help="What to call this device; by default its model.")
@click.option("--max-ms", type=click.FloatRange(0, min_open=True), metavar="M", help="Exit code 3 if a p90 is over it.")
@trusted_option()
@click.option("--export", type=OutputFile(BENCH), metavar="FILE.json", help="For `report --bench FILE`.")
@json_option
def command(
    bundles: tuple[Path, ...],
    engines: str | None,
    threads: str,
    stages: str | None,
    quick: bool,
    queries: int | None,
    seconds: float | None,
    size: str,
    images: Path | None,
    device: str | None,
    max_ms: float | None,
    trusted: tuple[Path, ...] | None,
    export: Path | None,
    as_json: bool,
) -> None:
    """Measure how long BUNDLEs take on this device, side by side, as MLPerf Mobile's single stream does.

    Cold starts in fresh processes, warm-up until stable, then at least 1,024 queries and 60 s of each bundle, engine,
    number of threads and of stages, in turns. One that is interrupted writes nothing, and is begun again.

    \b
    fpm-edge bench mine.fpm mine-float.fpm --export pi.json
    fpm-edge bench mine.fpm --engine litert,onnxruntime --threads 1,2 --stages 1,2,3 --quick
    """
    if export is not None and (export.is_dir() or not export.absolute().parent.is_dir()):
        raise UsageError(f"--export is {export}; expected a file in a folder that exists")
    settings = Settings.short() if quick else Settings()
    settings = replace(
        settings,
        queries=settings.queries if queries is None else queries,
        seconds=settings.seconds if seconds is None else seconds,
    )
    opened = [(label, open_bundle(path, trusted)) for label, path in zip(file_labels(bundles), bundles, strict=True)]
    found = bench(
        opened,
        _frames(size, images),
        engines=None if engines is None else _names(engines),
        threads=_numbers("--threads", threads),
        stages=None if stages is None else _numbers("--stages", stages),
        settings=settings,
        device=device,
        keys=trusted,
        command=command_line(click.get_current_context()),
    )
    if export is not None:
        write_bench(found, export)
    if as_json:
        print_json(found)
    else:
        print_table(_times_table(found))
        print_table(_parts_table(found))
    for line in (*found.notes, *_warnings(found)):
        say(f"note: {line}")
    if export is not None:
        say(f"written to {export}: fpm-edge report ... --bench {export}")
    _hold_to(max_ms, found)


def _frames(size: str, images: Path | None) -> Frames:
    if images is not None:
        return read_frames(images)
    sides = [int(side) if side.isdecimal() else 0 for side in size.lower().split("x")]
    if len(sides) != 2 or not all(1 <= side <= _LARGEST for side in sides):
        raise UsageError(f"--size is {size}; expected WIDTHxHEIGHT in pixels up to {_LARGEST}, such as 640x480")
    return synthetic_frames(sides[0], sides[1])


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",")]


def _numbers(option: str, text: str) -> list[int]:
    numbers = [int(part) if part.strip().isdecimal() else 0 for part in text.split(",")]
    if not all(numbers):
        raise UsageError(f"{option} is {text}; expected numbers from 1 on, with commas between them")
    return numbers


def _times_table(found: Bench) -> Table:
    protocol = found.protocol
    kind = "QUICK, no published figure" if protocol.quick else f"{protocol.queries} queries and {protocol.seconds:g} s"
    table = _table(f"{found.device.name} ({kind}); milliseconds", "p50", "p90", "p99", "last tenth")
    compared = any(_compared(found, row) for row in found.rows)
    if compared:
        table.add_column(f"× {_base(found)}", justify="right")
    for row in found.rows:
        times = [_ms(time) for time in (row.total.p50, row.total.p90, row.total.p99)]
        ratio = [_ratio(_compared(found, row))] if compared else []
        table.add_row(*_variant(row), *times, f"{row.drift.ratio - 1:+.1%}", *ratio)
    return table


def _parts_table(found: Bench) -> Table:
    table = _table("where it goes (medians); cold start; memory", "pre", "engine", "decode", "cold", "MB")
    for row in found.rows:
        parts = [_ms(time) for time in (row.parts.preprocess, sum(row.parts.pieces.values()), row.parts.decode)]
        cold = "–" if row.cold is None else _ms(row.cold.total_ms)
        memory = "–" if row.memory.peak_mb is None else f"{row.memory.peak_mb:.0f}"
        table.add_row(*_variant(row), *parts, cold, memory)
    return table


def _table(title: str, *headings: str) -> Table:
    table = Table(title=title, title_justify="left")
    for heading in ("bundle", "engine"):
        table.add_column(heading, overflow="fold")
    for heading in ("threads", "stages", *headings):
        table.add_column(heading, justify="right")
    return table


def _variant(row: Row) -> tuple[str, ...]:
    return row.bundle, row.engine, str(row.threads), str(row.stages)


def _base(found: Bench) -> str:
    """What the last column compares with: the first bundle where there are several, else the first row."""
    return found.bundles[0].label if len(found.bundles) > 1 else "first row"


def _compared(found: Bench, row: Row) -> Ratio | None:
    return row.to_first if len(found.bundles) > 1 else row.to_base


def _ratio(ratio: Ratio | None) -> str:
    return "" if ratio is None else f"{ratio.estimate:.2f} ({ratio.lower:.2f} to {ratio.upper:.2f})"


def _ms(time: float) -> str:
    """Three digits."""
    return f"{time:.{max(0, 2 - max(0, math.floor(math.log10(time))))}f}" if time > 0 else "0"


def _warnings(found: Bench) -> list[str]:
    """What a reader of the table must know and does not see in it."""
    said = []
    device = found.device
    if device.load is not None and device.load > _BUSY * device.usable_processors:
        said.append(
            f"the load average was {device.load:.1f} on {device.usable_processors} processors at the start: others "
            "were at work; believe ratios, not times"
        )
    for row in found.rows:
        name = f"{row.bundle}, {row.engine}, threads {row.threads}, stages {row.stages}"
        if not row.warm_up.stable:
            said.append(f"{name}: its times were not stable after {row.warm_up.seconds:.0f} s of warm-up")
        if row.cold is None:
            said.append(f"{name}: no cold start: {row.cold_why}")
    return said


def _hold_to(max_ms: float | None, found: Bench) -> None:
    over = [] if max_ms is None else [row for row in found.rows if row.total.p90 > max_ms]
    if over:
        worst = max(over, key=lambda row: row.total.p90)
        raise GateError(
            f"p90 is {_ms(worst.total.p90)} ms for {worst.bundle} in {worst.engine}, and --max-ms is {max_ms:g} "
            f"({len(over)} of {len(found.rows)} rows are over it); run fewer stages, or try another engine"
        )
