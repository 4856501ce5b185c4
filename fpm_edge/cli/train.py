"""`fpm-edge train`."""

from pathlib import Path

import click
import msgspec
import tensorflow as tf

from fpm_edge.cli.options import data_options, load_data, output_option, say, split_options
from fpm_edge.model import PRESETS, preset
from fpm_edge.model.network import build_model
from fpm_edge.model.store import load_model, save_model
from fpm_edge.train.loop import EpochLog, train
from fpm_edge.train.recipes import RECIPES

__all__ = ["command"]


@click.command("train")
@data_options()
@split_options
@click.option("--model", "model_name", type=click.Choice(PRESETS), default="paper", show_default=True)
@click.option("--from", "source", type=click.Path(path_type=Path), help="Start from this trained model's weights.")
@click.option("--stages", type=int, help="Number of stages, where it is not the model's own.")
@click.option("--recipe", type=click.Choice(sorted(RECIPES)), default="paper", show_default=True)
@click.option("--epochs", type=int, help="Passes over the data.")
@click.option("--batch", type=int, help="Pictures a step.")
@click.option("--learning-rate", type=float, help="Adam's rate, at its peak.")
@click.option("--seed", type=int, default=0, show_default=True, help="Of weights, order and augmentation.")
@click.option("--resume", is_flag=True, help="Continue from the last checkpoint in the output folder.")
@output_option("Folder for the model, checkpoints and TensorBoard logs.")
def command(
    data: str,
    schema: str | None,
    categories: str | None,
    skip_bad: bool,
    holdout: float | None,
    split_seed: int,
    model_name: str,
    source: Path | None,
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
    fpm-edge train --from runs/lite --recipe finetune --data fashionai:DIR --holdout 100 -o runs/mine
    """
    tf.config.experimental.enable_op_determinism()
    tf.keras.utils.set_random_seed(seed)
    dataset = load_data(
        data, schema=schema, categories=categories, skip_bad=skip_bad, holdout=holdout, split_seed=split_seed
    )
    given = {"epochs": epochs, "batch": batch, "learning_rate": learning_rate, "seed": seed}
    settings = msgspec.structs.replace(RECIPES[recipe], **{k: v for k, v in given.items() if v is not None})
    if source is not None:
        config, model = load_model(source, stages)
    else:
        config = preset(model_name, dataset.schema, stages=stages)
        model = build_model(config)

    def report(log: EpochLog) -> None:
        stages_text = "  ".join(f"stage {i} {loss:.3f}" for i, loss in enumerate(log.stage_losses, start=1))
        say(f"epoch {log.epoch}/{settings.epochs}: loss {stages_text}  ({log.seconds:.0f} s)")

    try:
        train(model, config, dataset, settings, output, resume=resume, on_epoch=report)
    except KeyboardInterrupt:
        say(f"stopped; continue with the same command and --resume (checkpoint in {output})")
        raise
    save_model(output, config, model)
    say(f"model written to {output}")
