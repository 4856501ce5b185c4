"""FashionNet's objective (Liu et al., "DeepFashion", CVPR 2016, "Backward Pass"), in TensorFlow."""

from collections.abc import Sequence
from typing import Any, NamedTuple, TypeAlias

import tensorflow as tf

from fpm_edge.model.fashionnet_config import FashionNetConfig

__all__ = ["POSE_PHASE", "RECOGNITION_PHASE", "ROUNDS", "LossWeights", "fashionnet_losses", "phase_weights"]

Tensor: TypeAlias = Any  # TensorFlow's own types are not visible to the type checker


class LossWeights(NamedTuple):
    """Weight of each term, in the order of `fashionnet_losses`."""

    landmarks: float
    visibility: float
    category: float


# The paper says "large" and "small" without numbers; here a small weight is a tenth of a large one. Landmarks have ten
# times the weight of the others in both phases: squares of shares of the picture are that much smaller than
# cross-entropies.
POSE_PHASE = LossWeights(landmarks=10.0, visibility=1.0, category=0.1)
RECOGNITION_PHASE = LossWeights(landmarks=1.0, visibility=0.1, category=1.0)

# The paper repeats its two steps until convergence; here this many times in a training run of any length.
ROUNDS = 3


def phase_weights(progress: Tensor) -> Tensor:
    """The weights at a moment of the training: `ROUNDS` times the pose phase and then the recognition phase.

    Args:
        progress: scalar float32, share of the training that is done, in [0, 1).

    Returns:
        (3,) float32: landmarks, visibility, category.
    """
    phase = tf.cast(tf.floor(progress * (2 * ROUNDS)), tf.int32)
    return tf.where(phase % 2 == 0, tf.constant(POSE_PHASE), tf.constant(RECOGNITION_PHASE))


def fashionnet_losses(
    config: FashionNetConfig,
    outputs: Sequence[Tensor],
    landmarks: Tensor,
    visibility: Tensor,
    category: Tensor,
    progress: Tensor,
    *,
    occluded_weight: float = 1.0,
) -> Tensor:
    """The terms of each picture's loss, weighted for the phase; the loss is their sum, averaged over the batch.

    Landmarks: the squared L2 distance ||v · (l̂ − l)||² of the paper's equation 1, coordinates as shares of the
    input. Visibility: softmax cross-entropy, averaged over the landmarks. Category: softmax cross-entropy.

    Args:
        config: of the network.
        outputs: of `fashionnet_training_outputs`: locations (batch, L, 2), visibility logits (batch, L, 3), category
            logits (batch, categories).
        landmarks: (batch, L, 2) float32 x, y in input pixels.
        visibility: (batch, L) int8, 1 visible, 0 occluded, −1 not labelled; those that are not labelled have no
            location loss, and count as absent in the visibility loss.
        category: (batch,) int32, index into the schema's categories.
        progress: scalar float32, share of the training that is done, in [0, 1).
        occluded_weight: v of occluded landmarks, whose position is known here; the paper leaves them out (0).

    Returns:
        (batch, 3) float32: landmarks, visibility, category.
    """
    locations, visibility_logits, category_logits = outputs
    shares = (landmarks + 0.5) / tf.constant(config.input_size, tf.float32)
    v = tf.where(visibility == 1, 1.0, tf.where(visibility == 0, occluded_weight, 0.0))
    # Unlabelled positions may hold anything, NaN too, which 0 · x would pass on.
    error = tf.where(v[..., None] > 0, locations - shares, 0.0)
    cross_entropy = tf.nn.sparse_softmax_cross_entropy_with_logits
    classes = 1 - tf.cast(visibility, tf.int32)  # visible, occluded, absent
    terms = [
        tf.reduce_sum(v * tf.reduce_sum(tf.square(error), axis=-1), axis=1),
        tf.reduce_mean(cross_entropy(labels=classes, logits=visibility_logits), axis=1),
        cross_entropy(labels=category, logits=category_logits),
    ]
    return tf.stack(terms, axis=1) * phase_weights(progress)
