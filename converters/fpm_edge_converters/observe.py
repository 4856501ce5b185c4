"""Run a float network over the calibration inputs, and give its quantized copy the ranges that an estimator finds."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import tf_keras
from numpy.typing import NDArray

from fpm_edge_calibration import RangeEstimator
from fpm_edge_converters.fake_quant import assign_ranges, fake_quantized, quantized_layers
from fpm_edge_runtime.errors import ConversionError

__all__ = ["calibrated", "input_batches", "observe_ranges"]

_BATCH = 8


def input_batches(inputs: Sequence[NDArray[np.uint8]]) -> Iterator[NDArray[np.float32]]:
    """(batch, height, width, 3) float32 in [0, 1], as networks take them, from (height, width, 3) uint8 each."""
    for start in range(0, len(inputs), _BATCH):
        yield np.stack(inputs[start : start + _BATCH]).astype(np.float32) / 255.0


def calibrated(
    model: tf_keras.Model,
    inputs: Sequence[NDArray[np.uint8]],
    estimator: RangeEstimator,
    advance: Callable[..., None] | None = None,
) -> tf_keras.Model:
    """A copy of `model` with int8 quantizers, see `fake_quantized`, all of whose ranges are set.

    Args: see `observe_ranges`; `estimator` is fresh.

    Raises:
        ConversionError: a layer that cannot be quantized, or that is 0 on all inputs; or weights that are not finite.
        DataError: an output that is not finite on an input.
    """
    quantized = fake_quantized(model)
    observe_ranges(model, quantized_layers(quantized), inputs, estimator, advance)
    ranges = estimator.ranges()
    for name, (low, high) in ranges.items():
        if low == high == 0.0:
            raise ConversionError(
                f"the output of layer {name} is 0 on all {len(inputs)} calibration pictures (by {estimator.name}), so "
                "nothing that follows from it depends on the picture; train the network again, or keep only the "
                "stages before it"
            )
    assign_ranges(quantized, ranges)
    return quantized


def observe_ranges(
    model: tf_keras.Model,
    layers: Sequence[str],
    inputs: Sequence[NDArray[np.uint8]],
    estimator: RangeEstimator,
    advance: Callable[..., None] | None = None,
) -> None:
    """Update `estimator` with the outputs of `layers` on all inputs.

    Args:
        model: float network without batch normalisation.
        layers: names of its layers.
        inputs: (height, width, 3) uint8 each.
        advance: called with the number of inputs done.
    """
    taps = tf_keras.Model(model.input, {name: model.get_layer(name).output for name in layers})
    for batch in input_batches(inputs):
        estimator.update({name: value.numpy() for name, value in taps(batch, training=False).items()})
        if advance is not None:
            advance(len(batch))
