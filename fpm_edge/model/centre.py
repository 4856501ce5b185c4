"""The centre map of Convolutional Pose Machines (Wei et al. 2016): the garment in the middle is meant."""

from typing import Any, TypeAlias

import numpy as np
import tensorflow as tf
import tf_keras
from numpy.typing import NDArray

__all__ = ["CentreMap", "centre_map"]

Tensor: TypeAlias = Any  # tf_keras publishes no type for symbolic tensors


def centre_map(map_size: tuple[int, int], stride: int, sigma: float) -> NDArray[np.float32]:
    """A Gaussian of height 1 at the centre of the input, averaged over the input pixels of each heatmap cell.

    Args:
        map_size: (width, height), cells.
        stride: input pixels per cell.
        sigma: standard deviation, input pixels.

    Returns:
        (height, width) float32 in [0, 1].
    """

    def marginal(cells: int) -> NDArray[np.float64]:
        pixels = cells * stride
        distance = np.arange(pixels) - (pixels - 1) / 2
        return np.asarray(np.exp(-(distance**2) / (2.0 * sigma**2)).reshape(cells, stride).mean(axis=1))

    width, height = map_size
    # The mean of a product of marginals over a rectangle is the product of their means.
    return np.asarray(np.outer(marginal(height), marginal(width)), np.float32)


class CentreMap(tf_keras.layers.Layer):  # type: ignore[misc]
    """The same `centre_map` for every picture of a batch.

    Args:
        map_size: (width, height), cells.
        stride: input pixels per cell.
        sigma: standard deviation, input pixels.
    """

    def __init__(self, map_size: tuple[int, int], stride: int, sigma: float, **options: Any) -> None:
        super().__init__(**options)
        self._arguments = {"map_size": tuple(map_size), "stride": stride, "sigma": sigma}
        self._map = centre_map(map_size, stride, sigma)

    def call(self, inputs: Tensor) -> Tensor:
        """(batch, height, width, 1) in the layer's dtype; of `inputs` only the batch size is looked at."""
        one = tf.constant(self._map[None, :, :, None], self.compute_dtype)
        return tf.tile(one, [tf.shape(inputs)[0], 1, 1, 1])

    def get_config(self) -> dict[str, Any]:
        """The arguments, for copies of the layer."""
        return {**super().get_config(), **self._arguments}
