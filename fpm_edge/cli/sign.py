"""`fpm-edge sign`."""

import time
from datetime import datetime, timezone
from pathlib import Path

import click
import msgspec

from fpm_edge.cli.inputs import INPUT
from fpm_edge.cli.options import json_option, output_option, print_json, say
from fpm_edge.cli.outputs import Command, OutputFile
from fpm_edge.convert.signing import sign_bundle, stated
from fpm_edge.files.file_kinds import BUNDLE
from fpm_edge_runtime import UsageError, open_bundle
from fpm_edge_runtime.bundle.signature import moment

__all__ = ["command"]

_DAY = 24 * 60 * 60
_FORMS = ("%Y-%m-%d", "%Y-%m-%dT%H:%M:%SZ")


@click.command("sign", cls=Command)
@click.argument("bundle", type=INPUT)
@click.option("--key", type=INPUT, required=True, help="The private key, of `fpm-edge keygen`.")
@click.option(
    "--expires",
    metavar="DATE|DAYS",
    help="From when on devices refuse it: YYYY-MM-DD (at 0:00 UTC), YYYY-MM-DDTHH:MM:SSZ, or days from now. "
    "Devices then need a clock.",
)
@click.option(
    "--sequence",
    type=int,
    default=0,
    show_default=True,
    help="Higher than that of every bundle that this one replaces, for devices that must not go back.",
)
@json_option
@output_option(
    "Where to write the signed bundle; by default BUNDLE itself is replaced.", OutputFile(BUNDLE), required=False
)
def command(bundle: Path, key: Path, expires: str | None, sequence: int, as_json: bool, output: Path | None) -> None:
    """Sign BUNDLE with a private key. A signature that it has is replaced; all else in it stays as it is.

    \b
    fpm-edge sign mine.fpm --key release.pem --expires 365 -o signed.fpm
    """
    before = stated(open_bundle(bundle))
    statement = sign_bundle(bundle, key, output, expires=_parse_expiry(expires), sequence=sequence)
    target = bundle if output is None else output
    if as_json:
        print_json({"bundle": str(target), **msgspec.structs.asdict(statement)})
        return
    if before is not None:
        say(f"replaced the signature of key {before.key}, sequence {before.sequence}")
    say(f"{target}: signed with key {statement.key}, sequence {statement.sequence}")
    say("it does not expire" if statement.expires is None else f"it expires on {moment(statement.expires)}")


def _parse_expiry(text: str | None) -> int | None:
    """Unix time in seconds."""
    if text is None:
        return None
    if text.isascii() and text.isdecimal() and len(text) < 8:
        return int(time.time()) + int(text) * _DAY
    for form in _FORMS:
        try:
            return int(datetime.strptime(text, form).replace(tzinfo=timezone.utc).timestamp())
        except ValueError:
            continue
    raise UsageError(
        f"--expires is {text!r}; expected a date such as 2027-01-31 or 2027-01-31T08:00:00Z, or a number of days"
    )
