"""Ideal heatmaps and the loss, in TensorFlow (paper: eq. 4–5)."""

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
import tensorflow as tf

__all__ = [
    "absent_weights",
    "category_weights",
    "clipped_distance",
    "ideal_heatmaps",
    "map_distance",
    "map_weights",
]

Tensor: TypeAlias = Any  # TensorFlow's own types are not visible to the type checker


def ideal_heatmaps(
    landmarks: Tensor,
    labelled: Tensor,
    *,
    map_size: tuple[int, int],
    stride: int,
    sigma: float | Tensor,
    background: bool = True,
) -> Tensor:
    """A Gaussian of height 1 at each landmark, and background = 1 − max over landmarks.

    Args:
        landmarks: (batch, L, 2) float32 x, y in input pixels.
        labelled: (batch, L) bool; an unlabelled landmark's map is zero.
        map_size: (width, height) in cells.
        stride: input pixels per cell.
        sigma: standard deviation in cells.
        background: whether the last map is the background.

    Returns:
        (batch, height, width, L + 1) float32 in [0, 1], or L maps without background. Cell i lies at input pixel
        (i + 0.5)·stride − 0.5.
    """
    cells = (landmarks + 0.5) / float(stride) - 0.5
    columns = tf.range(map_size[0], dtype=tf.float32)
    rows = tf.range(map_size[1], dtype=tf.float32)
    # A Gaussian is the product of its marginals: L·(W + H) exponentials instead of L·W·H.
    across = tf.exp(-tf.square(columns[None, :, None] - cells[:, None, :, 0]) / (2.0 * tf.square(sigma)))
    down = tf.exp(-tf.square(rows[None, :, None] - cells[:, None, :, 1]) / (2.0 * tf.square(sigma)))
    peaks = down[:, :, None, :] * across[:, None, :, :]
    peaks *= tf.cast(labelled, tf.float32)[:, None, None, :]
    if not background:
        return peaks
    return tf.concat([peaks, 1.0 - tf.reduce_max(peaks, axis=-1, keepdims=True)], axis=-1)


def map_weights(visibility: Tensor, occluded_weight: float, absent: Tensor | None = None) -> Tensor:
    """Weight of every map in the loss: 1 visible, `occluded_weight` occluded, 0 unlabelled; background 1.

    The background map always counts: most unlabelled landmarks are those that the category does not have, where
    background is right. At a landmark that the category has and the record leaves out it is wrong, over one peak.

    Args:
        visibility: (batch, L) int8 in {-1, 0, 1}.
        absent: (batch, L) float32, weights of the maps of unlabelled landmarks (`absent_weights`); None for 0.

    Returns:
        (batch, L + 1) float32.
    """
    unlabelled = 0.0 if absent is None else absent
    weights = tf.where(visibility == 1, 1.0, tf.where(visibility == 0, occluded_weight, unlabelled))
    return tf.concat([weights, tf.ones_like(weights[:, :1])], axis=1)


def absent_weights(category: Tensor, members: Sequence[Sequence[int]], landmarks: int, weight: float) -> Tensor:
    """`weight` for landmarks that the garment's category does not have, whose ideal map is 0 (eq. 4); 0 for its own.

    Args:
        category: (batch,) int32, index into `members`; after the last of them: no garment, which has no landmark.
        members: landmark indices of each category.
        landmarks: L.

    Returns:
        (batch, L) float32.
    """
    return weight * (1.0 - category_weights(category, [*members, ()], landmarks)[:, :-1])


def category_weights(category: Tensor, members: Sequence[Sequence[int]], landmarks: int) -> Tensor:
    """Weight 1 for the maps of the garment's own landmarks, labelled or not, and for the background; others 0.

    Args:
        category: (batch,) int32, index into `members`.
        members: landmark indices of each category.
        landmarks: L.

    Returns:
        (batch, L + 1) float32.
    """
    table = np.zeros((len(members), landmarks + 1), np.float32)
    table[:, -1] = 1.0
    for row, indices in zip(table, members, strict=True):
        row[list(indices)] = 1.0
    return tf.gather(tf.constant(table), category)


def map_distance(maps: Tensor, other: Tensor, weights: Tensor) -> Tensor:
    """Squared L2 distance over all maps and positions of each picture (eq. 4).

    Args:
        maps, other: (batch, height, width, channels).
        weights: (batch, channels).

    Returns:
        (batch,) float32.
    """
    return tf.reduce_sum(weights[:, None, None, :] * tf.math.squared_difference(maps, other), axis=[1, 2, 3])


def clipped_distance(maps: Tensor, clipped: Tensor, weights: Tensor) -> Tensor:
    """Squared L2 distance from `maps` to the nearest maps that clip to `clipped`, over each picture.

    Zero exactly where both look the same behind the clip to [0, 1], and never less than the distance there. Unlike that
    one it has a gradient wherever they differ, and unlike the distance before the clip it asks for nothing that the
    clip hides: where the other map is 0, any value below 0 is as good.

    Args:
        maps: (batch, height, width, channels), before the clip.
        clipped: the same shape, in [0, 1].
        weights: (batch, channels).

    Returns:
        (batch,) float32.
    """
    over = maps - clipped
    seen = tf.where(clipped <= 0.0, tf.nn.relu(over), tf.where(clipped >= 1.0, -tf.nn.relu(-over), over))
    return tf.reduce_sum(weights[:, None, None, :] * tf.square(seen), axis=[1, 2, 3])
