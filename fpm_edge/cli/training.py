"""What `train` and `qat` share."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import click
import msgspec
import tensorflow as tf

from fpm_edge.cli.options import say
from fpm_edge.train.loop import EpochLog
from fpm_edge.train.recipes import RECIPES
from fpm_edge.train.run_record import CHECKPOINT, RUN
from fpm_edge.train.settings import TrainSettings

__all__ = ["RUN_FILES", "changed_settings", "epoch_reporter", "make_deterministic", "training_options"]

RUN_FILES = ("config.json", "weights.safetensors", "float/config.json", "float/weights.safetensors", CHECKPOINT, RUN)
"""What is replaced in the folder of a run."""

_Command = TypeVar("_Command", bound=Callable[..., Any])


def training_options(default_recipe: str) -> Callable[[_Command], _Command]:
    """``--recipe --epochs --batch --learning-rate --seed --resume``; None where one is not given."""

    def decorate(command: _Command) -> _Command:
        for option in (
            click.option("--resume", is_flag=True, help="Continue from the last checkpoint in the output folder."),
            click.option("--seed", type=click.IntRange(0), help="Of weights, order and augmentation.  [default: 0]"),
            click.option("--learning-rate", type=float, help="Adam's rate at its peak, instead of the recipe's."),
            click.option("--batch", type=int, help="Pictures a step, instead of the recipe's."),
            click.option("--epochs", type=int, help="Passes over the data, instead of the recipe's."),
            click.option(
                "--recipe", type=click.Choice(sorted(RECIPES)), help=f"Settings by name.  [default: {default_recipe}]"
            ),
        ):
            command = option(command)
        return command

    return decorate


def changed_settings(settings: TrainSettings, **given: Any) -> TrainSettings:
    """`settings` with those that were given in their place."""
    return msgspec.structs.replace(settings, **{name: v for name, v in given.items() if v is not None})


def make_deterministic(seed: int) -> None:
    """Seed every generator and have TensorFlow choose kernels that repeat bit for bit."""
    tf.config.experimental.enable_op_determinism()
    tf.keras.utils.set_random_seed(seed)


@contextmanager
def epoch_reporter(settings: TrainSettings, output: Path) -> Iterator[Callable[[EpochLog], None]]:
    """A callback that prints a line an epoch; on Ctrl-C, says how to continue."""

    def report(log: EpochLog) -> None:
        terms = "  ".join(f"{term} {loss:.3f}" for term, loss in zip(log.terms, log.losses, strict=True))
        say(f"epoch {log.epoch}/{settings.epochs}: loss {terms}  ({log.seconds or 0.0:.0f} s)")

    try:
        yield report
    except KeyboardInterrupt:
        say(f"stopped; continue with the same command and --resume (checkpoint in {output})")
        raise
