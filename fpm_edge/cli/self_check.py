"""`fpm-edge self-check`."""

from pathlib import Path
from typing import Any

import click
from rich.table import Table

from fpm_edge.cli.inputs import INPUT
from fpm_edge.cli.options import json_option, print_json, print_table, say, trusted_option
from fpm_edge.cli.outputs import Command, OutputFile
from fpm_edge.files.file_kinds import CACHE
from fpm_edge_runtime import UsageError
from fpm_edge_runtime.check.device import thread_words
from fpm_edge_runtime.check.engine_choice import DEFAULT_ORDER, CheckCache, EngineChoice, choose_engine
from fpm_edge_runtime.check.speed_choice import DEFAULT_BUDGET_MS, SpeedCache, SpeedChoice, fastest_engine

__all__ = ["command"]


@click.command("self-check", cls=Command)
@click.argument("bundle", type=INPUT)
@click.option(
    "--engine", "engines", default=",".join(DEFAULT_ORDER), show_default=True, metavar="A,B", help="Names, best first."
)
@click.option(
    "--threads", type=click.IntRange(1), help="For the engine; by default its own choice. With --fastest: only so many."
)
@click.option(
    "--timeout",
    type=click.FloatRange(0, min_open=True),
    default=60.0,
    show_default=True,
    metavar="S",
    help="For each engine.",
)
@click.option(
    "--cache",
    type=OutputFile(CACHE),
    metavar="JSON",
    help="What self-checks found at earlier starts; kept up to date.",
)
@click.option("--again", is_flag=True, help="Check, and measure, also what the caches know.")
@click.option("--fastest", is_flag=True, help="Measure all that pass, with 1, 2, 4, ... threads, and take the fastest.")
@click.option(
    "--budget-ms",
    type=click.FloatRange(0, min_open=True),
    help=f"For the timed runs of --fastest, all together.  [default: {DEFAULT_BUDGET_MS:g}]",
)
@click.option(
    "--speeds",
    type=OutputFile(CACHE),
    metavar="JSON",
    help="What --fastest measured at earlier starts; kept up to date.",
)
@trusted_option()
@json_option
def command(
    bundle: Path,
    engines: str,
    threads: int | None,
    timeout: float,
    cache: Path | None,
    again: bool,
    fastest: bool,
    budget_ms: float | None,
    speeds: Path | None,
    trusted: tuple[Path, ...] | None,
    as_json: bool,
) -> None:
    """Find the first engine that answers BUNDLE's golden cases rightly on this device, or the fastest of them.

    Each runs in a process of its own, so that one that crashes or hangs does no harm. Exit code 0 when one passes, 3
    when none does, 5 when none is installed. (`fpm-edge drift` measures one engine in detail.)

    \b
    fpm-edge self-check mine.fpm
    fpm-edge self-check mine.fpm --engine openvino,litert --cache checks.json
    fpm-edge self-check mine.fpm --fastest --cache checks.json --speeds speeds.json
    """
    if not fastest and (speeds is not None or budget_ms is not None):
        raise UsageError("--speeds and --budget-ms are for --fastest, which is missing")
    names = [name.strip() for name in engines.split(",")]
    known = None if cache is None else CheckCache(cache)
    if not fastest:
        first = choose_engine(
            bundle, names, threads=threads, timeout=timeout, cache=known, again=again, trusted_keys=trusted
        )
        _show_first(bundle, first, as_json)
        return
    measured = fastest_engine(
        bundle,
        names,
        threads=None if threads is None else (threads,),
        timeout=timeout,
        cache=None if speeds is None else SpeedCache(speeds),
        checks=known,
        again=again,
        trusted_keys=trusted,
        budget_ms=DEFAULT_BUDGET_MS if budget_ms is None else budget_ms,
    )
    _show_fastest(bundle, measured, as_json)


def _show_first(bundle: Path, found: EngineChoice, as_json: bool) -> None:
    for line in found.notes:
        say(f"note: {line}")
    if as_json:
        tried = {
            "engine": found.engine,
            "passed": vars(found.passed),
            "skipped": [vars(entry) for entry in found.skipped],
        }
        print_json({"bundle": str(bundle), **tried, "notes": found.notes})
        return
    table = _table("engine", "delegate", "outcome", "checked", "why")
    for entry in (*found.skipped, found.passed):
        checked = entry.date + " (cached)" * entry.cached
        table.add_row(entry.engine, entry.delegate, entry.outcome, checked, entry.reason)
    print_table(table)
    say(f"use {found.engine}")


def _show_fastest(bundle: Path, found: SpeedChoice, as_json: bool) -> None:
    for line in found.notes:
        say(f"note: {line}")
    if as_json:
        content: dict[str, Any] = {**vars(found), "tried": [vars(entry) for entry in found.tried]}
        print_json({"bundle": str(bundle), **content})
        return
    table = _table("engine", "threads", "ms", "to the fastest", "outcome", "why")
    for entry in found.tried:
        threads = "" if entry.threads is None else str(entry.threads)
        ms, ratio = ("" if value is None else f"{value:.2f}" for value in (entry.ms, entry.ratio))
        table.add_row(entry.engine, threads, ms, ratio, entry.outcome, entry.reason)
    print_table(table)
    when = f"measured {found.date}" + " (cached)" * found.cached
    say(f"use {found.engine} with {thread_words(found.threads)}, {when}")


def _table(*headings: str) -> Table:
    table = Table()
    for heading in headings:
        table.add_column(heading)
    return table
