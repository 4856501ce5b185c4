"""`fpm-edge slots`."""

import os
from pathlib import Path

import click
from rich.table import Table

from fpm_edge.cli.inputs import INPUT
from fpm_edge.cli.options import json_option, print_json, print_table, print_text, say, trusted_option
from fpm_edge.cli.outputs import Group, OutputFolder
from fpm_edge.files.file_kinds import ANY
from fpm_edge_runtime.updates.slots import Slots

__all__ = ["command"]

# Whatever a loss of power made of these files, a bundle must get into them.
_SLOTS = OutputFolder(("a.fpm", "b.fpm", "slots.json"), ANY)
_FOLDER = click.argument("folder", type=_SLOTS)
_TRUSTED = trusted_option()
_DIGITS = 12  # of a digest, enough to tell two bundles apart


@click.group("slots", cls=Group)
def command() -> None:
    """Keep two bundles on a device: an update is tried, and taken back if it does not prove itself.

    \b
    fpm-edge slots install DIR new.fpm
    BUNDLE=$(fpm-edge slots boot DIR)       # at each start
    fpm-edge self-check "$BUNDLE" && fpm-edge slots confirm DIR
    """


@command.command("install")
@_FOLDER
@_TRUSTED
@click.argument("bundle", type=INPUT)
@click.option(
    "--sequence",
    type=click.IntRange(0),
    help="Number of the update; one lower than a confirmed one is refused. By default the signature's.",
)
@json_option
def install(folder: Path, trusted: tuple[Path, ...] | None, bundle: Path, sequence: int | None, as_json: bool) -> None:
    """Put BUNDLE into the slot of FOLDER that is not in use; the next boot tries it.

    Exit code 4 when it is damaged or older than what was confirmed, 1 when the folder cannot be written.
    """
    done = _slots(folder, trusted).install(bundle, sequence=sequence)
    _tell(done.notes)
    if as_json:
        print_json({**vars(done), "path": str(done.path)})
    elif done.changed:
        say(f"{bundle} is in slot {done.slot} and will be tried at the next boot")
    else:
        say(f"slot {done.slot}, which is in use, holds this bundle already; nothing was written")


@command.command("boot")
@_FOLDER
@_TRUSTED
@click.option(
    "--trial-starts",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    help="How often a new bundle may start without being confirmed.",
)
@json_option
def boot(folder: Path, trusted: tuple[Path, ...] | None, trial_starts: int, as_json: bool) -> None:
    """Print the path of the bundle to use now, and count the start if it is on trial. Once at each start.

    What was rolled back, and why, goes to stderr (and into --json). Exit code 4 when no slot can be used.
    """
    found = Slots(folder, trial_starts=trial_starts, trusted_keys=trusted).boot()
    _tell(found.notes)
    if as_json:
        fields = {key: value for key, value in vars(found).items() if key != "bundle"}
        print_json({**fields, "path": str(found.path), "digest": found.bundle.digest})
        return
    if found.rolled_back:
        say(f"rolled back to slot {found.slot}")
    say(f"slot {found.slot} is {_status(found.status, found.starts)}")
    # Bytes, as `$(...)` of a shell must get the very name.
    print_text(os.fsencode(found.path))


@command.command("confirm")
@_FOLDER
@_TRUSTED
@click.option(
    "--digest", metavar="SHA256", help="Only if the active slot still holds this bundle (`boot --json` prints it)."
)
@json_option
def confirm(folder: Path, trusted: tuple[Path, ...] | None, digest: str | None, as_json: bool) -> None:
    """Say that the bundle in use is good: later ones are rolled back to it.

    Exit code 2 when the active slot holds another bundle than --digest.
    """
    slot = _slots(folder, trusted).confirm(digest)
    if as_json:
        print_json({"slot": slot})
    else:
        say(f"slot {slot} is good")


@command.command("status")
@_FOLDER
@_TRUSTED
@json_option
def status(folder: Path, trusted: tuple[Path, ...] | None, as_json: bool) -> None:
    """What is in the slots, every file checked. Changes nothing."""
    found = _slots(folder, trusted).status()
    if as_json:
        slots = [{**vars(entry), "path": str(entry.path)} for entry in found.slots]  # msgspec writes no paths
        print_json({**vars(found), "slots": slots})
        return
    _tell(found.notes)
    table = Table()
    for heading in ("slot", "active", "status", "sequence", "bundle", "file"):
        table.add_column(heading)
    for entry in found.slots:
        record = entry.record
        table.add_row(
            entry.slot,
            "yes" if entry.slot == found.active else "",
            _status(record.status, record.starts) + (f": {record.reason}" if record.reason else ""),
            str(record.sequence),
            record.digest[:_DIGITS],
            entry.problem or "intact",
        )
    print_table(table)


def _slots(folder: Path, trusted: tuple[Path, ...] | None) -> Slots:
    return Slots(folder, trusted_keys=trusted)


def _status(status: str, starts: int) -> str:
    return status if status == "good" else f"{status}, {starts} start{'s' * (starts != 1)}"


def _tell(notes: tuple[str, ...]) -> None:
    for line in notes:
        say(f"note: {line}")
