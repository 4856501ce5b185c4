"""The float networks that belong to a bundle, and a check that they do."""

from pathlib import Path

import msgspec
import tf_keras

from fpm_edge.convert.quantized import LoadedModel, load_any
from fpm_edge.model.config import decode_config
from fpm_edge_runtime import Bundle, UsageError

__all__ = ["load_model_of", "weights_of"]


def load_model_of(bundle: Bundle, folder: Path) -> LoadedModel:
    """The model in `folder`, with as many stages as the bundle, and its input size.

    Raises:
        UsageError: the bundle has another network than the model.
        ModelError: the folder cannot be read.
    """
    geometry = bundle.manifest.geometry
    size = (geometry.input_width, geometry.input_height)
    loaded = load_any(folder, None, size)
    if loaded.config.stages > bundle.stages:
        loaded = load_any(folder, bundle.stages, size)
    its = msgspec.structs.replace(
        decode_config(bundle.manifest.model, "the bundle's manifest"), name=loaded.config.name
    )
    if its != loaded.config:
        fields = [name for name in its.__struct_fields__ if getattr(its, name) != getattr(loaded.config, name)]
        raise UsageError(
            f"{folder} is another network than the bundle's ({', '.join(fields)} differ); give the model that it was "
            "made from"
        )
    if bundle.manifest.quantization.method == "qat" and loaded.quantized is None:
        raise UsageError(f"the bundle was made from a QAT model, {folder} is a float one; give the folder of `qat`")
    return loaded


def weights_of(bundle: Bundle, loaded: LoadedModel) -> tf_keras.Model:
    """The float network with the very weights that were converted: after QAT, the trained ones without quantizers."""
    if bundle.manifest.quantization.method != "qat" or loaded.quantized is None:
        return loaded.network
    network = tf_keras.models.clone_model(loaded.network)
    trained = {variable.name: variable for variable in loaded.quantized.weights}
    for variable in network.weights:
        variable.assign(trained[f"quant_{variable.name}"])
    return network
