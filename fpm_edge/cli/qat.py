"""`fpm-edge qat`."""

from pathlib import Path

import click

from fpm_edge.cli.options import MODEL, DataSource, data_options, output_option, say
from fpm_edge.cli.training import changed_settings, epoch_reporter, make_deterministic, training_options
from fpm_edge.model.folding import fold_batch_norm
from fpm_edge.model.store import load_model, weights_digest
from fpm_edge.qat import fine_tune
from fpm_edge.quantized import save_qat
from fpm_edge.train.recipes import RECIPES

__all__ = ["command"]

_DEFAULT_RECIPE = "qat"


@click.command("qat")
@click.argument("model", type=MODEL)
@data_options()
@click.option("--stages", type=click.IntRange(1), help="Keep only the first so many stages.")
@training_options(default_recipe=_DEFAULT_RECIPE)
@output_option("Folder for the QAT model, checkpoints and TensorBoard logs.")
def command(
    model: Path,
    source: DataSource,
    stages: int | None,
    recipe: str | None,
    epochs: int | None,
    batch: int | None,
    learning_rate: float | None,
    seed: int | None,
    resume: bool,
    output: Path,
) -> None:
    """Fine-tune MODEL (a folder of `train`) for int8 with tfmot's quantizers, with the first --stages stages.

    \b
    fpm-edge qat runs/mine --data fashionai:DIR --holdout 100 -o runs/mine-qat
    fpm-edge convert runs/mine-qat --int8 --calibration fashionai:DIR --holdout 100 -o mine.fpm
    """
    settings = changed_settings(
        RECIPES[recipe or _DEFAULT_RECIPE], epochs=epochs, batch=batch, learning_rate=learning_rate, seed=seed
    )
    make_deterministic(settings.seed)
    dataset = source.training()
    config, network = fold_batch_norm(*load_model(model, stages))
    with epoch_reporter(settings, output) as on_epoch:
        quantized = fine_tune(
            config, network, dataset, settings, output, origin=weights_digest(model), resume=resume, on_epoch=on_epoch
        )
    save_qat(output, config, network, quantized)
    say(f"QAT model written to {output}")
