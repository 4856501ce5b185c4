"""Run a float network over the calibration inputs and hand every tensor that needs a range to an estimator."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import tf_keras
from numpy.typing import NDArray

from fpm_edge_calibration import RangeEstimator

__all__ = ["input_batches", "observe_ranges"]

_BATCH = 8


def input_batches(inputs: Sequence[NDArray[np.uint8]]) -> Iterator[NDArray[np.float32]]:
    """(batch, height, width, 3) float32 in [0, 1], as networks take them, from (height, width, 3) uint8 each."""
    for start in range(0, len(inputs), _BATCH):
        yield np.stack(inputs[start : start + _BATCH]).astype(np.float32) / 255.0


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
