"""`fpm-edge demo`."""

import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import click

from fpm_edge.cli.options import print_table, say
from fpm_edge.cli.outputs import Command, OutputFolder
from fpm_edge.cli.tables import drift_table
from fpm_edge.files.file_kinds import DRAWN

__all__ = ["command"]

_DEFAULT = Path("out/demo")


def _names(given: Mapping[str, Any]) -> Iterable[str]:
    from fpm_edge.report.write import WRITTEN

    return ("garments.fpm", "garments-float.fpm", "pictures/*.png", *WRITTEN)


@click.command("demo", cls=Command)
@click.option(
    "-o",
    "--output",
    type=OutputFolder(_names, {"pictures/*.png": DRAWN, "overlays/*.png": DRAWN}),
    default=_DEFAULT,
    show_default=True,
    help="Folder for the results.",
)
@click.option("--pictures", default=160, show_default=True, help="Garments to measure on.")
def command(output: Path, pictures: int) -> None:
    """The whole job on built-in data, in a few minutes: convert, bundle, run, drift, report.

    The shipped float model is converted to int8 TFLite and ONNX, packed into a bundle, run stage by stage on garments
    drawn for it, and compared with float. Nothing is downloaded.
    """
    from fpm_edge.demo import run_demo

    began = time.monotonic()
    result = run_demo(output, pictures)
    for form, report in result.drift.items():
        print_table(drift_table(report, f"int8 {form} against float, {report.pictures} garments it was not trained on"))
    say(f"bundle    {result.bundle} ({result.bundle.stat().st_size / 1e6:.2f} MB)")
    say(f"float     {result.float_bundle} ({result.float_bundle.stat().st_size / 1e6:.2f} MB)")
    say(f"pictures  {result.overlays}")
    say(f"report    {result.report}")
    say(f"done in {time.monotonic() - began:.0f} s; open the report in a browser")
