"""FashionNet's own parts: landmark pooling, and the objective with its two phases."""

import math
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
import tf_keras
from small_networks import pictures, run, small, without_dropout

from fpm_edge.model.fashionnet_config import VISIBILITY_CLASSES, FashionNetConfig
from fpm_edge.model.landmark_pooling import LandmarkPooling
from fpm_edge.model.networks import network_for
from fpm_edge.train.regression import (
    POSE_PHASE,
    RECOGNITION_PHASE,
    ROUNDS,
    LossWeights,
    fashionnet_losses,
    phase_weights,
)

# ---- landmark pooling ----


def pooled(region: int, side: int, features: Any, cells: list[tuple[float, float]], classes: list[int]) -> Any:
    height, width = features.shape[1:3]
    locations = (np.float32([cells]) + 0.5) / np.float32([width, height])
    visibility = np.eye(3, dtype=np.float32)[[classes]]
    return LandmarkPooling(region, side)((features, locations, visibility)).numpy()


VISIBLE, OCCLUDED, ABSENT = range(3)


def test_pooling_takes_the_largest_around_each_visible_landmark() -> None:
    assert VISIBILITY_CLASSES == ("visible", "occluded", "absent")
    cells = np.arange(6 * 8, dtype=np.float32).reshape(6, 8)  # value = 8 · row + column
    features = np.stack([cells, -cells], axis=-1)[None]
    found = pooled(3, 1, features, [(5, 2), (5, 2), (5, 2)], [VISIBLE, OCCLUDED, ABSENT])
    assert found.shape == (1, 3, 1, 1, 2)
    assert found[0, 0].ravel().tolist() == [8 * 3 + 6, -(8 * 1 + 4)]
    assert not found[0, 1:].any()


def test_pooling_keeps_the_layout_of_the_region() -> None:
    features = np.arange(8 * 8, dtype=np.float32).reshape(1, 8, 8, 1)
    found = pooled(4, 2, features, [(3.5, 2.5)], [VISIBLE])  # rows 1 to 4, columns 2 to 5
    assert found[0, 0, :, :, 0].tolist() == [[8 * 2 + 3, 8 * 2 + 5], [8 * 4 + 3, 8 * 4 + 5]]


@pytest.mark.parametrize(
    ("cell", "corner"), [((-20.0, 0.0), (1, 1)), ((7.0, 7.0), (7, 7)), ((0.0, 99.0), (1, 7))], ids=str
)
def test_pooling_stays_inside_the_map(cell: tuple[float, float], corner: tuple[int, int]) -> None:
    features = np.arange(8 * 8, dtype=np.float32).reshape(1, 8, 8, 1)
    found = pooled(2, 1, features, [cell], [VISIBLE])
    assert found.ravel().tolist() == [8 * corner[1] + corner[0]]


def test_pooling_looks_at_each_picture_of_a_batch() -> None:
    features = np.zeros((2, 4, 4, 1), np.float32)
    features[1, 2, 1] = 5.0
    locations = np.full((2, 1, 2), 0.45, np.float32)
    visibility = np.float32([[[1, 0, 0]]] * 2)
    assert LandmarkPooling(2, 1)((features, locations, visibility)).numpy().ravel().tolist() == [0.0, 5.0]


def test_pooling_keeps_the_dtype_of_the_features_and_the_precision_of_the_positions() -> None:
    layer = LandmarkPooling(1, 1, dtype="mixed_bfloat16")
    features = tf.cast(np.arange(1000) % 7 == 3, tf.bfloat16)[None, None, :, None]
    shares = np.float32([[[(threes + 0.5) / 1000, 0.5] for threes in range(703, 997, 7)]])
    found = layer((features, shares, tf.one_hot(tf.zeros((1, shares.shape[1]), tf.int32), 3)))
    assert found.dtype == tf.bfloat16
    assert (tf.cast(found, tf.float32).numpy() == 1.0).all()


def test_category_teaches_the_trunk_but_not_through_the_positions() -> None:
    config = without_dropout()
    network = network_for(config)
    model = network.build(config)
    model.get_layer("visibility_flat").bias.assign([5.0, 0.0, 0.0] * 3)  # all are visible
    inner = tf_keras.Model(
        model.input, [model.get_layer(name).output for name in ("pool5_local", "category_logits", "locations")]
    )
    with tf.GradientTape(persistent=True) as tape:
        local, category, locations = inner(pictures(config))
        sums = [tf.reduce_sum(tensor[..., 0]) for tensor in (local, category, locations)]
    trunk = model.get_layer("trunk_1_conv").kernel
    pose = [model.get_layer(name).kernel for name in ("pose_conv5_1_conv", "fc6_pose", "locations_flat")]
    for total in sums:
        assert np.abs(tape.gradient(total, trunk)).max() > 0
    assert all(tape.gradient(total, kernel) is None for total in sums[:2] for kernel in pose)
    assert all(np.abs(tape.gradient(sums[2], kernel)).max() > 0 for kernel in pose)


