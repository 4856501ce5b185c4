"""Save a model as a folder of ``config.json`` and ``weights.safetensors``; rebuild it from them.

No graph is ever deserialised: the configuration builds the network, the file holds only named arrays.
"""

import hashlib
from pathlib import Path

import msgspec
import numpy as np
import tf_keras
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

from fpm_edge.model.config import ModelConfig
from fpm_edge.model.kinds import NetworkConfig, config_to_dict, kind_of, read_any_config
from fpm_edge.model.networks import network_for
from fpm_edge_runtime.errors import ModelError
from fpm_edge_runtime.files import write_atomically

__all__ = [
    "FLOAT_FOLDER",
    "assign_weights",
    "load_model",
    "load_network",
    "load_weights",
    "named_weights",
    "read_arrays",
    "read_config",
    "save_model",
    "weights_digest",
]

# A QAT folder holds the float model it started from, which is what drift is measured against.
FLOAT_FOLDER = "float"

_CONFIG = "config.json"
_WEIGHTS = "weights.safetensors"


def save_model(folder: Path, config: NetworkConfig, model: tf_keras.Model, *, write: bool = True) -> None:
    """Write the model into `folder` (made if missing); each file appears whole or not at all.

    Args:
        write: False where another worker writes: reading the weights takes all of them.
    """
    arrays = named_weights(model)
    if not write:
        return
    folder.mkdir(parents=True, exist_ok=True)
    write_atomically(folder / _WEIGHTS, save(arrays))
    pretty = msgspec.json.format(msgspec.json.encode(config_to_dict(config)), indent=2)
    write_atomically(folder / _CONFIG, pretty)


def load_model(
    folder: Path, stages: int | None = None, input_size: tuple[int, int] | None = None
) -> tuple[ModelConfig, tf_keras.Model]:
    """Rebuild a saved Fashion Pose Machine, or its first `stages` stages, for its own input or another.

    The network is fully convolutional: its weights fit every `input_size` (width, height) that the stride divides.

    Raises:
        ModelError: another kind of network, an input that the stride does not divide, or as `load_network`.
        UsageError: it has fewer stages.
    """
    config = read_config(folder)
    if not isinstance(config, ModelConfig):
        raise ModelError(
            f"{folder} holds a network of kind {kind_of(config)!r}, which has no stages to convert or cut; it can be "
            "trained and evaluated only"
        )
    if stages is not None:
        config = config.truncated(stages)
    if input_size is not None:
        config = config.resized(input_size)
    return config, _rebuild(folder, config)


def load_network(folder: Path) -> tuple[NetworkConfig, tf_keras.Model]:
    """Rebuild a saved network of any kind.

    Raises:
        ModelError: missing or damaged files, weights that do not fit the configuration, NaN.
    """
    config = read_config(folder)
    return config, _rebuild(folder, config)


def load_weights(folder: Path, model: tf_keras.Model) -> None:
    """Set the weights of `model` to a saved network's; those of later stages are ignored. Raises ModelError."""
    assign_weights(model, read_arrays(folder / _WEIGHTS), str(folder / _WEIGHTS))


def read_config(folder: Path) -> NetworkConfig:
    """The configuration of a saved float network of any kind. Raises ModelError."""
    if not folder.is_dir():
        raise ModelError(f"{folder}: no such model folder; expected one with {_CONFIG} and {_WEIGHTS}")
    if (folder / FLOAT_FOLDER).is_dir():
        raise ModelError(f"{folder} is a QAT model; a float one is needed here, such as {folder / FLOAT_FOLDER}")
    return read_any_config(folder / _CONFIG)


def _rebuild(folder: Path, config: NetworkConfig) -> tf_keras.Model:
    model = network_for(config).build(config)
    load_weights(folder, model)
    return model


def weights_digest(folder: Path) -> str:
    """SHA-256 of a model folder's weights. Raises ModelError."""
    try:
        return hashlib.sha256((folder / _WEIGHTS).read_bytes()).hexdigest()
    except OSError as error:
        raise ModelError(f"{folder / _WEIGHTS}: cannot read the weights: {error.strerror}") from error


def named_weights(model: tf_keras.Model) -> dict[str, NDArray[np.float32]]:
    """Every weight by its stable name ``layer/variable``."""
    return {variable.name.removesuffix(":0"): np.asarray(variable.numpy()) for variable in model.weights}


def assign_weights(model: tf_keras.Model, arrays: dict[str, NDArray[np.float32]], where: str) -> None:
    """Set every weight of `model`; arrays it does not have (later stages) are ignored.

    Raises:
        ModelError: an array is missing, has another shape, or holds values that are not finite.
    """
    for variable in model.weights:
        name = variable.name.removesuffix(":0")
        array = arrays.get(name)
        if array is None:
            raise ModelError(f"{where}: weight {name} is missing; the file belongs to another configuration")
        if tuple(array.shape) != tuple(variable.shape):
            raise ModelError(f"{where}: weight {name} has shape {tuple(array.shape)}, expected {tuple(variable.shape)}")
        if not np.isfinite(array).all():
            raise ModelError(f"{where}: weight {name} holds NaN or infinity; take an earlier checkpoint")
        variable.assign(array)


def read_arrays(path: Path) -> dict[str, NDArray[np.float32]]:
    """All arrays of a safetensors file. Raises ModelError."""
    try:
        return load(path.read_bytes())
    except OSError as error:
        raise ModelError(f"{path}: cannot read the weights: {error.strerror}") from error
    except SafetensorError as error:
        raise ModelError(f"{path}: not a whole safetensors file ({error}); take an earlier checkpoint") from error
