"""Peaks that tell categories apart: a loss on which maps have a peak at all, in TensorFlow."""

from typing import Any, TypeAlias

import tensorflow as tf

__all__ = ["category_loss"]

Tensor: TypeAlias = Any


def category_loss(maps: Tensor, category: Tensor, signs: Tensor) -> Tensor:
    """Cross-entropy of the category that the heights of the peaks speak for.

    Each peak speaks for the categories that have its landmark and against the others: the logit of a category is the
    sum of the heights with its signs. It asks nothing of where a peak is, and no more of its height once the categories
    are apart; the squared distance to the ideal maps alone has little to gain from one peak more or less.

    Args:
        maps: (batch, height, width, L + 1) float32, before or after the clip to [0, 1].
        category: (batch,) int32, index into the rows of `signs`.
        signs: (categories + 1, L), see `fpm_edge_calibration.signs`.

    Returns:
        (batch,) float32, nats.
    """
    peaks = tf.clip_by_value(tf.reduce_max(maps[..., :-1], axis=[1, 2]), 0.0, 1.0)
    logits = tf.linalg.matmul(peaks, tf.constant(signs), transpose_b=True)
    return tf.nn.sparse_softmax_cross_entropy_with_logits(labels=category, logits=logits)
