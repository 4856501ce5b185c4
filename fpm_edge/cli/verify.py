"""`fpm-edge verify`."""

from pathlib import Path

import click
import msgspec

from fpm_edge.cli.inputs import INPUT
from fpm_edge.cli.options import json_option, print_json, say, trusted_option
from fpm_edge.cli.outputs import Command
from fpm_edge_runtime import open_bundle
from fpm_edge_runtime.bundle.signature import moment

__all__ = ["command"]


@click.command("verify", cls=Command)
@click.argument("bundle", type=INPUT)
@trusted_option(required=True)
@json_option
def command(bundle: Path, trusted: tuple[Path, ...], as_json: bool) -> None:
    """Check everything in BUNDLE: that a trusted key signed it, that it has not expired, and every member's digest.

    Exit code 4 and the reason if anything is wrong.

    \b
    fpm-edge verify signed.fpm --trusted release.pem.pub
    """
    opened = open_bundle(bundle, trusted)
    opened.check()
    statement = opened.signature
    assert statement is not None, "there were trusted keys"
    if as_json:
        print_json({"bundle": str(bundle), "members": len(opened.members), **msgspec.structs.asdict(statement)})
        return
    say(f"{bundle}: signed with key {statement.key}, sequence {statement.sequence}")
    expires = "does not expire" if statement.expires is None else f"expires on {moment(statement.expires)}"
    say(f"signed on {moment(statement.created)}, {expires}")
    say(f"all {len(opened.members)} members are as they were signed")
