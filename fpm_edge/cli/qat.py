"""`fpm-edge qat`."""

from pathlib import Path

import click

from fpm_edge.cli.options import MODEL, DataSource, data_options, output_option, say
from fpm_edge.cli.outputs import Command, OutputFolder
from fpm_edge.cli.training import RUN_FILES, changed_settings, epoch_reporter, make_deterministic, training_options
from fpm_edge.convert.qat import fine_tune
from fpm_edge.convert.quantized import save_qat
from fpm_edge.model.folding import fold_batch_norm
from fpm_edge.model.store import FLOAT_FOLDER, load_model, weights_digest
from fpm_edge.train.mirror import without_mirror
from fpm_edge.train.recipes import RECIPES
from fpm_edge.train.seen import Seen, seen_by, write_seen
from fpm_edge.train.settings import TrainSettings
from fpm_edge_runtime import UsageError

__all__ = ["command"]

_DEFAULT_RECIPE = "qat"


@click.command("qat", cls=Command)
@click.argument("model", type=MODEL)
@data_options()
@click.option("--stages", type=click.IntRange(1), help="Keep only the first so many stages.")
@training_options(default_recipe=_DEFAULT_RECIPE)
@click.option(
    "--teacher/--no-teacher",
    default=None,
    help="Whether every stage learns from the float MODEL's maps of that stage, instead of the recipe's choice.",
)
@click.option("--truth-weight", type=float, help="Of the ideal maps; 0 to learn from the float model alone.")
@click.option(
    "--freeze-ranges-after",
    type=float,
    metavar="SHARE",
    help="Share of the training after which activation ranges stay; 0 keeps the calibrated ones.",
)
@click.option("--stage-rates", metavar="R1,R2,…", help="What the learning rate of each stage is multiplied by.")
@output_option("Folder for the QAT model, checkpoints and TensorBoard logs.", OutputFolder(RUN_FILES))
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
    teacher: bool | None,
    truth_weight: float | None,
    freeze_ranges_after: float | None,
    stage_rates: str | None,
    output: Path,
) -> None:
    """Fine-tune MODEL (a folder of `train`) for int8 with tfmot's quantizers, with the first --stages stages.

    Batch normalisation is folded first and ranges start from calibration. The float model is the teacher: the loss is
    how far every stage's maps are from the float model's, which is what conversion measures the drift of.

    \b
    fpm-edge qat runs/mine --data fashionai:DIR --holdout 100 -o runs/mine-qat
    fpm-edge convert runs/mine-qat --int8 --calibration fashionai:DIR --holdout 100 -o mine.fpm
    """
    settings = changed_settings(
        RECIPES[recipe or _DEFAULT_RECIPE],
        epochs=epochs,
        batch=batch,
        learning_rate=learning_rate,
        seed=seed,
        freeze_ranges_after=freeze_ranges_after,
        stage_rates=None if stage_rates is None else _rates(stage_rates),
        **_weights(RECIPES[recipe or _DEFAULT_RECIPE], teacher, truth_weight),
    )
    make_deterministic(settings.seed)
    if source.holdout is not None:
        # What is held back here was held back before, or nothing measured on it would be true.
        source.measured(model)
    dataset = source.training()
    before = seen_by(model)
    config, network = fold_batch_norm(*load_model(model, stages))
    settings, line = without_mirror(settings, config.schema)
    if line is not None:
        say(f"note: {line}")
    with epoch_reporter(settings, output) as on_epoch:
        quantized = fine_tune(
            config,
            network,
            dataset,
            settings,
            output,
            origin=weights_digest(model),
            seen=Seen.of(dataset, before, held_back=source.held_back),
            resume=resume,
            on_epoch=on_epoch,
        )
    if before is not None:
        (output / FLOAT_FOLDER).mkdir(exist_ok=True)
        write_seen(output / FLOAT_FOLDER, before)
    save_qat(output, config, network, quantized)
    say(f"QAT model written to {output}")


def _weights(recipe: TrainSettings, teacher: bool | None, truth: float | None) -> dict[str, float]:
    """What the options say about what there is to learn from, over the recipe."""
    taught = recipe.float_weight
    if teacher is not None:
        taught = (recipe.float_weight or 1.0) if teacher else 0.0
    if truth is None:
        # Without a teacher there is the truth alone.
        truth = recipe.truth_weight if taught else recipe.truth_weight or 1.0
    return {"float_weight": taught, "truth_weight": truth}


def _rates(text: str) -> tuple[float, ...]:
    try:
        return tuple(float(rate) for rate in text.split(","))
    except ValueError:
        raise UsageError(f"--stage-rates is {text}; expected numbers such as 0.1,1,1, one for each stage") from None
