"""Layers that the baseline networks are made of."""

from dataclasses import dataclass
from typing import Any, TypeAlias

import tf_keras

from fpm_edge.model.config import Conv
from fpm_edge.model.dropout import ReplayableDropout

__all__ = ["Blocks"]

Tensor: TypeAlias = Any  # tf_keras publishes no type for symbolic tensors

_layers = tf_keras.layers
_INIT = "he_normal"


@dataclass(frozen=True)
class Blocks:
    """Builds hidden layers that all have one dtype policy and one way of normalising.

    Attributes:
        batch_norm: a batch normalisation between every convolution and its activation.
        policy: tf_keras dtype policy.
        synchronized: whether batch normalisation takes its statistics over all replicas.
    """

    batch_norm: bool
    policy: str
    synchronized: bool

    def convs(self, x: Tensor, layers: tuple[Conv, ...], prefix: str) -> Tensor:
        """`layers` one after the other, each a convolution, a ReLU and its pooling."""
        for number, layer in enumerate(layers, start=1):
            x = self.conv(x, layer, f"{prefix}_{number}")
        return x

    def conv(self, x: Tensor, layer: Conv, name: str) -> Tensor:
        """One convolution, ReLU, and pooling if it has one."""
        convolution = _layers.Conv2D(
            layer.filters,
            layer.kernel,
            padding="same",
            use_bias=not self.batch_norm,
            kernel_initializer=_INIT,
            dtype=self.policy,
            name=f"{name}_conv",
        )
        x = self._activated(convolution(x), name)
        return self.pool(x, layer.pool, f"{name}_pool") if layer.pool > 1 else x

    def up(self, x: Tensor, filters: int, kernel: int, name: str) -> Tensor:
        """A transposed convolution of stride 2, and ReLU."""
        convolution = _layers.Conv2DTranspose(
            filters,
            kernel,
            strides=2,
            padding="same",
            use_bias=not self.batch_norm,
            kernel_initializer=_INIT,
            dtype=self.policy,
            name=f"{name}_conv",
        )
        return self._activated(convolution(x), name)

    def pool(self, x: Tensor, side: int, name: str) -> Tensor:
        """Max-pooling without overlap."""
        return _layers.MaxPooling2D(side, dtype=self.policy, name=name)(x)

    def dense(self, x: Tensor, units: int, dropout: float, name: str) -> Tensor:
        """A fully connected layer, ReLU and dropout; `x` is flattened first."""
        x = _layers.Flatten(dtype=self.policy, name=f"{name}_flat")(x)
        x = _layers.Dense(units, kernel_initializer=_INIT, dtype=self.policy, name=name)(x)
        x = _layers.ReLU(dtype=self.policy, name=f"{name}_relu")(x)
        return ReplayableDropout(dropout, dtype=self.policy, name=f"{name}_dropout")(x) if dropout else x

    def _activated(self, x: Tensor, name: str) -> Tensor:
        if self.batch_norm:
            x = _layers.BatchNormalization(
                momentum=0.99, epsilon=1e-3, synchronized=self.synchronized, dtype=self.policy, name=f"{name}_bn"
            )(x)
        return _layers.ReLU(dtype=self.policy, name=f"{name}_relu")(x)
