"""The loss on which maps have a peak."""

import numpy as np
import tensorflow as tf

from fpm_edge.train.category import category_loss
from fpm_edge_calibration.signs import signed_members

# Three landmarks: the first category has 0 and 1, the second 1 and 2.
SIGNS = signed_members([(0, 1), (1, 2)], 3)


def maps(*heights: float) -> np.ndarray:
    values = np.full((1, 4, 5, 4), -0.2, np.float32)
    for index, height in enumerate(heights):
        values[0, index, 2, index] = height
    values[..., -1] = 1.0  # The background says nothing.
    return values


def test_a_category_has_its_landmarks_and_no_others() -> None:
    np.testing.assert_array_equal(SIGNS, [[1, 1, -1], [-1, 1, 1], [-1, -1, -1]])


def test_the_loss_is_the_cross_entropy_of_signed_heights() -> None:
    for heights in ((0.9, 0.8, 0.1), (0.0, 0.7, 1.0), (0.0, 0.0, 0.0)):
        logits = SIGNS @ np.array(heights)
        expected = np.log(np.exp(logits).sum()) - logits
        found = [category_loss(tf.constant(maps(*heights)), tf.constant([c]), SIGNS).numpy()[0] for c in range(3)]
        np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_heights_outside_the_unit_range_count_as_its_ends() -> None:
    beyond = category_loss(tf.constant(maps(1.7, 1.2, -3.0)), tf.constant([0]), SIGNS)
    np.testing.assert_allclose(beyond, category_loss(tf.constant(maps(1.0, 1.0, 0.0)), tf.constant([0]), SIGNS))


def test_a_wrong_peak_is_pushed_down_and_a_missing_one_up() -> None:
    given = tf.constant(maps(0.2, 0.8, 0.6))
    with tf.GradientTape() as tape:
        tape.watch(given)
        loss = tf.reduce_sum(category_loss(given, tf.constant([0]), SIGNS))
    slope = tape.gradient(loss, given).numpy()
    assert slope[0, 0, 2, 0] < 0 < slope[0, 2, 2, 2]
    assert np.count_nonzero(slope) == 3
