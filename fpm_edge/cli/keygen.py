"""`fpm-edge keygen`."""

from pathlib import Path

import click

from fpm_edge.cli.options import json_option, output_option, print_json, say
from fpm_edge.cli.outputs import Command, OutputFile
from fpm_edge.convert.signing import make_keys
from fpm_edge.files.file_kinds import ANY

__all__ = ["command"]


@click.command("keygen", cls=Command)
@json_option
@output_option(
    "Where to write the private key; the public one is written beside it, with .pub behind its name.",
    # `make_keys` replaces nothing at all.
    OutputFile(ANY, beside=(".pub",)),
)
def command(as_json: bool, output: Path) -> None:
    """Make an Ed25519 key: a private one to sign bundles with, and a public one for devices to trust.

    The private key is not encrypted, and readable by its owner only. Existing keys are never replaced.

    \b
    fpm-edge keygen -o release.pem
    """
    keys = make_keys(output)
    if as_json:
        print_json({"private": str(keys.private), "public": str(keys.public), "key": keys.digest})
        return
    say(f"{keys.private}: private, signs; keep it off devices and out of repositories")
    say(f"{keys.public}: public, for devices to trust")
    say(f"key {keys.digest}")
