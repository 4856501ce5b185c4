"""`fpm-edge train`."""

from pathlib import Path
from typing import Any

import click

from fpm_edge.accuracy.evaluate import Evaluation, evaluate
from fpm_edge.accuracy.model_card import CARD, ModelCard, data_facts, tool_versions, write_card
from fpm_edge.accuracy.predict import predict_mean_shape, predict_network, truth_of
from fpm_edge.cli.dry_run import dry_run
from fpm_edge.cli.inputs import DATA_SPEC, INPUT
from fpm_edge.cli.options import (
    MODEL,
    DataSource,
    data_options,
    json_option,
    output_option,
    print_json,
    print_table,
    print_text,
    say,
)
from fpm_edge.cli.outputs import Command, OutputFolder
from fpm_edge.cli.train_plan import TrainPlan, plan_training
from fpm_edge.cli.training import RUN_FILES, epoch_reporter, make_deterministic, training_options
from fpm_edge.model import PRESETS, ModelConfig
from fpm_edge.model.networks import network_for
from fpm_edge.model.oneshot_config import OneShotConfig
from fpm_edge.model.store import assign_weights, load_network, save_model
from fpm_edge.train.board import HeatmapBoard, board_samples
from fpm_edge.train.config_file import write_run_config
from fpm_edge.train.distribute import DISTRIBUTIONS, Distribution, Team, make_team
from fpm_edge.train.estimate import estimate_table
from fpm_edge.train.loop import KEEP_BYTES, Draw, EpochLog, train
from fpm_edge.train.objective import Teacher, peak_sigma
from fpm_edge_runtime import UsageError

__all__ = ["command"]

_CONFIG = "run.toml"
_PRECISIONS = ("float32", "mixed_bfloat16", "mixed_float16")


@click.command("train", cls=Command)
@click.option("--config", "config_file", type=INPUT, help="A run as a TOML file; options change it.")
@data_options(required=False)
@click.option("--with", "beside", type=(float, DATA_SPEC), metavar="SHARE SPEC", multiple=True,
              help="Train on this data as well: that share of an epoch's pictures. Repeatable.")  # fmt: skip
@click.option("--model", "model_name", type=click.Choice(PRESETS), help="Network to start afresh.  [default: paper]")
@click.option("--from", "start", type=MODEL,
              help="Start from this trained model's weights, in its own network or in that of --model.")  # fmt: skip
@click.option("--stages", type=click.IntRange(1), help="Number of stages, where it is not the model's own.")
@click.option("--input-size", type=click.IntRange(8), metavar="PX", help="Side of the input, instead of the model's.")
@click.option("--width", type=float, help="Multiplier of a published network's channels, such as 0.125 on a CPU.")
@click.option("--batch-norm/--no-batch-norm", "batch_norm", default=None, help="Instead of the model's own choice.")
@training_options(default_recipe="paper")
@click.option("--teacher", type=MODEL, help="Learn from this trained model's heatmaps as well.")
@click.option("--distribute", type=click.Choice(DISTRIBUTIONS), default="none", show_default=True,
              help="Over all GPUs of this machine, or over the workers in TF_CONFIG.")  # fmt: skip
@click.option("--precision", type=click.Choice(_PRECISIONS), help="Of the arithmetic; weights stay float32.")
@click.option("--micro-batch", type=click.IntRange(1), help="Pictures that a device holds at once.")
@click.option("--xla", is_flag=True, default=None, help="Compile the step with XLA.")
@click.option("--keep-mb", type=click.IntRange(0), default=KEEP_BYTES // 1_000_000, show_default=True,
              help="Memory for pictures between epochs, so that they are decoded once.")  # fmt: skip
