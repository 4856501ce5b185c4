"""Networks that a user would pick instead of `lite-s`, rebuilt at its cost: about 0.1 GMAC at 128 × 128.

Each is a tf_keras functional model from ``image`` (batch, height, width, 3) float32 in [0, 1] to its answers, made of
layers that TFLite quantizes. All of them, `lite-s` too, begin with random weights.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, TypeAlias

import tensorflow as tf
import tf_keras

__all__ = ["cpm_mobile", "macs", "mobilenet_heatmaps", "simcc"]

Tensor: TypeAlias = Any  # tf_keras publishes no type for symbolic tensors

_layers = tf_keras.layers

# Sandler et al. 2018, table 2, without its last 1 × 1 layer of 1,280 channels, which serves classification:
# expansion, channels, repeats, stride.
_MOBILENET_V2 = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)


def mobilenet_heatmaps(side: int, landmarks: int, width: float = 0.75, channels: int = 72) -> tf_keras.Model:
    """MobileNetV2 and three transposed convolutions (Xiao et al. 2018, "Simple Baselines"): one map a landmark.

    The published head has 256 channels, which cost more than the trunk; here `channels`.

    Returns:
        ``heatmap_1`` (batch, side / 4, side / 4, L).
    """
    image = tf_keras.Input((side, side, 3), name="image")
    x = _trunk(image, width)
    for number in range(1, 4):
        x = _layers.Conv2DTranspose(
            channels, 4, strides=2, padding="same", use_bias=False, kernel_initializer="he_normal", name=f"up_{number}"
        )(x)
        x = _relu6(x, f"up_{number}")
    return tf_keras.Model(image, _head(x, landmarks, "heatmap_1"), name="mobilenet_heatmaps")


def simcc(
    side: int, landmarks: int, width: float = 1.0, hidden: int = 128, bins_a_pixel: float = 2.0
) -> tf_keras.Model:
    """The head of RTMPose (Jiang et al. 2023) on MobileNetV2: for each landmark, which column and which row.

    A 7 × 7 layer makes a token a landmark, a gated attention unit lets them talk, two dense layers classify. RTMPose's
    own trunk is CSPNeXt, and its tokens have 256 values; here `hidden`.

    Returns:
        ``simcc_x`` and ``simcc_y`` (batch, L, bins) float32 logits.
    """
    image = tf_keras.Input((side, side, 3), name="image")
    x = _trunk(image, width)
    x = _layers.Conv2D(landmarks, 7, padding="same", name="tokens")(x)
    x = _layers.Permute((3, 1, 2))(x)
    x = _layers.Reshape((landmarks, -1))(x)
    x = _ScaleNorm(name="tokens_norm")(x)
    x = _layers.Dense(hidden, use_bias=False, name="tokens_dense")(x)
    x = _GatedAttention(2 * hidden, hidden // 2, name="attention")(x)
    bins = round(side * bins_a_pixel)
    outputs = [_layers.Dense(bins, use_bias=False, name=f"simcc_{axis}")(x) for axis in "xy"]
    return tf_keras.Model(image, outputs, name="simcc")


def cpm_mobile(side: int, landmarks: int, stages: int = 3, width: float = 0.6) -> tf_keras.Model:
    """The inverted-residual CPM of PoseEstimationForMobile (``network_mv2_cpm.py``), with `stages` instead of six.

    Features of five strides are brought to stride 8 and concatenated; every stage takes them with the maps of the
    stage before. As published, maps end in batch normalisation and ReLU6, and are enlarged four times for the loss.

    Returns:
        ``heatmap_1`` … (batch, side / 2, side / 2, L).
    """
    image = tf_keras.Input((side, side, 3), name="image")
    x = _relu6(_conv(image, _scaled(32, width), 3, "stem", stride=2), "stem")
    levels = []
    for level, (expansion, channels, repeats) in enumerate(
        [(1, 16, 2), (6, 24, 5), (6, 32, 5), (6, 64, 5), (6, 96, 5)]
    ):
        for number in range(repeats):
            stride = 2 if level and not number else 1
            x = _inverted(x, expansion, _scaled(channels, width), stride, f"level_{level}_{number}")
        levels.append(x)
    features = _layers.Concatenate(name="features")(
        [
            _layers.MaxPooling2D(4)(levels[0]),
            _layers.MaxPooling2D(2)(levels[1]),
            levels[2],
            _layers.UpSampling2D(2, interpolation="bilinear")(levels[3]),
            _layers.UpSampling2D(4, interpolation="bilinear")(levels[4]),
        ]
    )
    outputs: list[Tensor] = []
    maps = None
    for stage in range(1, stages + 1):
        x = features if maps is None else _layers.Concatenate(name=f"stage_{stage}_input")([features, maps])
        kernel, last = (3, 512) if stage == 1 else (7, 128)
        for number, expansion in enumerate((2, 4, 4)):
            x = _inverted(x, expansion, _scaled(32, width), 1, f"stage_{stage}_{number}", kernel)
        x = _pointwise(x, _scaled(last, width), f"stage_{stage}_wide")
        maps = _pointwise(x, landmarks, f"stage_{stage}_maps")
        outputs.append(_layers.UpSampling2D(4, interpolation="bilinear", name=f"heatmap_{stage}")(maps))
    return tf_keras.Model(image, outputs, name="cpm_mobile")


def macs(model: tf_keras.Model) -> int:
    """Multiply-accumulates of one picture in convolutions and dense layers, counted from the layers' shapes."""
    return sum(_macs(layer) for layer in model.layers)


