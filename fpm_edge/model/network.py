"""Build the tf_keras functional model of a `ModelConfig`.

Layer names are a contract that conversion and truncation rely on: ``features`` (end of a shared stem), ``context``
(x', or conv_x(x') where it is shared), ``stage_<t>_head`` (maps before clipping) and ``heatmap_<t>`` (the maps).
"""

from dataclasses import dataclass
from typing import Any, TypeAlias

import tf_keras

from fpm_edge.model.centre import CentreMap
from fpm_edge.model.config import Conv, ModelConfig

__all__ = ["build_model", "training_outputs"]

Tensor: TypeAlias = Any  # tf_keras publishes no type for symbolic tensors

_layers = tf_keras.layers

# Hidden layers: He et al. 2015. Heads start near zero, as the ideal maps are almost everywhere.
_HIDDEN_INIT = "he_normal"
_HEAD_STDDEV = 0.01


def build_model(config: ModelConfig, *, policy: str = "float32", synchronized: bool = False) -> tf_keras.Model:
    """The network with random weights.

    Args:
        policy: tf_keras dtype policy of the hidden layers (``mixed_bfloat16``, ``mixed_float16``); heatmaps and
            weights are float32 in every case.
        synchronized: whether batch normalisation takes its statistics over all replicas of a distributed run.

    Returns:
        A model from ``image`` (batch, height, width, 3) float32 in [0, 1] to ``heatmap_1`` … ``heatmap_T``, each
        (batch, height/stride, width/stride, L + 1) float32; the last channel is background.
    """
    image = tf_keras.Input((config.input_height, config.input_width, 3), name="image")
    return tf_keras.Model(image, _Builder(config, policy, synchronized).heatmaps(image), name="fpm")


def training_outputs(model: tf_keras.Model) -> tf_keras.Model:
    """The same network, sharing its weights, with the maps before clipping as outputs.

    The loss is taken there: a clipped map has no gradient where it is wrong. Works on float and quantized models.
    """
    names = {layer.name for layer in model.layers}
    heads = []
    for stage in range(1, len(model.outputs) + 1):
        name = f"stage_{stage}_head"
        heads.append(model.get_layer(name if name in names else f"quant_{name}").output)
    return tf_keras.Model(model.input, heads, name="fpm_training")


@dataclass(frozen=True)
class _Builder:
    config: ModelConfig
    policy: str
    synchronized: bool

    def heatmaps(self, image: Tensor) -> list[Tensor]:
        config = self.config
        # A layer of its own, so that the quantized network has a place for the input's quantizer.
        pixels = _layers.Activation("linear", dtype=self.policy, name="pixels")(image)
        features = self._block(pixels, config.stem, "stem", last="features") if config.stem else pixels
        heatmaps = [self._heatmap(self._block(features, config.first, "stage_1"), 1)]
        if config.stages > 1:
            self._refine(features, heatmaps)
        return heatmaps

    def _refine(self, features: Tensor, heatmaps: list[Tensor]) -> None:
        config = self.config
        join, *rest = config.refine
        shared = None
        centre = self._centre(features)
        for stage in range(2, config.stages + 1):
            if stage < config.share_features_from:
                context = self._block(features, config.context, f"context_{stage}")
                joined = self._conv_x(context, join, f"stage_{stage}_conv_x")
            else:
                if shared is None:
                    shared = self._shared_context(features)
                joined = shared if config.share_join else self._conv_x(shared, join, f"stage_{stage}_conv_x")
            parts = [joined, self._conv(join, f"stage_{stage}_conv_h")(heatmaps[-1])]
            if centre is not None:
                parts.append(self._conv(join, f"stage_{stage}_conv_c", use_bias=False)(centre))
            hidden = _layers.Add(dtype=self.policy, name=f"stage_{stage}_join")(parts)
            hidden = self._relu(f"stage_{stage}_join_relu")(hidden)
            hidden = self._block(hidden, tuple(rest), f"stage_{stage}")
            heatmaps.append(self._heatmap(hidden, stage))

    def _centre(self, features: Tensor) -> Tensor | None:
        config = self.config
        if config.centre_sigma is None:
            return None
        return CentreMap(config.map_size, config.stride, config.centre_sigma, dtype=self.policy, name="centre")(
            features
        )

    def _shared_context(self, features: Tensor) -> Tensor:
        config = self.config
        if not config.share_join:
            return self._block(features, config.context, "context", last="context")
        return self._conv_x(self._block(features, config.context, "context"), config.refine[0], "context")

    def _conv_x(self, context: Tensor, join: Conv, name: str) -> Tensor:
        # conv_h carries the bias of the pair.
        return self._conv(join, name, use_bias=False)(context)

    def _block(self, x: Tensor, specs: tuple[Conv, ...], prefix: str, last: str | None = None) -> Tensor:
        for number, spec in enumerate(specs, start=1):
            name = f"{prefix}_{number}"
            end = last if last is not None and number == len(specs) else None
            if spec.separable:
                x = self._norm(self._depthwise(spec, f"{name}_depth_conv")(x), f"{name}_depth_bn")
                x = self._relu(f"{name}_depth_relu")(x)
                spec = Conv(1, spec.filters, pool=spec.pool)
            x = self._conv(spec, f"{name}_conv", use_bias=not self.config.batch_norm)(x)
            x = self._norm(x, f"{name}_bn")
            pooled = spec.pool > 1
            x = self._relu(end if end and not pooled else f"{name}_relu")(x)
            if pooled:
                x = _layers.MaxPooling2D(spec.pool, dtype=self.policy, name=end or f"{name}_pool")(x)
        return x

    def _norm(self, x: Tensor, name: str) -> Tensor:
        if not self.config.batch_norm:
            return x
        norm = _layers.BatchNormalization(
            momentum=0.99, epsilon=1e-3, synchronized=self.synchronized, dtype=self.policy, name=name
        )
        return norm(x)

    def _depthwise(self, spec: Conv, name: str) -> Any:
        return _layers.DepthwiseConv2D(
            spec.kernel,
            strides=spec.stride,
            dilation_rate=spec.dilation,
            padding="same",
            use_bias=not self.config.batch_norm,
            depthwise_initializer=_HIDDEN_INIT,
            dtype=self.policy,
            name=name,
        )

    def _conv(self, spec: Conv, name: str, *, use_bias: bool = True) -> Any:
        return _layers.Conv2D(
            spec.filters,
            spec.kernel,
            strides=spec.stride,
            dilation_rate=spec.dilation,
            padding="same",
            use_bias=use_bias,
            kernel_initializer=_HIDDEN_INIT,
            dtype=self.policy,
            name=name,
        )

    def _relu(self, name: str) -> Any:
        ceiling = 6.0 if self.config.activation == "relu6" else None
        return _layers.ReLU(ceiling, dtype=self.policy, name=name)

    def _heatmap(self, hidden: Tensor, stage: int) -> Tensor:
        maps = self.config.maps
        head = _layers.Conv2D(
            maps,
            1,
            kernel_initializer=tf_keras.initializers.RandomNormal(stddev=_HEAD_STDDEV),
            # Where there is no peak, the ideal landmark maps are 0 and the background is 1.
            bias_initializer=tf_keras.initializers.Constant([0.0] * (maps - 1) + [1.0]),
            dtype="float32",
            name=f"stage_{stage}_head",
        )(hidden)
        if self.config.clip_heatmaps:
            return _layers.ReLU(max_value=1.0, dtype="float32", name=f"heatmap_{stage}")(head)
        return _layers.Activation("linear", dtype="float32", name=f"heatmap_{stage}")(head)
