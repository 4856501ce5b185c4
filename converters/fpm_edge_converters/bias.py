"""Bias correction: take back the mean error that quantization makes in every channel."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import tf_keras
from numpy.typing import NDArray

from fpm_edge_converters.observe import input_batches

__all__ = ["correct_biases", "corrected_layers"]


def corrected_layers(quantized: tf_keras.Model) -> dict[str, str]:
    """Float names of the convolutions with a bias, in order of execution, and of the layer where each is compared.

    That is the convolution itself, or the sum that it goes into: the error of the other summands, which may have no
    bias of their own, is taken back there as well.
    """
    layers = {}
    for layer in quantized.layers:
        inner = getattr(layer, "layer", layer)
        if isinstance(inner, tf_keras.layers.Conv2D) and inner.use_bias:
            (reader, *others) = [node.outbound_layer for node in layer.outbound_nodes]
            summed = isinstance(reader, tf_keras.layers.Add) and not others
            layers[inner.name] = reader.name if summed else inner.name
    return layers


def correct_biases(
    model: tf_keras.Model,
    quantized: tf_keras.Model,
    inputs: Sequence[NDArray[np.uint8]],
    advance: Callable[[], None] = lambda: None,
) -> None:
    """Shift the biases of `quantized` so that every channel's mean is the float network's, layer by layer.

    Empirical bias correction (Nagel et al., "Data-free quantization through weight equalization and bias correction",
    ICCV 2019, section 4.2): each layer is measured with all layers before it corrected.

    Args:
        model: float network without batch normalisation.
        quantized: its copy by `fake_quantized`, all ranges assigned.
        inputs: (height, width, 3) uint8 each.
        advance: called after each layer of `corrected_layers`.
    """
    places = corrected_layers(quantized)
    expected = _channel_means(model, dict.fromkeys(places.values()), inputs)
    names = {layer.name for layer in quantized.layers}
    for name, place in places.items():
        tap = f"quant_{place}" if f"quant_{place}" in names else place
        found = _channel_means(quantized, [tap], inputs)[tap]
        bias = quantized.get_layer(f"quant_{name}").layer.bias
        bias.assign_add((expected[place] - found).astype(np.float32))
        advance()


def _channel_means(
    model: tf_keras.Model, layers: Sequence[str] | dict[str, Any], inputs: Sequence[NDArray[np.uint8]]
) -> dict[str, NDArray[np.float64]]:
    """(channels,) mean output of each layer over pictures and positions."""
    taps = tf_keras.Model(model.input, {name: model.get_layer(name).output for name in layers})
    sums: dict[str, NDArray[np.float64]] = {}
    for batch in input_batches(inputs):
        for name, value in taps(batch, training=False).items():
            mean = value.numpy().mean(axis=(1, 2), dtype=np.float64).sum(axis=0)
            sums[name] = sums.get(name, 0.0) + mean
    return {name: total / len(inputs) for name, total in sums.items()}
