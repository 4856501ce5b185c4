"""One training step: augmentation, ideal maps, loss, gradients and update, on one device or several."""

from typing import Any, TypeAlias

import numpy as np
import tensorflow as tf
import tf_keras
from numpy.typing import NDArray

from fpm_edge.train.augment import augment
from fpm_edge.train.batches import Batch
from fpm_edge.train.distribute import Team
from fpm_edge.train.objective import Goal, Objective
from fpm_edge.train.quantizers import Quantizers
from fpm_edge.train.settings import TrainSettings
from fpm_edge_runtime.errors import UsageError

__all__ = ["TrainStep"]

Tensor: TypeAlias = Any


class TrainStep:
    """Trains a network by one batch at a time.

    The gradient is that of the whole batch's mean loss, however many devices share it and however small their
    micro-batches are.

    Args:
        network: with the outputs that `objective` takes.
        optimizer: of `optimizer.make_optimizer`.
        flip: the schema's flip permutation.
        quantizers: those of `network`, if it has any.
    """

    def __init__(
        self,
        network: tf_keras.Model,
        objective: Objective,
        settings: TrainSettings,
        optimizer: tf_keras.optimizers.Optimizer,
        team: Team,
        flip: tuple[int, ...],
        quantizers: Quantizers | None = None,
    ) -> None:
        normalised = any(isinstance(layer, tf_keras.layers.BatchNormalization) for layer in network.layers)
        if settings.xla and team.place.devices > 1 and normalised:
            raise UsageError(
                "XLA cannot compile batch normalisation over several devices; leave out xla, or train on one device"
            )
        self._network = network
        self._variables = network.trainable_variables
        self.objective = objective
        self._settings = settings
        self._optimizer = optimizer
        self._team = team
        self._flip = flip
        self._quantizers = quantizers
        self._backward = tf.function(self._gradients, jit_compile=True) if settings.xla else self._gradients
        # Nothing in it needs AutoGraph, which takes seconds to read the source of all that a step calls.
        self._traced = tf.function(tf.autograph.experimental.do_not_convert(self._step), reduce_retracing=True)

    def __call__(self, batch: Batch, count: int, step: int, total: int) -> Tensor:
        """Update the network.

        Args:
            batch: this worker's share.
            count: pictures of the batch, over all workers.
            step: number of the step, from 0.
            total: steps of the whole training.

        Returns:
            (terms,) float32 tensor: mean loss terms of the batch before the update.
        """
        settings = self._settings
        self._optimizer.learning_rate.assign(settings.rate(step, total))
        if self._quantizers is not None:
            self._quantizers.freeze(step >= settings.freeze_ranges_after * total)
        return self._traced(
            self._team.deal(batch, count),
            tf.constant(float(count)),
            tf.constant(settings.sigma_at(step, total)),
            tf.constant(step / total),
        )

    def picture_losses(self, batch: Batch, step: int, total: int) -> NDArray[np.float32]:
        """(batch, terms): the loss terms of each picture alone, without training. For finding a bad one."""
        settings = self._settings
        goal = self._goal(batch, tf.constant(settings.sigma_at(step, total)), tf.constant(step / total))
        losses: NDArray[np.float32] = self._losses(goal, training=False).numpy()
        return losses

    def _step(self, batch: Batch, count: Tensor, sigma: Tensor, progress: Tensor) -> Tensor:
        losses = self._team.strategy.run(self._on_device, args=(*batch, count, sigma, progress))
        return self._team.strategy.reduce(tf.distribute.ReduceOp.SUM, losses, axis=None)

    def _on_device(self, *arguments: Tensor) -> Tensor:
        *fields, count, sigma, progress = arguments
        losses, gradients = self._accumulated(Batch(*fields), count, sigma, progress)
        if self._team.place.devices > 1:
            gradients = tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, gradients)
        if self._settings.precision == "mixed_float16":
            gradients = self._optimizer.get_unscaled_gradients(gradients)
        if self._settings.clip_norm is not None:
            gradients, _ = tf.clip_by_global_norm(gradients, self._settings.clip_norm)
        self._optimizer.apply_gradients(zip(gradients, self._variables, strict=True), skip_gradients_aggregation=True)
        return losses

    def _accumulated(self, batch: Batch, count: Tensor, sigma: Tensor, progress: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Loss terms and gradients of a device's share, in micro-batches."""
        size = self._settings.micro_batch
        if size is None:
            return self._of_part(batch, count, sigma, progress)
        pictures = tf.shape(batch.image)[0]

        def add(first: Tensor, losses: Tensor, gradients: list[Tensor]) -> tuple[Tensor, Tensor, list[Tensor]]:
            part = Batch(*(field[first : first + size] for field in batch))
            more, steeper = self._of_part(part, count, sigma, progress)
            return first + size, losses + more, [a + b for a, b in zip(gradients, steeper, strict=True)]

        start = (
            tf.constant(0),
            tf.zeros((len(self.objective.terms),)),
            [tf.zeros(variable.shape, variable.dtype) for variable in self._variables],
        )
        _, losses, gradients = tf.while_loop(
            lambda first, losses, gradients: first < pictures, add, start, parallel_iterations=1
        )
        return losses, gradients

    def _of_part(self, batch: Batch, count: Tensor, sigma: Tensor, progress: Tensor) -> tuple[Tensor, list[Tensor]]:
        goal = self._goal(batch, sigma, progress)
        # As tensors: what XLA compiles takes no objects.
        return self._backward(
            goal.image, goal.landmarks, goal.visibility, goal.category, goal.sigma, goal.progress, count
        )

    def _goal(self, batch: Batch, sigma: Tensor, progress: Tensor) -> Goal:
        image = tf.cast(batch.image, tf.float32) / 255.0
        landmarks, visibility = batch.landmarks, batch.visibility
        if self._settings.augmentation is not None:
            image, landmarks, visibility = augment(
                image, landmarks, visibility, batch.draws, self._settings.augmentation, self._flip
            )
        return Goal(image, landmarks, visibility, batch.category, sigma, progress)

    def _gradients(self, *arguments: Tensor) -> tuple[Tensor, list[Tensor]]:
        *known, count = arguments
        with tf.GradientTape() as tape:
            losses = tf.reduce_sum(self._losses(Goal(*known), training=True), axis=0) / count
            total = tf.reduce_sum(losses)
            if self._settings.precision == "mixed_float16":
                total = self._optimizer.get_scaled_loss(total)
        gradients = tape.gradient(total, self._variables, unconnected_gradients=tf.UnconnectedGradients.ZERO)
        return losses, gradients

    def _losses(self, goal: Goal, training: bool) -> Tensor:
        outputs = self._network(goal.image, training=training)
        return self.objective.losses(outputs if isinstance(outputs, list) else [outputs], goal)
