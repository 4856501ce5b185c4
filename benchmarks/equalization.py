"""Cross-layer equalization of a float network, for the ablation: channels that use little of a tensor's range get more.

A tensor after a ReLU has one scale for all its channels; kernels have one for each output channel. So what can be
balanced is the range of a channel against the kernels that read it (Nagel et al., "Data-free quantization through
weight equalization and bias correction", ICCV 2019, section 4.1; with measured activations and the exponent of Xiao
et al., "SmoothQuant", ICML 2023, equation 4): multiplied where the channel is written, divided where it is read.

Exact with ReLU. ReLU6 cuts a channel that was multiplied by s at 6/s of its old units. So there channels are only
stretched, as far as the tensor's own largest value: nothing more is cut on the calibration pictures, but others may go
beyond.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import tf_keras
from numpy.typing import NDArray

from fpm_edge_converters import input_batches

# A channel that was always 0, or is never read, stays as it is.
_SMALLEST = 1e-6
# No channel is stretched more: rare values would be cut.
_LARGEST = 16.0


def equalized(
    model: tf_keras.Model, inputs: Sequence[NDArray[np.uint8]], exponent: float
) -> tuple[tf_keras.Model, dict[str, float]]:
    """A copy of a float network without batch normalisation, and how far each tensor's channels were stretched.

    Args:
        inputs: (height, width, 3) uint8 each; they give the ranges.
        exponent: 1 to make all channels' ranges equal, 0.5 to balance them with the kernels that read them.

    Returns:
        The copy, and the median factor by the name of the ReLU.
    """
    copy = tf_keras.models.clone_model(model)
    copy.set_weights(model.get_weights())
    pairs = list(_pairs(copy))
    peaks = _channel_peaks(copy, [relu.name for relu, _, _ in pairs], inputs)
    stretched = {}
    for relu, writer, readers in pairs:
        peak = peaks[relu.name]
        kernel = np.max([np.abs(reader.get_weights()[0]).max(axis=(0, 1, 3)) for reader in readers], axis=0)
        alive = (peak > _SMALLEST) & (kernel > _SMALLEST)
        if not alive.any():
            continue
        factor = np.ones_like(peak)
        factor[alive] = kernel[alive] ** (1.0 - exponent) / peak[alive] ** exponent
        # The tensor's own largest value stays as it is.
        factor[alive] *= peak.max() / (peak * factor)[alive].max()
        smallest = 1.0 / _LARGEST if relu.max_value is None else 1.0
        factor[alive] = np.clip(factor[alive], smallest, np.minimum(_LARGEST, peak.max() / peak[alive]))
        _scale(writer, readers, factor)
        stretched[relu.name] = float(np.median(factor))
    return copy, stretched


def _pairs(model: tf_keras.Model) -> Iterator[tuple[Any, Any, list[Any]]]:
    """Every ReLU between one convolution and others, perhaps behind a pooling."""
    for relu in model.layers:
        if not isinstance(relu, tf_keras.layers.ReLU) or relu.name.startswith("heatmap_"):
            continue
        writer = relu.inbound_nodes[0].inbound_layers
        readers = list(_readers(relu))
        if type(writer) is tf_keras.layers.Conv2D and all(type(r) is tf_keras.layers.Conv2D for r in readers):
            yield relu, writer, readers


def _readers(layer: Any) -> Iterator[Any]:
    for node in layer.outbound_nodes:
        if isinstance(node.outbound_layer, tf_keras.layers.MaxPooling2D):
            yield from _readers(node.outbound_layer)
        else:
            yield node.outbound_layer


def _scale(writer: Any, readers: list[Any], factor: NDArray[np.float32]) -> None:
    writer.set_weights([weight * factor for weight in writer.get_weights()])
    for reader in readers:
        kernel, *bias = reader.get_weights()
        reader.set_weights([kernel / factor[:, np.newaxis], *bias])


def _channel_peaks(
    model: tf_keras.Model, layers: Sequence[str], inputs: Sequence[NDArray[np.uint8]]
) -> dict[str, NDArray[np.float32]]:
    taps = tf_keras.Model(model.input, {name: model.get_layer(name).output for name in layers})
    peaks: dict[str, NDArray[np.float32]] = {}
    for batch in input_batches(inputs):
        for name, value in taps(batch, training=False).items():
            peak = value.numpy().max(axis=(0, 1, 2))
            peaks[name] = np.maximum(peaks.get(name, peak), peak)
    return peaks
