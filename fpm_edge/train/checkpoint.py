"""Training state in one file that appears whole or not at all: weights, optimiser, position."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tf_keras
from numpy.typing import NDArray
from safetensors.numpy import save

from fpm_edge.model.store import assign_weights, named_weights, read_arrays
from fpm_edge_runtime.errors import ModelError
from fpm_edge_runtime.files import write_atomically

__all__ = ["LossLog", "Position", "is_finite", "no_losses", "restore_checkpoint", "training_state", "write_checkpoint"]

Arrays = dict[str, NDArray[np.generic]]


@dataclass(frozen=True)
class Position:
    """Where training stands: the next step of the epoch, and the steps done in all."""

    epoch: int
    step_in_epoch: int
    step: int


@dataclass(frozen=True)
class LossLog:
    """What was lost so far: means of the loss terms of each whole epoch, and every step's of the epoch under way.

    Attributes:
        epochs: (epochs, terms) float64.
        steps: (steps, terms) float32.
    """

    epochs: NDArray[np.float64]
    steps: NDArray[np.float32]


def no_losses(terms: int) -> LossLog:
    """The log of a run that has not begun."""
    return LossLog(np.zeros((0, terms), np.float64), np.zeros((0, terms), np.float32))


def training_state(
    model: tf_keras.Model, optimizer: tf_keras.optimizers.Optimizer, at: Position, losses: LossLog
) -> Arrays:
    """Everything that continuing bit-equal needs. With several workers, all of them must call it."""
    arrays: Arrays = {f"model/{name}": array for name, array in named_weights(model).items()}
    for number, variable in enumerate(_variables(optimizer)):
        arrays[f"optimizer/{number}"] = np.asarray(variable.numpy())
    arrays["position"] = np.array([at.epoch, at.step_in_epoch, at.step], np.int64)
    arrays["losses/epochs"], arrays["losses/steps"] = losses.epochs, losses.steps.astype(np.float32)
    return arrays


def is_finite(state: Arrays) -> bool:
    """Whether a state can be gone back to."""
    return all(np.isfinite(array).all() for array in state.values())


def write_checkpoint(path: Path, state: Arrays) -> None:
    """Write `training_state`; on any failure the file that was there is kept. Raises ModelError."""
    try:
        write_atomically(path, save(state))
    except OSError as error:
        kept = "; the one before it is kept" if path.exists() else ""
        raise ModelError(
            f"{path}: the checkpoint could not be written ({error.strerror}){kept}; make room, then continue with "
            "--resume"
        ) from error


def restore_checkpoint(
    path: Path, model: tf_keras.Model, optimizer: tf_keras.optimizers.Optimizer
) -> tuple[Position, LossLog]:
    """Set weights and (built) optimiser to the saved state. Raises ModelError for a file that does not fit."""
    arrays = read_arrays(path)
    weights = {name.removeprefix("model/"): array for name, array in arrays.items() if name.startswith("model/")}
    assign_weights(model, weights, str(path))
    for number, variable in enumerate(_variables(optimizer)):
        array = arrays.get(f"optimizer/{number}")
        if array is None or tuple(array.shape) != tuple(variable.shape):
            raise ModelError(f"{path}: the optimiser's state does not fit this model; start without --resume")
        variable.assign(array)
    epoch, step_in_epoch, step = (int(v) for v in arrays["position"])
    losses = LossLog(np.asarray(arrays["losses/epochs"], np.float64), arrays["losses/steps"])
    return Position(epoch, step_in_epoch, step), losses


def _variables(optimizer: tf_keras.optimizers.Optimizer) -> list[Any]:
    variables = list(optimizer.variables)
    if isinstance(optimizer, tf_keras.mixed_precision.LossScaleOptimizer):
        # Its `variables` are those of the optimiser inside; the scale and the count of good steps are state as well.
        scale = optimizer._loss_scale
        variables += [scale._current_loss_scale, scale._counter]
    return variables
