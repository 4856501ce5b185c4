"""Dropout that can be replayed."""

import numpy as np
import tensorflow as tf

from fpm_edge.model.dropout import ReplayableDropout


def test_it_drops_a_share_in_training_only_and_keeps_the_mean() -> None:
    layer = ReplayableDropout(0.25, name="dropout")
    ones = tf.ones((40, 500))
    np.testing.assert_array_equal(layer(ones), ones)
    dropped = layer(ones, training=True).numpy()
    assert set(np.unique(dropped)) == {np.float32(0.0), np.float32(1.0 / 0.75)}
    assert abs((dropped == 0).mean() - 0.25) < 0.02
    assert abs(dropped.mean() - 1.0) < 0.02


def test_its_counter_is_all_it_remembers() -> None:
    ones = tf.ones((4, 50))
    layer = ReplayableDropout(0.5, name="dropout")
    first, second = layer(ones, training=True).numpy(), layer(ones, training=True).numpy()
    assert not np.array_equal(first, second)
    again = ReplayableDropout(0.5, name="dropout")
    again.build(ones.shape)
    again.set_weights([np.int32(1)])
    np.testing.assert_array_equal(again(ones, training=True), second)
    other = ReplayableDropout(0.5, name="another")
    assert not np.array_equal(other(ones, training=True), first)