def test_local_features_are_those_of_conv4_at_the_answers() -> None:
    config = small("fashionnet")
    model = network_for(config).build(config)
    model.get_layer("visibility_flat").bias.assign([5.0, 0.0, 0.0, 0.0, 5.0, 0.0, 5.0, 0.0, 0.0])
    model.get_layer("locations_flat").bias.assign([0.2, 0.9, 0.5, 0.5, 0.8, 0.4])
    names = ("trunk_10_relu", "locations", "visibility_logits", "pool5_local")
    inner = tf_keras.Model(model.input, [model.get_layer(name).output for name in names])
    conv4, locations, visibility, found = run(inner, pictures(config))
    assert conv4.shape == (2, 8, 8, 32)
    assert found.any(axis=(2, 3, 4)).tolist() == [[True, False, True]] * 2
    np.testing.assert_array_equal(found, LandmarkPooling(6, 3)((conv4, locations, visibility)))


# ---- FashionNet's objective ----


def losses(config: FashionNetConfig, outputs: Any, progress: float = 0.0, **changes: Any) -> Any:
    truth = {
        "landmarks": tf.constant(np.float32([[[31.5, 31.5]] * 3])),
        "visibility": tf.constant([[1, 0, -1]], tf.int8),
        "category": tf.constant([1]),
    } | changes
    return fashionnet_losses(config, outputs, progress=tf.constant(progress), **truth).numpy()


def test_each_term_is_what_the_paper_says() -> None:
    config = small("fashionnet")
    locations = tf.constant(np.float32([[[0.7, 0.5], [0.5, 0.4], [9.0, 9.0]]]))
    visibility = tf.constant(np.float32([[[2, 0, 0], [0, 2, 0], [0, 2, 0]]]))
    category = tf.constant(np.float32([[0, 1]]))
    found = losses(config, [locations, visibility, category])
    right, wrong = (-math.log(math.exp(x) / (math.exp(2) + 2)) for x in (2, 0))
    expected = [0.2**2 + 0.1**2, (2 * right + wrong) / 3, -math.log(math.exp(1) / (math.exp(1) + 1))]
    np.testing.assert_allclose(found, [np.array(expected) * np.array(POSE_PHASE)], rtol=1e-5)
    occluded_left_out = fashionnet_losses(
        config,
        [locations, visibility, category],
        tf.constant(np.float32([[[31.5, 31.5]] * 3])),
        tf.constant([[1, 0, -1]], tf.int8),
        tf.constant([1]),
        tf.constant(0.0),
        occluded_weight=0.0,
    )
    assert float(occluded_left_out[0, 0]) == pytest.approx(0.2**2 * POSE_PHASE.landmarks, rel=1e-5)


def test_positions_that_are_not_labelled_have_no_part() -> None:
    config = small("fashionnet")
    outputs = [tf.Variable(tf.zeros(shape)) for shape in ((1, 3, 2), (1, 3, 3), (1, 2))]
    landmarks = tf.constant(np.float32([[[3, 4], [5, 6], [np.nan, np.nan]]]))
    with tf.GradientTape() as tape:
        found = fashionnet_losses(
            config, outputs, landmarks, tf.constant([[1, 0, -1]], tf.int8), tf.constant([0]), tf.constant(0.0)
        )
    gradient = tape.gradient(found, outputs[0]).numpy()
    assert np.isfinite(found).all()
    assert (gradient[0, :2] != 0).all()
    assert (gradient[0, 2] == 0).all()


def test_phases_alternate_with_the_weights_they_are_documented_with() -> None:
    assert (
        LossWeights(landmarks=10.0, visibility=1.0, category=0.1),
        LossWeights(landmarks=1.0, visibility=0.1, category=1.0),
    ) == (POSE_PHASE, RECOGNITION_PHASE)
    weights = tf.function(phase_weights)
    for half in range(2 * ROUNDS):
        expected = POSE_PHASE if half % 2 == 0 else RECOGNITION_PHASE
        for inside in (0.01, 0.5, 0.99):
            progress = tf.constant((half + inside) / (2 * ROUNDS))
            np.testing.assert_allclose(weights(progress), expected)
    np.testing.assert_allclose(weights(tf.constant(0.0)), POSE_PHASE)
