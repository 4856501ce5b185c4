"""Build FashionNet's landmark and category branches (Liu et al., "DeepFashion", CVPR 2016, figure 5)."""

from typing import Any, TypeAlias

import tf_keras

from fpm_edge.model.blocks import Blocks
from fpm_edge.model.fashionnet_config import VISIBILITY_CLASSES, FashionNetConfig
from fpm_edge.model.landmark_pooling import LandmarkPooling

__all__ = ["build_fashionnet", "fashionnet_training_outputs"]

Tensor: TypeAlias = Any  # tf_keras publishes no type for symbolic tensors

_layers = tf_keras.layers

# The location head starts at the middle of the picture, with little to say about it.
_HEAD_STDDEV = 0.01
_MIDDLE = 0.5

_TRAINING_OUTPUTS = ("locations", "visibility_logits", "category_logits")


def build_fashionnet(
    config: FashionNetConfig, *, policy: str = "float32", synchronized: bool = False
) -> tf_keras.Model:
    """The network with random weights.

    Args:
        policy: tf_keras dtype policy of the hidden layers; outputs and weights are float32 in every case.
        synchronized: whether batch normalisation takes its statistics over all replicas.

    Returns:
        A model from ``image`` (batch, height, width, 3) float32 in [0, 1] to three float32 tensors: ``locations``
        (batch, L, 2) x, y as shares of the input's width and height (0 the left or top edge, 1 the right or bottom
        edge; not bounded), ``visibility`` (batch, L, 3) probabilities of `VISIBILITY_CLASSES`, and ``category``
        (batch, categories) probabilities in the schema's order.
    """
    blocks = Blocks(config.batch_norm, policy, synchronized)
    image = tf_keras.Input((config.input_height, config.input_width, 3), name="image")
    pixels = _layers.Activation("linear", dtype=policy, name="pixels")(image)
    conv4 = blocks.convs(pixels, config.trunk, "trunk")
    locations, visibility = _pose(config, blocks, conv4)
    category = _category(config, blocks, conv4, locations, visibility)
    outputs = [
        locations,
        _layers.Softmax(dtype="float32", name="visibility")(visibility),
        _layers.Softmax(dtype="float32", name="category")(category),
    ]
    return tf_keras.Model(image, outputs, name="fashionnet")


def fashionnet_training_outputs(model: tf_keras.Model) -> tf_keras.Model:
    """The same network, sharing its weights, with logits in the place of the two probabilities."""
    outputs = [model.get_layer(name).output for name in _TRAINING_OUTPUTS]
    return tf_keras.Model(model.input, outputs, name="fashionnet_training")


def _pose(config: FashionNetConfig, blocks: Blocks, conv4: Tensor) -> tuple[Tensor, Tensor]:
    """The blue branch: locations (batch, L, 2) and visibility logits (batch, L, 3)."""
    x = blocks.convs(blocks.pool(conv4, 2, "pose_pool4"), config.block5, "pose_conv5")
    for number, units in enumerate(config.fc_pose, start=6):
        x = blocks.dense(x, config.units(units), config.dropout, f"fc{number}_pose")
    landmarks = len(config.schema.landmarks)
    locations = _head(x, 2 * landmarks, "locations_flat", bias_initializer=tf_keras.initializers.Constant(_MIDDLE))
    visibility = _head(x, len(VISIBILITY_CLASSES) * landmarks, "visibility_flat")
    return (
        _layers.Reshape((landmarks, 2), dtype="float32", name="locations")(locations),
        _layers.Reshape((landmarks, len(VISIBILITY_CLASSES)), dtype="float32", name="visibility_logits")(visibility),
    )


def _category(config: FashionNetConfig, blocks: Blocks, conv4: Tensor, locations: Tensor, visibility: Tensor) -> Tensor:
    """The local (green) and global branch and their fusion: category logits."""
    pooling = LandmarkPooling(config.region, config.pooled, dtype=blocks.policy, name="pool5_local")
    around = pooling((conv4, locations, visibility))
    local = blocks.dense(around, config.units(config.fc_local), config.dropout, "fc6_local")
    x = blocks.convs(blocks.pool(conv4, 2, "global_pool4"), config.block5, "global_conv5")
    whole = blocks.dense(x, config.units(config.fc_global), config.dropout, "fc6_global")
    both = _layers.Concatenate(dtype=blocks.policy, name="fusion")([whole, local])
    fused = blocks.dense(both, config.units(config.fc_fusion), config.dropout, "fc7_fusion")
    return _head(fused, len(config.schema.categories), "category_logits")


def _head(x: Tensor, units: int, name: str, **options: Any) -> Tensor:
    initializer = tf_keras.initializers.RandomNormal(stddev=_HEAD_STDDEV)
    return _layers.Dense(units, kernel_initializer=initializer, dtype="float32", name=name, **options)(x)
