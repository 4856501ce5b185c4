"""Adam, with a learning rate of its own for each stage where the settings ask for that."""

from collections.abc import Sequence
from typing import Any, TypeAlias

import tensorflow as tf
import tf_keras

from fpm_edge.model.config import ModelConfig
from fpm_edge.model.kinds import NetworkConfig
from fpm_edge.train.settings import TrainSettings
from fpm_edge_runtime.errors import UsageError

__all__ = ["make_optimizer", "stage_factors"]

Tensor: TypeAlias = Any


def make_optimizer(
    settings: TrainSettings, variables: list[Any], factors: Sequence[float] | None = None
) -> tf_keras.optimizers.Optimizer:
    """Adam with all its variables made; to be called in the scope of the strategy. See `TrainStep`.

    Args:
        factors: what the learning rate is multiplied by for each variable; None for 1.
    """
    options = {"use_ema": settings.ema > 0, "ema_momentum": settings.ema or 0.99}
    if factors is None:
        optimizer = tf_keras.optimizers.Adam(settings.learning_rate, **options)
    else:
        optimizer = _FactoredAdam(settings.learning_rate, factors, **options)
    if settings.precision == "mixed_float16":
        # Gradients below 6e-8 are 0 in float16: the loss is scaled up for them, and steps that overflow are left out.
        optimizer = tf_keras.mixed_precision.LossScaleOptimizer(optimizer)
    optimizer.build(variables)
    return optimizer


def stage_factors(
    settings: TrainSettings, config: NetworkConfig, network: tf_keras.Model, variables: Sequence[Any]
) -> list[float] | None:
    """What `TrainSettings.stage_rates` means for each variable; None where it is empty.

    Args:
        network: with one output a stage, of the trainable variables `variables`.

    Raises:
        UsageError: another number of rates than of stages, or a network without stages.
    """
    rates = settings.stage_rates
    if not rates:
        return None
    if not isinstance(config, ModelConfig):
        raise UsageError(f"model {config.name!r} has no stages; leave the training setting stage_rates out")
    if len(rates) != config.stages:
        raise UsageError(
            f"training setting stage_rates has {len(rates)} rates; model {config.name!r} has {config.stages} stages, "
            "give one for each"
        )
    rate_of: dict[Any, float] = {}
    for rate, output in zip(rates, network.outputs, strict=True):
        for variable in tf_keras.Model(network.input, output).trainable_variables:
            # A variable belongs to the first stage that needs it.
            rate_of.setdefault(variable.ref(), rate)
    return [rate_of[variable.ref()] for variable in variables]


class _FactoredAdam(tf_keras.optimizers.Adam):  # type: ignore[misc]
    """Adam whose step is multiplied for each variable.

    To multiply the gradient would change nothing: Adam divides by its size.
    """

    def __init__(self, learning_rate: float, factors: Sequence[float], **options: Any) -> None:
        super().__init__(learning_rate, **options)
        self._factors = tuple(factors)

    def update_step(self, gradient: Tensor, variable: Any) -> None:
        factor = self._factors[self._index_dict[self._var_key(variable)]]
        if factor == 1.0:
            super().update_step(gradient, variable)
            return
        before = tf.identity(variable)
        super().update_step(gradient, variable)
        variable.assign(before + factor * (variable - before))
