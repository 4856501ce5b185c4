"""`fpm-edge qat`."""

from pathlib import Path

import click

from fpm_edge.cli.options import MODEL, DataSource, data_options, output_option, say
from fpm_edge.cli.training import epoch_reporter, make_deterministic, settings_from, training_options
from fpm_edge.model.folding import fold_batch_norm
from fpm_edge.model.store import load_model, weights_digest
from fpm_edge.qat import fine_tune
from fpm_edge.quantized import save_qat

__all__ = ["command"]


@click.command("qat")
@click.argument("model", type=MODEL)
@data_options()
@click.option("--stages", type=click.IntRange(1), help="Keep only the first so many stages.")
@training_options(default_recipe="qat")
@output_option("Folder for the QAT model, checkpoints and TensorBoard logs.")
def command(
    model: Path,
    source: DataSource,
    stages: int | None,
    recipe: str,
    epochs: int | None,
    batch: int | None,
    learning_rate: float | None,
    seed: int,
    resume: bool,
    output: Path,
) -> None:
    """Fine-tune MODEL (a folder of `train`) for int8 with tfmot's quantizers, with the first --stages stages.

    \b
    fpm-edge qat runs/mine --data fashionai:DIR --holdout 100 -o runs/mine-qat
    fpm-edge convert runs/mine-qat --int8 --calibration fashionai:DIR --holdout 100 -o mine.fpm
    """
    make_deterministic(seed)
    dataset = source.training()
    settings = settings_from(recipe, epochs=epochs, batch=batch, learning_rate=learning_rate, seed=seed)
    config, network = fold_batch_norm(*load_model(model, stages))
    with epoch_reporter(settings, output) as on_epoch:
        quantized = fine_tune(
            config, network, dataset, settings, output, origin=weights_digest(model), resume=resume, on_epoch=on_epoch
        )
    save_qat(output, config, network, quantized)
    say(f"QAT model written to {output}")
