"""Random flips, rotation, perspective, scale, shift and colour of letterboxed pictures, in TensorFlow."""

import math
from typing import Any, TypeAlias

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from fpm_edge.train.settings import Augmentation

__all__ = ["DRAWS", "augment", "draw"]

Tensor: TypeAlias = Any

DRAWS = 14
"""Random numbers a picture: flip, angle, zoom, shift (2), saturation, contrast, brightness, gain (3), turn,
perspective (2)."""


def draw(seed: int, epoch: int, position: int) -> NDArray[np.float32]:
    """The random numbers of one picture of an epoch: (DRAWS,) float32 in [−1, 1), a function of the arguments alone."""
    return np.random.default_rng([seed, epoch, position]).uniform(-1.0, 1.0, DRAWS).astype(np.float32)


def augment(
    image: Tensor, landmarks: Tensor, visibility: Tensor, draws: Tensor, settings: Augmentation, flip: tuple[int, ...]
) -> tuple[Tensor, Tensor, Tensor]:
    """Augmented pictures with their landmarks. The same draws give the same result, whatever ran before.

    Args:
        image: (batch, height, width, 3) float32 in [0, 1].
        landmarks: (batch, L, 2) float32, input pixels.
        visibility: (batch, L) int8.
        draws: (batch, DRAWS) float32, see `draw`.
        flip: the schema's flip permutation.

    Returns:
        Image, landmarks and visibility of the same shapes. A landmark that leaves the frame becomes unlabelled.
    """
    height, width = image.shape[1], image.shape[2]
    mirrored = draws[:, 0] < 2.0 * settings.flip - 1.0
    turned = draws[:, 11] < 2.0 * settings.turn - 1.0
    angle = draws[:, 1] * tf.where(turned, 180.0, settings.rotation) * (math.pi / 180.0)
    zoom = tf.pow(2.0, draws[:, 2] * settings.scale)
    size = tf.constant([width, height], tf.float32)
    centre = (size - 1.0) / 2.0
    target = centre + draws[:, 3:5] * settings.shift * size
    tilt = draws[:, 12:14] * settings.perspective / (size / 2.0)

    # point' = target + q / (1 + tilt · q), where q = zoom · R · F · (point − centre).
    sign = tf.where(mirrored, -1.0, 1.0)
    cosine, sine = zoom * tf.cos(angle), zoom * tf.sin(angle)
    x, y = landmarks[..., 0] - centre[0], landmarks[..., 1] - centre[1]
    across, down, turn = cosine[:, None], sine[:, None], sign[:, None]
    moved = tf.stack([across * turn * x - down * y, down * turn * x + across * y], axis=-1)
    moved /= 1.0 + tf.reduce_sum(tilt[:, None, :] * moved, axis=-1, keepdims=True)
    moved += target[:, None, :]

    # Its inverse, from the new picture's pixels to the old one's: q = p / (1 − tilt · p), then F · Rᵀ · q / zoom.
    a, b = sign * cosine / zoom**2, sign * sine / zoom**2
    c, d = -sine / zoom**2, cosine / zoom**2
    u, v = -tilt[:, 0], -tilt[:, 1]
    a, b = a + centre[0] * u, b + centre[0] * v
    c, d = c + centre[1] * u, d + centre[1] * v
    last = 1.0 - u * target[:, 0] - v * target[:, 1]
    transforms = tf.stack(
        [
            a / last,
            b / last,
            (centre[0] - a * target[:, 0] - b * target[:, 1]) / last,
            c / last,
            d / last,
            (centre[1] - c * target[:, 0] - d * target[:, 1]) / last,
            u / last,
            v / last,
        ],
        axis=1,
    )
    warped = tf.raw_ops.ImageProjectiveTransformV3(
        images=image,
        transforms=transforms,
        output_shape=tf.constant([height, width]),
        fill_value=0.0,
        interpolation="BILINEAR",
        fill_mode="CONSTANT",
    )

    order = tf.constant(flip, tf.int32)
    moved = tf.where(mirrored[:, None, None], tf.gather(moved, order, axis=1), moved)
    visibility = tf.where(mirrored[:, None], tf.gather(visibility, order, axis=1), visibility)
    inside = tf.reduce_all((moved >= -0.5) & (moved <= size - 0.5), axis=-1)
    visibility = tf.where(inside, visibility, tf.constant(-1, tf.int8))
    return tf.ensure_shape(_colour(warped, draws[:, 5:], settings), image.shape), moved, visibility


def _colour(image: Tensor, draws: Tensor, settings: Augmentation) -> Tensor:
    saturation, contrast, brightness = (draws[:, i, None, None, None] for i in range(3))
    grey = tf.reduce_mean(image, axis=-1, keepdims=True)
    image = grey + (image - grey) * (1.0 + settings.saturation * saturation)
    mean = tf.reduce_mean(image, axis=(1, 2, 3), keepdims=True)
    image = (image - mean) * (1.0 + settings.contrast * contrast) + mean + settings.brightness * brightness
    image *= 1.0 + settings.channel_gain * draws[:, None, None, 3:6]
    return tf.clip_by_value(image, 0.0, 1.0)
