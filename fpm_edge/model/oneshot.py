"""Build the one-shot heatmap network (Liu & Lu, ECCV Workshops 2018): its landmark branch on VGG-16."""

from typing import Any, TypeAlias

import tf_keras

from fpm_edge.model.blocks import Blocks
from fpm_edge.model.oneshot_config import OneShotConfig, Up

__all__ = ["build_oneshot"]

Tensor: TypeAlias = Any  # tf_keras publishes no type for symbolic tensors

_layers = tf_keras.layers

# The head starts near zero, as the ideal maps are almost everywhere.
_HEAD_STDDEV = 0.01


def build_oneshot(config: OneShotConfig, *, policy: str = "float32", synchronized: bool = False) -> tf_keras.Model:
    """The network with random weights.

    Args:
        policy: tf_keras dtype policy of the hidden layers; heatmaps and weights are float32 in every case.
        synchronized: whether batch normalisation takes its statistics over all replicas.

    Returns:
        A model from ``image`` (batch, height, width, 3) float32 in [0, 1] to ``heatmap_1`` (batch, height, width, L)
        float32, one map a landmark and no background.
    """
    blocks = Blocks(config.batch_norm, policy, synchronized)
    image = tf_keras.Input((config.input_height, config.input_width, 3), name="image")
    pixels = _layers.Activation("linear", dtype=policy, name="pixels")(image)
    x: Tensor = blocks.convs(pixels, config.trunk, "trunk")
    for number, layer in enumerate(config.decoder, start=1):
        name = f"decoder_{number}"
        x = blocks.up(x, layer.filters, layer.kernel, name) if isinstance(layer, Up) else blocks.conv(x, layer, name)
    heatmap = _layers.Conv2D(
        config.maps,
        1,
        kernel_initializer=tf_keras.initializers.RandomNormal(stddev=_HEAD_STDDEV),
        dtype="float32",
        name="heatmap_1",
    )(x)
    return tf_keras.Model(image, heatmap, name="oneshot")
