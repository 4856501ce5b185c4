"""A network with int8 quantizers, as a folder: trained by QAT, or read back for conversion."""

from dataclasses import dataclass
from pathlib import Path

import tf_keras

from fpm_edge.model.config import ModelConfig
from fpm_edge.model.folding import fold_batch_norm
from fpm_edge.model.store import FLOAT_FOLDER, assign_weights, load_model, read_arrays, save_model
from fpm_edge_converters import fake_quantized
from fpm_edge_runtime.errors import ModelError

__all__ = ["LoadedModel", "is_qat_folder", "load_any", "save_qat"]


@dataclass(frozen=True)
class LoadedModel:
    """A trained model ready for conversion.

    Attributes:
        config: without batch normalisation.
        network: float, batch normalisation folded.
        quantized: the QAT network with its trained ranges; None for a float model.
    """

    config: ModelConfig
    network: tf_keras.Model
    quantized: tf_keras.Model | None


def is_qat_folder(folder: Path) -> bool:
    """Whether `folder` was written by `fpm-edge qat`."""
    return (folder / FLOAT_FOLDER).is_dir()


def load_any(folder: Path, stages: int | None = None, input_size: tuple[int, int] | None = None) -> LoadedModel:
    """Read a float or a QAT model folder, or its first `stages` stages, for its own input or (width, height) pixels.

    Raises ModelError.
    """
    source = folder / FLOAT_FOLDER if is_qat_folder(folder) else folder
    config, network = fold_batch_norm(*load_model(source, stages, input_size))
    if not is_qat_folder(folder):
        return LoadedModel(config, network, None)
    quantized = fake_quantized(network)
    weights = folder / "weights.safetensors"
    assign_weights(quantized, read_arrays(weights), str(weights))
    return LoadedModel(config, network, quantized)


def save_qat(folder: Path, config: ModelConfig, network: tf_keras.Model, quantized: tf_keras.Model) -> None:
    """Write a QAT model and the float network it started from. Raises ModelError for batch normalisation."""
    if config.batch_norm:
        raise ModelError(f"model {config.name!r} has batch normalisation; fold it before quantization")
    save_model(folder / FLOAT_FOLDER, config, network)
    save_model(folder, config, quantized)
