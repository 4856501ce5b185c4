"""`fpm-edge extract`."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import click

from fpm_edge.cli.inputs import INPUT
from fpm_edge.cli.options import json_option, output_option, print_json, say, trusted_option
from fpm_edge.cli.outputs import Command, OutputFolder
from fpm_edge_runtime import UsageError, open_bundle
from fpm_edge_runtime.bundle.contents import WHOLE_MEMBERS
from fpm_edge_runtime.files import write_atomically

__all__ = ["command"]


def _names(given: Mapping[str, Any]) -> Iterable[str]:
    return given["members"] or WHOLE_MEMBERS


@click.command("extract", cls=Command)
@click.argument("bundle", type=INPUT)
@click.argument("members", nargs=-1, metavar="[MEMBER]...")
@trusted_option()
@json_option
@output_option("The folder to write into; it is made if need be.", OutputFolder(_names))
def command(
    bundle: Path, members: tuple[str, ...], trusted: tuple[Path, ...] | None, as_json: bool, output: Path
) -> None:
    """Write members of BUNDLE as files, their digests checked.

    By default those that apps use by themselves, which `convert --whole` puts there: whole.tflite, whole.onnx and
    stages.tflite.

    \b
    fpm-edge convert lite-m --int8 --whole --calibration rendered:128@5/192 -o whole.fpm
    fpm-edge extract whole.fpm -o app/assets
    fpm-edge extract whole.fpm card.md stages/1.tflite -o out
    """
    opened = open_bundle(bundle, trusted)
    chosen = members or tuple(name for name in WHOLE_MEMBERS if name in opened.members)
    if not chosen:
        raise UsageError(
            f"{bundle} has none of {', '.join(WHOLE_MEMBERS)}; convert the model with --whole, or name members: "
            f"{', '.join(opened.members)}"
        )
    contents = {name: opened.read(name) for name in chosen}
    if output.exists() and not output.is_dir():
        raise UsageError(f"{output} is a file; name a folder")
    written = []
    for name, content in contents.items():
        path = output / name
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, content)
        written.append(path)
    if as_json:
        print_json({"files": [{"path": str(path), "bytes": path.stat().st_size} for path in written]})
        return
    for path in written:
        say(f"{path} ({path.stat().st_size / 1e6:.2f} MB)")
