"""`fpm-edge data convert`."""

from pathlib import Path

import click
import msgspec

from fpm_edge.cli.options import SPEC_HELP, DataSource, data_options, json_option, output_option, print_json, say
from fpm_edge.cli.outputs import Command, OutputFolder
from fpm_edge.data.export import EXPORT_FORMS, export_dataset
from fpm_edge.text.progress import progress_bar

__all__ = ["command"]


@click.command("convert", cls=Command, epilog=f"DATA is {SPEC_HELP}")
@data_options(None, split=False)
@click.option("--to", type=click.Choice(list(EXPORT_FORMS)), required=True, help="COCO key points, or FashionAI's CSV.")
@json_option
@output_option("New folder.", OutputFolder())
def command(source: DataSource, to: str, as_json: bool, output: Path) -> None:
    """Write DATA as COCO key points or FashionAI's CSV, with its pictures.

    Picture files are copied byte for byte, drawn ones written as PNG. COCO holds all there is. FashionAI's CSV holds
    its own 24 landmarks only, in whole pixels and without boxes; what is lost is said.

    \b
    fpm-edge data convert deepfashion2:DIR --to coco -o DIR2
    fpm-edge data check coco:DIR2/annotations.json --schema deepfashion2
    """
    dataset = source.held()
    with progress_bar("writing", len({record.photograph for record in dataset.records})) as advance:
        exported = export_dataset(dataset, output, to, advance=advance)
    for note in exported.notes:
        say(f"note: {note}")
    schema = "" if exported.schema is None else f" --schema {exported.schema}"
    say(f"{exported.records} records in {exported.pictures} pictures; use {exported.spec}{schema}")
    if as_json:
        print_json(msgspec.to_builtins(exported, enc_hook=str))
