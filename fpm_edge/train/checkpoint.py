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

__all__ = ["Position", "restore_checkpoint", "training_state", "write_checkpoint"]

Arrays = dict[str, NDArray[np.generic]]


@dataclass(frozen=True)
class Position:
    """Where training stands: the next step of the epoch, and the steps done in all."""

    epoch: int
    step_in_epoch: int
    step: int


def training_state(model: tf_keras.Model, optimizer: tf_keras.optimizers.Optimizer, at: Position) -> Arrays:
    """Everything that continuing bit-equal needs. With several workers, all of them must call it."""
    arrays: Arrays = {f"model/{name}": array for name, array in named_weights(model).items()}
    for number, variable in enumerate(_variables(optimizer)):
        arrays[f"optimizer/{number}"] = np.asarray(variable.numpy())
    arrays["position"] = np.array([at.epoch, at.step_in_epoch, at.step], np.int64)
    return arrays


def write_checkpoint(path: Path, state: Arrays) -> None:
    """Write `training_state`; on any failure the file that was there is kept.

    Raises:
        ModelError: a weight is not finite, or the file cannot be written.
    """
    for name, array in state.items():
        if not np.isfinite(array).all():
            raise ModelError(f"{name} holds NaN or infinity, so no checkpoint was written; {path} is kept as it was")
    try:
        write_atomically(path, save(state))
    except OSError as error:
        kept = "; the one before it is kept" if path.exists() else ""
        raise ModelError(
            f"{path}: the checkpoint could not be written ({error.strerror}){kept}; make room, then continue with "
            "--resume"
        ) from error


def restore_checkpoint(path: Path, model: tf_keras.Model, optimizer: tf_keras.optimizers.Optimizer) -> Position:
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
    return Position(epoch, step_in_epoch, step)


def _variables(optimizer: tf_keras.optimizers.Optimizer) -> list[Any]:
    variables = list(optimizer.variables)
    if isinstance(optimizer, tf_keras.mixed_precision.LossScaleOptimizer):
        # Its `variables` are those of the optimiser inside; the scale and the count of good steps are state as well.
        scale = optimizer._loss_scale
        variables += [scale._current_loss_scale, scale._counter]
    return variables
