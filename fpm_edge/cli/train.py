"""`fpm-edge train`."""

from pathlib import Path

import click

from fpm_edge.cli.options import MODEL, DataSource, data_options, output_option, say
from fpm_edge.cli.training import epoch_reporter, make_deterministic, settings_from, training_options
from fpm_edge.model import PRESETS, preset
from fpm_edge.model.network import build_model
from fpm_edge.model.store import load_model, save_model, weights_digest
from fpm_edge.train.loop import train
from fpm_edge_runtime import UsageError

__all__ = ["command"]

_DEFAULT_MODEL = "paper"


@click.command("train")
@data_options()
@click.option(
    "--model", "model_name", type=click.Choice(PRESETS), help=f"Network to start afresh.  [default: {_DEFAULT_MODEL}]"
)
@click.option("--from", "start", type=MODEL, help="Start from this trained model's weights.")
@click.option("--stages", type=click.IntRange(1), help="Number of stages, where it is not the model's own.")
@training_options(default_recipe="paper")
@output_option("Folder for the model, checkpoints and TensorBoard logs.")
def command(
    source: DataSource,
    model_name: str | None,
    start: Path | None,
    stages: int | None,
    recipe: str,
    epochs: int | None,
    batch: int | None,
    learning_rate: float | None,
    seed: int,
    resume: bool,
    output: Path,
) -> None:
    """Train a network on photographs with landmarks; all stages jointly, the paper's loss and Adam.

    The defaults are the paper's. A killed run continues with --resume as if it had never stopped.

    \b
    fpm-edge train --model lite --recipe lite --data rendered:40000 -o runs/lite
    fpm-edge train --from lite-fashionai24 --recipe finetune --data fashionai:DIR --holdout 100 -o runs/mine
    """
    make_deterministic(seed)
    dataset = source.training()
    settings = settings_from(recipe, epochs=epochs, batch=batch, learning_rate=learning_rate, seed=seed)
    origin = "" if start is None else weights_digest(start)
    if start is not None:
        if model_name is not None:
            raise UsageError("--from brings its own network; leave --model out")
        config, model = load_model(start, stages)
    else:
        config = preset(model_name or _DEFAULT_MODEL, dataset.schema, stages=stages)
        model = build_model(config)

    with epoch_reporter(settings, output) as on_epoch:
        train(model, config, dataset, settings, output, origin=origin, resume=resume, on_epoch=on_epoch)
    save_model(output, config, model)
    say(f"model written to {output}")