@click.option("--derived", is_flag=True, help="The landmarks were computed, not marked by people: say so in the card.")
@click.option("--dry-run", "dry", is_flag=True, help="Only print the run, its cost and how long it will take.")
@json_option
@output_option(
    "Folder for the model, checkpoints and TensorBoard logs.", OutputFolder((*RUN_FILES, _CONFIG, CARD)), required=False
)
def command(
    config_file: Path | None,
    source: DataSource | None,
    beside: tuple[tuple[float, str], ...],
    model_name: str | None,
    start: Path | None,
    stages: int | None,
    input_size: int | None,
    width: float | None,
    batch_norm: bool | None,
    recipe: str | None,
    epochs: int | None,
    batch: int | None,
    learning_rate: float | None,
    seed: int | None,
    resume: bool,
    teacher: Path | None,
    distribute: Distribution,
    precision: str | None,
    micro_batch: int | None,
    xla: bool | None,
    keep_mb: int,
    derived: bool,
    dry: bool,
    as_json: bool,
    output: Path | None,
) -> None:
    """Train a network on photographs with landmarks; all stages jointly, the paper's loss and Adam.

    The defaults are the paper's; on the contest's data (fashionai:DIR with its parts) the recipe `paper` is the paper's
    experiment with its split. A killed run continues with --resume as if it had never stopped.

    \b
    fpm-edge train --model lite --recipe lite --data rendered:40000 -o runs/lite
    fpm-edge train --from lite-m --recipe finetune --data fashionai:DIR --holdout 100 -o runs/mine
    fpm-edge train --recipe paper --data fashionai:DIR --dry-run
    """
    if output is None and not dry:
        raise UsageError("-o names the folder to train in; give it, or --dry-run")
    team = make_team(distribute)
    plan = plan_training(
        config_file,
        source,
        model={"preset": model_name, "stages": stages, "width": width, "batch_norm": batch_norm,
               "input_size": None if input_size is None else (input_size, input_size)},
        start=start,
        teacher=teacher,
        recipe=recipe,
        beside=beside,
        stand_in=dry,
        settings={"epochs": epochs, "batch": batch, "learning_rate": learning_rate, "seed": seed,
                  "precision": precision, "micro_batch": micro_batch, "xla": xla},
    )  # fmt: skip
    make_deterministic(plan.settings.seed)
    with team.strategy.scope():
        model = plan.build(synchronized=team.place.devices > 1)
        master = None if teacher is None else Teacher(*load_network(teacher), plan.teacher_origin)
    for line in plan.notes:
        say(f"note: {line}")
    if dry:
        estimate = dry_run(plan, model, master, team)
        if as_json:
            print_json({"run": plan.to_dict(), "estimate": estimate.to_dict()})
        else:
            print_text(plan.to_toml().encode())  # TOML is UTF-8 everywhere
            print_table(estimate_table(estimate))
        return
    assert output is not None  # for the type checker; refused above
    logs = _train(plan, model, master, team, output, resume=resume, keep_bytes=keep_mb * 1_000_000)
    save_model(output, plan.config, model, write=team.chief)
    if team.chief:
        write_run_config(output / _CONFIG, plan.run)
        result = _measure(plan, output)
        _write_card(plan, output, logs, result, derived)
        if as_json:
            print_json({"model": str(output), "held": None if result is None else result.to_dict()})
        say(f"model written to {output}")


def _train(
    plan: TrainPlan, model: Any, teacher: Teacher | None, team: Team, output: Path, *, resume: bool, keep_bytes: int
) -> tuple[EpochLog, ...]:
    with epoch_reporter(plan.settings, output) as report:
        return train(
            model,
            plan.config,
            plan.training,
            plan.settings,
            output,
            origin=plan.origin,
            seen=plan.seen,
            resume=resume,
            teacher=teacher,
            team=team,
            keep_bytes=keep_bytes,
            on_epoch=report,
            draw=_drawing(plan) if team.chief else None,
        )


def _drawing(plan: TrainPlan) -> Draw | None:
    """Draws the heatmaps of a few pictures by given weights; None for a network without heatmaps."""
    config = plan.config
    if not isinstance(config, ModelConfig | OneShotConfig):
        return None
    board = HeatmapBoard(config, board_samples(plan.board_data, config), sigma=peak_sigma(config, plan.settings.sigma))
    # A network of its own: to read one that several workers train takes all of them.
    copy = network_for(config).build(config)

    def draw(weights: Any) -> Any:
        assign_weights(copy, weights, "the run")
        return board.picture(copy)

    return draw


def _measure(plan: TrainPlan, output: Path) -> Evaluation | None:
    """Accuracy of the model as written, on the pictures held back."""
    if plan.held is None:
        return None
    config, model = load_network(output)
    result = evaluate(predict_network(model, config, plan.held), truth_of(plan.held), config.schema, plan.held.name)
    for entry in result.stages:
        say(f"held back, stage {entry.stage}: NE {entry.ne.mean:.4f} (contest's {entry.contest_ne.mean:.4f})")
    return result


def _write_card(
    plan: TrainPlan, output: Path, logs: tuple[EpochLog, ...], held: Evaluation | None, derived: bool
) -> None:
    floor = None
    if plan.held is not None:
        shapes = predict_mean_shape(plan.main, plan.held)
        floor = evaluate(shapes, truth_of(plan.held), plan.config.schema, plan.held.name)
    card = ModelCard(
        name=output.resolve().name,
        config=plan.config,
        parameters=plan.parameters,
        training=data_facts(plan.main, derived=derived),
        beside=[(share, data_facts(dataset)) for dataset, share in plan.beside],
        recipe=plan.recipe,
        settings=plan.settings,
        seeds={} if plan.data.holdout is None else {"split": plan.data.split_seed},
        origin=plan.start_name,
        command=plan.again(output / _CONFIG, output),
        versions=tool_versions(),
        losses=logs,
        held=held,
        held_derived=derived,
        floor=floor,
    )
    write_card(output, card)