def _macs(layer: Any) -> int:
    if isinstance(layer, _GatedAttention):
        tokens = layer.input_shape[1]
        return tokens * sum(math.prod(w.shape) for w in layer.weights) + tokens * tokens * (layer.inner + layer.keys)
    kernel = next((w for w in layer.weights if "kernel" in w.name), None)
    if kernel is None:
        return 0
    # A transposed convolution meets its kernel once an input cell; all others once an output cell.
    shape = layer.input_shape if isinstance(layer, _layers.Conv2DTranspose) else layer.output_shape
    return int(math.prod(kernel.shape) * math.prod(shape[1:-1]))


def _trunk(image: Tensor, width: float) -> Tensor:
    x = _relu6(_conv(image, _divisible(32, width), 3, "stem", stride=2), "stem")
    for block, (expansion, channels, repeats, stride) in enumerate(_MOBILENET_V2):
        for number in range(repeats):
            name = f"block_{block}_{number}"
            x = _inverted(x, expansion, _divisible(channels, width), stride if number == 0 else 1, name)
    return x


def _inverted(x: Tensor, expansion: int, channels: int, stride: int, name: str, kernel: int = 3) -> Tensor:
    """1 × 1 to `expansion` times the channels, depthwise, 1 × 1 without activation, and what came in where it fits."""
    before = x
    if expansion > 1:
        x = _relu6(_conv(x, expansion * x.shape[-1], 1, f"{name}_expand"), f"{name}_expand")
    x = _relu6(_depthwise(x, kernel, stride, f"{name}_depth"), f"{name}_depth")
    x = _norm(_conv(x, channels, 1, f"{name}_project"), f"{name}_project")
    if stride == 1 and before.shape[-1] == channels:
        x = _layers.Add(name=f"{name}_add")([before, x])
    return x


def _pointwise(x: Tensor, channels: int, name: str) -> Tensor:
    """A "separable" layer of kernel 1: one weight a channel, then 1 × 1."""
    return _relu6(_conv(_depthwise(x, 1, 1, f"{name}_depth"), channels, 1, name), name)


def _conv(x: Tensor, channels: int, kernel: int, name: str, stride: int = 1) -> Tensor:
    return _layers.Conv2D(
        channels, kernel, strides=stride, padding="same", use_bias=False, kernel_initializer="he_normal", name=name
    )(x)


def _depthwise(x: Tensor, kernel: int, stride: int, name: str) -> Tensor:
    return _layers.DepthwiseConv2D(
        kernel, strides=stride, padding="same", use_bias=False, depthwise_initializer="he_normal", name=name
    )(x)


def _norm(x: Tensor, name: str) -> Tensor:
    return _layers.BatchNormalization(momentum=0.99, epsilon=1e-3, name=f"{name}_bn")(x)


def _relu6(x: Tensor, name: str) -> Tensor:
    return _layers.ReLU(6.0, name=f"{name}_relu")(_norm(x, name))


def _head(x: Tensor, maps: int, name: str) -> Tensor:
    return _layers.Conv2D(maps, 1, kernel_initializer=tf_keras.initializers.RandomNormal(stddev=0.01), name=name)(x)


def _scaled(channels: int, width: float) -> int:
    return max(8, int(channels * width))


def _divisible(channels: int, width: float) -> int:
    """The nearest multiple of 8, but not less than 90 % (MobileNetV2's rule)."""
    nearest = max(8, int(channels * width + 4) // 8 * 8)
    return nearest + 8 if nearest < 0.9 * channels * width else nearest


class _ScaleNorm(_layers.Layer):  # type: ignore[misc]
    """Divides each token by the root mean square of its values, times one learnt number (Nguyen & Salazar 2019)."""

    def build(self, input_shape: Sequence[int]) -> None:
        self.gain = self.add_weight(name="gain", shape=(1,), initializer="ones")

    def call(self, tokens: Tensor) -> Tensor:
        mean = tf.reduce_mean(tokens * tokens, axis=-1, keepdims=True)
        return tokens * (self.gain * tf.math.rsqrt(mean + 1e-5))


class _GatedAttention(_layers.Layer):  # type: ignore[misc]
    """The gated attention unit (Hua et al. 2022) as RTMPose has it: no positions, squared ReLU, one residual.

    Args:
        inner: values a token between its two dense layers.
        keys: values a token that are compared.
    """

    def __init__(self, inner: int, keys: int, **options: Any) -> None:
        super().__init__(**options)
        self.inner = inner
        self.keys = keys

    def build(self, input_shape: Sequence[int]) -> None:
        width = input_shape[-1]
        self.normalised = _ScaleNorm(name="norm")
        self.spread = self.add_weight(
            name="kernel_in", shape=(width, 2 * self.inner + self.keys), initializer="glorot_uniform"
        )
        self.gathered = self.add_weight(name="kernel_out", shape=(self.inner, width), initializer="glorot_uniform")
        self.gamma = self.add_weight(
            name="gamma", shape=(2, self.keys), initializer=tf_keras.initializers.RandomNormal(stddev=0.02)
        )
        self.beta = self.add_weight(name="beta", shape=(2, self.keys), initializer="zeros")
        self.residual = self.add_weight(name="residual", shape=(width,), initializer="ones")

    def call(self, tokens: Tensor) -> Tensor:
        mixed = tf.matmul(self.normalised(tokens), self.spread)
        mixed *= tf.sigmoid(mixed)
        gate, value, base = tf.split(mixed, [self.inner, self.inner, self.keys], axis=-1)
        query = base * self.gamma[0] + self.beta[0]
        key = base * self.gamma[1] + self.beta[1]
        weights = tf.nn.relu(tf.matmul(query, key, transpose_b=True) / math.sqrt(self.keys))
        attended = gate * tf.matmul(weights * weights, value)
        return self.residual * tokens + tf.matmul(attended, self.gathered)
