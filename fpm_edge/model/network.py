"""Build the tf_keras functional model of a `ModelConfig`.

Layer names are a contract that conversion and truncation rely on: ``features`` (end of a shared stem), ``context``
(x', or conv_x(x') where it is shared), ``stage_<t>_head`` (maps before clipping) and ``heatmap_<t>`` (the maps).
"""

from typing import Any, TypeAlias

import tf_keras

from fpm_edge.model.config import Conv, ModelConfig

__all__ = ["build_model", "training_outputs"]

Tensor: TypeAlias = Any  # tf_keras publishes no type for symbolic tensors

_layers = tf_keras.layers

# Hidden layers: He et al. 2015. Heads start near zero, as the ideal maps are almost everywhere.
_HIDDEN_INIT = "he_normal"
_HEAD_STDDEV = 0.01


def build_model(config: ModelConfig) -> tf_keras.Model:
    """The network with random weights.

    Returns:
        A model from ``image`` (batch, height, width, 3) float32 in [0, 1] to ``heatmap_1`` … ``heatmap_T``, each
        (batch, height/stride, width/stride, L + 1) float32; the last channel is background.
    """
    image = tf_keras.Input((config.input_height, config.input_width, 3), name="image")
    # A layer of its own, so that the quantized network has a place for the input's quantizer.
    pixels = _layers.Activation("linear", name="pixels")(image)
    features = pixels
    if config.stem:
        features = _block(pixels, config.stem, config, "stem", last="features")
    hidden = _block(features, config.first, config, "stage_1")
    heatmaps = [_heatmap(hidden, 1, config)]
    if config.stages > 1:
        _refine(features, heatmaps, config)
    return tf_keras.Model(image, heatmaps, name="fpm")


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


def _refine(features: Tensor, heatmaps: list[Tensor], config: ModelConfig) -> None:
    join, *rest = config.refine
    shared = None
    for stage in range(2, config.stages + 1):
        if stage < config.share_features_from:
            joined = _conv_x(
                _block(features, config.context, config, f"context_{stage}"), join, f"stage_{stage}_conv_x"
            )
        else:
            if shared is None:
                shared = _shared_context(features, config)
            joined = shared if config.share_join else _conv_x(shared, join, f"stage_{stage}_conv_x")
        conv_h = _layers.Conv2D(
            join.filters,
            join.kernel,
            padding="same",
            kernel_initializer=_HIDDEN_INIT,
            name=f"stage_{stage}_conv_h",
        )
        hidden = _layers.Add(name=f"stage_{stage}_join")([joined, conv_h(heatmaps[-1])])
        hidden = _layers.ReLU(_ceiling(config), name=f"stage_{stage}_join_relu")(hidden)
        hidden = _block(hidden, tuple(rest), config, f"stage_{stage}")
        heatmaps.append(_heatmap(hidden, stage, config))


def _shared_context(features: Tensor, config: ModelConfig) -> Tensor:
    if not config.share_join:
        return _block(features, config.context, config, "context", last="context")
    return _conv_x(_block(features, config.context, config, "context"), config.refine[0], "context")


def _conv_x(context: Tensor, join: Conv, name: str) -> Tensor:
    # conv_h carries the bias of the pair.
    conv = _layers.Conv2D(
        join.filters, join.kernel, padding="same", use_bias=False, kernel_initializer=_HIDDEN_INIT, name=name
    )
    return conv(context)


def _block(
    x: Tensor,
    specs: tuple[Conv, ...],
    config: ModelConfig,
    prefix: str,
    last: str | None = None,
) -> Tensor:
    for number, spec in enumerate(specs, start=1):
        name = f"{prefix}_{number}"
        end = last if last is not None and number == len(specs) else None
        x = _layers.Conv2D(
            spec.filters,
            spec.kernel,
            strides=spec.stride,
            padding="same",
            use_bias=not config.batch_norm,
            kernel_initializer=_HIDDEN_INIT,
            name=f"{name}_conv",
        )(x)
        if config.batch_norm:
            x = _layers.BatchNormalization(momentum=0.99, epsilon=1e-3, name=f"{name}_bn")(x)
        pooled = spec.pool > 1
        x = _layers.ReLU(_ceiling(config), name=end if end and not pooled else f"{name}_relu")(x)
        if pooled:
            x = _layers.MaxPooling2D(spec.pool, name=end or f"{name}_pool")(x)
    return x


def _heatmap(hidden: Tensor, stage: int, config: ModelConfig) -> Tensor:
    head = _layers.Conv2D(
        config.maps,
        1,
        kernel_initializer=tf_keras.initializers.RandomNormal(stddev=_HEAD_STDDEV),
        # Where there is no peak, the ideal landmark maps are 0 and the background is 1.
        bias_initializer=tf_keras.initializers.Constant([0.0] * (config.maps - 1) + [1.0]),
        name=f"stage_{stage}_head",
    )(hidden)
    if config.clip_heatmaps:
        return _layers.ReLU(max_value=1.0, name=f"heatmap_{stage}")(head)
    return _layers.Activation("linear", name=f"heatmap_{stage}")(head)


def _ceiling(config: ModelConfig) -> float | None:
    return 6.0 if config.activation == "relu6" else None
