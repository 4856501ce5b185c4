"""`fpm-edge self-check`."""

from pathlib import Path

import click
from rich.markup import escape
from rich.table import Table

from fpm_edge.cli.options import json_option, print_json, print_table, say
from fpm_edge_runtime.engine_choice import DEFAULT_ORDER, CheckCache, choose_engine

__all__ = ["command"]


@click.command("self-check")
@click.argument("bundle", type=click.Path(path_type=Path))
@click.option(
    "--engine", "engines", default=",".join(DEFAULT_ORDER), show_default=True, metavar="A,B", help="Names, best first."
)
@click.option("--threads", type=click.IntRange(1), help="For the engine; by default its own choice.")
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
    type=click.Path(path_type=Path),
    metavar="JSON",
    help="What was found at earlier starts; kept up to date.",
)
@click.option("--again", is_flag=True, help="Check also what the cache knows.")
@json_option
def command(
    bundle: Path,
    engines: str,
    threads: int | None,
    timeout: float,
    cache: Path | None,
    again: bool,
    as_json: bool,
) -> None:
    """Find the first engine that answers BUNDLE's golden cases rightly on this device.

    Each runs in a process of its own, so that one that crashes or hangs does no harm. Exit code 0 when one passes, 3
    when none does, 5 when none is installed. (`fpm-edge drift` measures one engine in detail.)

    \b
    fpm-edge self-check mine.fpm
    fpm-edge self-check mine.fpm --engine openvino,litert --cache checks.json
    """
    names = [name.strip() for name in engines.split(",")]
    known = None if cache is None else CheckCache(cache)
    found = choose_engine(bundle, names, threads=threads, timeout=timeout, cache=known, again=again)
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
    table = Table()
    for heading in ("engine", "delegate", "outcome", "checked", "why"):
        table.add_column(heading)
    for entry in (*found.skipped, found.passed):
        checked = entry.date + " (cached)" * entry.cached
        table.add_row(entry.engine, entry.delegate, entry.outcome, checked, escape(entry.reason))
    print_table(table)
    say(f"use {found.engine}")
