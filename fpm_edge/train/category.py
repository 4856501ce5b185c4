"""Peaks that tell categories apart: a loss on which maps have a peak at all, in TensorFlow."""

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

__all__ = ["category_loss", "signed_members"]

Tensor: TypeAlias = Any


def signed_members(members: Sequence[Sequence[int]], landmarks: int) -> NDArray[np.float32]:
    """(categories + 1, landmarks) float32: +1 where a category has a landmark, −1 where not; the last has none.

    Args:
        members: landmark indices of each category.
        landmarks: L.
    """
    signs = np.full((len(members) + 1, landmarks), -1.0, np.float32)
    for row, indices in zip(signs, members, strict=False):
        row[list(indices)] = 1.0
    return signs


def category_loss(maps: Tensor, category: Tensor, signs: Tensor) -> Tensor:
    """Cross-entropy of the category that the heights of the peaks speak for.

    Each peak speaks for the categories that have its landmark and against the others: the logit of a category is the
    sum of the heights with its signs. It asks nothing of where a peak is, and no more of its height once the categories
    are apart; the squared distance to the ideal maps alone has little to gain from one peak more or less.

    Args:
        maps: (batch, height, width, L + 1) float32, before or after the clip to [0, 1].
        category: (batch,) int32, index into the rows of `signs`.
        signs: (categories + 1, L), see `signed_members`.

    Returns:
        (batch,) float32, nats.
    """
    peaks = tf.clip_by_value(tf.reduce_max(maps[..., :-1], axis=[1, 2]), 0.0, 1.0)
    logits = tf.linalg.matmul(peaks, tf.constant(signs), transpose_b=True)
    return tf.nn.sparse_softmax_cross_entropy_with_logits(labels=category, logits=logits)
