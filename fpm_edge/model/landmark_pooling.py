"""Local features around landmarks (Liu et al., "DeepFashion", CVPR 2016, "Landmark Pooling Layer", figure 6)."""

from typing import Any, TypeAlias

import tensorflow as tf
import tf_keras

__all__ = ["LandmarkPooling"]

Tensor: TypeAlias = Any  # tf_keras publishes no type for symbolic tensors


class LandmarkPooling(tf_keras.layers.Layer):  # type: ignore[misc]
    """Max-pools a square of a feature map around every landmark; landmarks that are not visible give zeros.

    The gradient reaches the features alone, as in RoI pooling (Girshick 2015): neither positions nor visibility get
    one. A square that would stand out of the map is moved inside, so that every pooled cell has seen `region` cells.

    Args:
        region: side of the square, cells of the feature map.
        pooled: side of the result, cells; divides `region`.
    """

    def __init__(self, region: int, pooled: int, **options: Any) -> None:
        # Positions stay float32 under a mixed policy: bfloat16 cannot tell neighbouring pixels apart.
        super().__init__(autocast=False, **options)
        self._region = region
        self._pooled = pooled

    def call(self, inputs: tuple[Tensor, Tensor, Tensor]) -> Tensor:
        """Pool.

        Args:
            inputs: features (batch, height, width, channels); locations (batch, L, 2) float32 x, y as shares of the
                map's width and height, 0 its left or top edge and 1 its right or bottom edge; visibility (batch, L, 3)
                scores of the classes visible, occluded and absent, of which the largest counts.

        Returns:
            (batch, L, pooled, pooled, channels) in the dtype of the features.
        """
        features, locations, visibility = inputs
        height, width, channels = features.shape[1:]
        landmarks = locations.shape[1]
        columns = self._span(locations[..., 0], width)
        rows = self._span(locations[..., 1], height)
        cells = rows[:, :, :, None] * width + columns[:, :, None, :]
        around = tf.gather(tf.reshape(features, [-1, height * width, channels]), cells, batch_dims=1)
        pooled, step = self._pooled, self._region // self._pooled
        bins = tf.reshape(around, [-1, landmarks, pooled, step, pooled, step, channels])
        visible = tf.cast(tf.argmax(visibility, axis=-1) == 0, features.dtype)
        return tf.reduce_max(bins, axis=[3, 5]) * visible[:, :, None, None, None]

    def _span(self, shares: Tensor, size: int) -> Tensor:
        """(batch, L, region) int32: the cells of one axis that the squares cover. Rounding stops the gradient."""
        first = tf.floor(tf.stop_gradient(shares) * size - self._region / 2 + 0.5)
        first = tf.clip_by_value(first, 0.0, float(size - self._region))
        return tf.cast(first, tf.int32)[..., None] + tf.range(self._region)

    def get_config(self) -> dict[str, Any]:
        """The arguments, for copies of the layer."""
        return {**super().get_config(), "region": self._region, "pooled": self._pooled}
