"""Random flips, rotation, scale, shift and colour of letterboxed pictures, in TensorFlow, from stateless seeds."""

import math
from typing import Any, TypeAlias

import tensorflow as tf

from fpm_edge.train.settings import Augmentation

__all__ = ["augment"]

Tensor: TypeAlias = Any


def augment(
    image: Tensor, landmarks: Tensor, visibility: Tensor, seed: Tensor, settings: Augmentation, flip: tuple[int, ...]
) -> tuple[Tensor, Tensor, Tensor]:
    """One augmented sample. The same seed gives the same result, whatever ran before.

    Args:
        image: (height, width, 3) float32 in [0, 1].
        landmarks: (L, 2) float32, input pixels.
        visibility: (L,) int8.
        seed: (2,) int32.
        flip: the schema's flip permutation.

    Returns:
        Image, landmarks and visibility of the same shapes. A landmark that leaves the frame becomes unlabelled.
    """
    height, width = image.shape[0], image.shape[1]
    draws = tf.random.stateless_uniform((16,), seed, -1.0, 1.0)
    mirrored = draws[0] < 2.0 * settings.flip - 1.0
    sign = tf.where(mirrored, -1.0, 1.0)
    angle = draws[1] * (settings.rotation * math.pi / 180.0)
    zoom = tf.pow(2.0, draws[2] * settings.scale)
    shift = draws[3:5] * settings.shift * tf.constant([width, height], tf.float32)
    centre = tf.constant([(width - 1) / 2.0, (height - 1) / 2.0], tf.float32)

    # point' = zoom · R · F · (point − centre) + centre + shift
    cosine, sine = tf.cos(angle), tf.sin(angle)
    forward = zoom * tf.stack([tf.stack([cosine * sign, -sine]), tf.stack([sine * sign, cosine])])
    moved = tf.linalg.matvec(forward, landmarks - centre) + centre + shift
    backward = tf.linalg.inv(forward)
    offset = centre - tf.linalg.matvec(backward, centre + shift)
    transform = tf.stack(
        [backward[0, 0], backward[0, 1], offset[0], backward[1, 0], backward[1, 1], offset[1], 0.0, 0.0]
    )
    warped = tf.raw_ops.ImageProjectiveTransformV3(
        images=image[None],
        transforms=transform[None],
        output_shape=tf.constant([height, width]),
        fill_value=0.0,
        interpolation="BILINEAR",
        fill_mode="CONSTANT",
    )[0]

    order = tf.constant(flip, tf.int32)
    moved = tf.where(mirrored, tf.gather(moved, order), moved)
    visibility = tf.where(mirrored, tf.gather(visibility, order), visibility)
    size = tf.constant([width, height], tf.float32)
    inside = tf.reduce_all((moved >= -0.5) & (moved <= size - 0.5), axis=-1)
    visibility = tf.where(inside, visibility, tf.constant(-1, tf.int8))
    return tf.ensure_shape(_colour(warped, draws[5:], settings), (height, width, 3)), moved, visibility


def _colour(image: Tensor, draws: Tensor, settings: Augmentation) -> Tensor:
    grey = tf.reduce_mean(image, axis=-1, keepdims=True)
    image = grey + (image - grey) * (1.0 + settings.saturation * draws[0])
    mean = tf.reduce_mean(image)
    image = (image - mean) * (1.0 + settings.contrast * draws[1]) + mean + settings.brightness * draws[2]
    image *= 1.0 + settings.channel_gain * draws[3:6]
    return tf.clip_by_value(image, 0.0, 1.0)
