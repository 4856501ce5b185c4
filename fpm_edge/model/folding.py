"""Fold batch normalisation into the convolution before it: same function, fewer layers, one weight to quantize."""

import msgspec
import numpy as np
import tf_keras

from fpm_edge.model.config import ModelConfig
from fpm_edge.model.network import build_model

__all__ = ["fold_batch_norm"]


def fold_batch_norm(config: ModelConfig, model: tf_keras.Model) -> tuple[ModelConfig, tf_keras.Model]:
    """The same function without batch normalisation: w' = w·γ/√(σ² + ε), b' = β − μ·γ/√(σ² + ε).

    Returns the configuration and model unchanged where there is none.
    """
    if not config.batch_norm:
        return config, model
    folded_config = msgspec.structs.replace(config, batch_norm=False)
    folded = build_model(folded_config)
    for layer in folded.layers:
        source = model.get_layer(layer.name)
        weights = source.get_weights()
        if not weights:
            continue
        norm_name = layer.name.removesuffix("_conv") + "_bn"
        if layer.name.endswith("_conv") and any(other.name == norm_name for other in model.layers):
            norm = model.get_layer(norm_name)
            gamma, beta, mean, variance = (w.astype(np.float64) for w in norm.get_weights())
            scale = gamma / np.sqrt(variance + norm.epsilon)
            # A depthwise kernel is (height, width, channels, 1); any other has its output channels last.
            per_channel = scale[:, np.newaxis] if isinstance(layer, tf_keras.layers.DepthwiseConv2D) else scale
            weights = [
                (weights[0].astype(np.float64) * per_channel).astype(np.float32),
                (beta - mean * scale).astype(np.float32),
            ]
        layer.set_weights(weights)
    return folded_config, folded
