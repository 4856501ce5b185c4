"""Dropout whose random numbers are a function of saved state, so that a resumed training drops the same units."""

import zlib
from typing import Any

import tensorflow as tf
import tf_keras

__all__ = ["ReplayableDropout"]


class ReplayableDropout(tf_keras.layers.Layer):  # type: ignore[misc]
    """Sets units to 0 with probability `rate` in training and scales the others by 1 / (1 − rate).

    Its weight counts the training calls. The numbers come from that count, the layer's name and the device, and from
    no generator that a checkpoint does not hold.
    """

    def __init__(self, rate: float, **options: Any) -> None:
        super().__init__(**options)
        self.rate = rate

    def build(self, input_shape: Any) -> None:
        """Make the counter."""
        self.calls = self.add_weight(
            name="calls",
            shape=(),
            dtype="int32",
            initializer="zeros",
            trainable=False,
            # Each device counts for itself, so that counting needs no other device; all counts are equal.
            synchronization=tf.VariableSynchronization.ON_READ,
            aggregation=tf.VariableAggregation.ONLY_FIRST_REPLICA,
        )
        super().build(input_shape)

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        """Drop in training, pass on otherwise."""
        if not training:
            return inputs
        device = tf.distribute.get_replica_context().replica_id_in_sync_group
        first = tf.cast(zlib.crc32(self.name.encode()) % 2**31, tf.int32) + device
        kept = tf.random.stateless_uniform(tf.shape(inputs), tf.stack([first, self.calls]), dtype=tf.float32)
        self.calls.assign_add(1)
        return tf.where(kept >= self.rate, inputs / (1.0 - self.rate), tf.zeros_like(inputs))

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {**super().get_config(), "rate": self.rate}
