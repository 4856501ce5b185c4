"""`fpm-edge drift-log`."""

from collections.abc import Sequence
from pathlib import Path

import click
import msgspec
from rich.table import Table

from fpm_edge.cli.inputs import INPUT
from fpm_edge.cli.options import json_option, output_option, print_json, print_table, say
from fpm_edge.cli.outputs import Command, OutputFile
from fpm_edge.files.file_kinds import PNG
from fpm_edge_runtime import DataError
from fpm_edge_runtime.drift.log import LogEntry, read_drift_log
from fpm_edge_runtime.drift.steps import StepTaken
from fpm_edge_runtime.files import write_atomically

__all__ = ["command"]

# Rows of the table besides the changes: the newest.
_LATEST = 10


@click.command("drift-log", cls=Command)
@click.argument("log", metavar="FILE", type=INPUT)
@output_option("Draw estimate, bounds and evidence over time (PNG).", OutputFile(PNG), required=False)
@json_option
def command(log: Path, output: Path | None, as_json: bool) -> None:
    """Read what a device's drift monitor wrote to FILE: verdicts over time, estimate, bounds, alarms, policy steps.

    The older file beside it, FILE.1, is read too. Torn lines, such as power loss leaves, are skipped and told.

    \b
    fpm-edge drift-log drift.jsonl
    fpm-edge drift-log drift.jsonl -o drift.png
    """
    content = read_drift_log(log)
    if not content.entries:
        raise DataError(f"{log} holds no entry; expected the log that `DriftLog` of the runtime writes")
    entries = content.entries
    changes = _changes(entries)
    steps = [entry.step for entry in entries if entry.step is not None]
    if output is not None:
        write_atomically(output, _plot(entries, f"{log.name}: {entries[0].time} to {entries[-1].time}"))
    if as_json:
        result = {
            "log": str(log),
            "verdict": entries[-1].verdict,
            "last": msgspec.to_builtins(entries[-1]),
            "changes": [msgspec.to_builtins(entries[i]) for i in changes],
            "steps": [msgspec.to_builtins(step) for step in steps],
            "entries": len(entries),
            "damaged": list(content.damaged),
        }
        print_json(result)
        return
    shown = sorted({*changes, *range(len(entries))[-_LATEST:]})
    print_table(_table([entries[i] for i in shown], len(entries)))
    if steps:
        print_table(_steps_table(steps))
    for line in content.damaged:
        say(f"skipped: {line} is torn or was altered")
    last = entries[-1]
    say(f"{last.verdict}: {last.reason}" if last.reason else last.verdict)


def _changes(entries: Sequence[LogEntry]) -> list[int]:
    """Places of the first entry, and of each with another verdict, bundle or engine than the one before."""
    kinds = [(entry.verdict, entry.subject, entry.engine) for entry in entries]
    return [i for i, kind in enumerate(kinds) if i == 0 or kind != kinds[i - 1]]


def _plot(entries: Sequence[LogEntry], title: str) -> bytes:
    # Here, so that a log can be read where only the plain command line is installed.
    from fpm_edge.report.drift_plot import drift_plot

    return drift_plot(entries, title)


def _steps_table(steps: Sequence[StepTaken]) -> Table:
    table = Table(title=f"{len(steps)} steps of the policy on drift", title_justify="left")
    for heading in ("time", "step", "from", "to", "reason", "note"):
        table.add_column(heading)
    for step in steps:
        to = "skipped" if step.after is None else step.after
        table.add_row(step.time, step.step, step.before, to, step.reason, step.note or "–")
    return table


def _table(entries: Sequence[LogEntry], of: int) -> Table:
    title = f"{len(entries)} of {of} entries: changes of the verdict, and the latest; NE units"
    table = Table(title=title, title_justify="left")
    table.add_column("time")
    table.add_column("bundle")
    table.add_column("verdict")
    for heading in ("frames", "compared", "disagreement", "bounds", "limit", "evidence", "peak height"):
        table.add_column(heading, justify="right")
    table.add_column("fast alarms")
    for entry in entries:
        table.add_row(
            entry.time,
            entry.subject[:8],
            entry.verdict,
            str(entry.frames),
            str(entry.samples),
            "–" if entry.estimate is None else f"{entry.estimate:.5f}",
            f"{entry.lower:.5f} … {entry.upper:.5f}",
            f"{entry.limit:.5f}",
            f"{entry.evidence:.3g}",
            "–" if entry.peak_height is None else f"{entry.peak_height:.3f}",
            ", ".join(entry.fast_alarms) or "–",
        )
    return table
