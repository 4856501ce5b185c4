"""Trains any network of `peers_networks.py` by the project's own step, on its own batches, from a seed."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import tensorflow as tf
import tf_keras
from numpy.typing import NDArray

from fpm_edge.data import Dataset
from fpm_edge.train.checkpoint import LossLog, Position, restore_checkpoint, training_state, write_checkpoint
from fpm_edge.train.distribute import alone
from fpm_edge.train.objective import Goal, Objective
from fpm_edge.train.optimizer import make_optimizer
from fpm_edge.train.pipeline import SampleStore, steps_in_epoch, training_batches
from fpm_edge.train.settings import TrainSettings
from fpm_edge.train.step import TrainStep
from fpm_edge.train.targets import ideal_heatmaps, map_distance, map_weights
from fpm_edge_runtime.bundle.schema import LandmarkSchema

__all__ = ["Heatmaps", "Peer", "SimCC", "train"]

Tensor: TypeAlias = Any  # TensorFlow's own types are not visible to the type checker


@dataclass(frozen=True)
class Peer:
    """What the project's pipeline asks of a configuration (`NetworkConfig`)."""

    name: str
    schema: LandmarkSchema
    input_height: int
    input_width: int
    stages: int = 1

    @property
    def input_size(self) -> tuple[int, int]:
        """(width, height) of the input, pixels."""
        return self.input_width, self.input_height


class Heatmaps:
    """Squared distance to a Gaussian at each landmark, summed over the stages; no background map.

    Args:
        stride: input pixels per cell of the maps.
        sigma: of the ideal peak, cells: each network's own.
    """

    def __init__(self, peer: Peer, stride: int, sigma: float) -> None:
        self.terms = tuple(f"stage_{stage}" for stage in range(1, peer.stages + 1))
        self._map_size = peer.input_width // stride, peer.input_height // stride
        self._stride = stride
        self._sigma = sigma

    def losses(self, outputs: Sequence[Tensor], goal: Goal) -> Tensor:
        ideal = ideal_heatmaps(
            goal.landmarks,
            goal.visibility >= 0,
            map_size=self._map_size,
            stride=self._stride,
            sigma=self._sigma,
            background=False,
        )
        weights = map_weights(goal.visibility, 1.0)[:, :-1]
        return tf.stack([map_distance(maps, ideal, weights) for maps in outputs], axis=1)


class SimCC:
    """Cross-entropy of columns and rows with a Gaussian around the landmark (Li et al. 2022).

    Args:
        bins_a_pixel: split ratio of SimCC.
        sigma: of the Gaussian, bins; RTMPose has the root of a sixteenth of the bins.
    """

    terms = ("columns", "rows")

    def __init__(self, bins_a_pixel: float, sigma: float) -> None:
        self._bins_a_pixel = bins_a_pixel
        self._sigma = sigma

    def losses(self, outputs: Sequence[Tensor], goal: Goal) -> Tensor:
        return tf.stack([self._axis(outputs[axis], goal.landmarks[..., axis], goal) for axis in (0, 1)], axis=1)

    def _axis(self, logits: Tensor, positions: Tensor, goal: Goal) -> Tensor:
        known = goal.visibility >= 0
        # Unlabelled positions may hold anything, NaN too, which 0 · x would pass on.
        centre = tf.where(known, positions + 0.5, 0.0) * self._bins_a_pixel - 0.5
        bins = tf.range(logits.shape[-1], dtype=tf.float32)
        labels = tf.nn.softmax(-tf.square(bins - centre[..., None]) / (2 * self._sigma**2))
        entropy = tf.nn.softmax_cross_entropy_with_logits(labels, logits)
        return tf.reduce_sum(tf.where(known, entropy, 0.0), axis=1)


def train(
    network: tf_keras.Model,
    peer: Any,
    objective: Objective,
    data: Dataset,
    settings: TrainSettings,
    checkpoint: Path,
    progress: Callable[[str], None],
) -> None:
    """Train `network` in place; goes on from `checkpoint`, written after every epoch, where there is one.

    Args:
        network: with the outputs that `objective` takes.
        peer: a `Peer`, or a network's configuration.
    """
    optimizer = make_optimizer(settings, network.trainable_variables)
    step = TrainStep(network, objective, settings, optimizer, alone(), peer.schema.flip)
    at, log = Position(0, 0, 0), LossLog(np.zeros((0, len(objective.terms))), np.zeros((0, len(objective.terms)), "f4"))
    if checkpoint.exists():
        at, log = restore_checkpoint(checkpoint, network, optimizer)
    total = steps_in_epoch(data, settings) * settings.epochs
    kept = SampleStore(1_000_000_000)
    for epoch in range(at.epoch, settings.epochs):
        begun = time.monotonic()
        losses: list[NDArray[np.float32]] = []
        for number, batch in enumerate(training_batches(data, peer, settings, epoch, kept=kept)):
            count = min(settings.batch, len(data) - number * settings.batch)
            losses.append(step(batch, count, at.step, total).numpy())
            if not np.isfinite(losses[-1]).all():
                raise ArithmeticError(f"{peer.name}: the loss is {losses[-1]} at step {at.step}")
            at = Position(epoch + 1, 0, at.step + 1)
            if at.step % 100 == 0:
                progress(f"{peer.name}: step {at.step} of {total}, loss {np.mean(losses[-100:], axis=0).sum():.3f}")
        log = LossLog(np.concatenate([log.epochs, np.mean(losses, axis=0)[None]]), log.steps)
        checkpoint.parent.mkdir(parents=True, exist_ok=True)
        write_checkpoint(checkpoint, training_state(network, optimizer, at, log))
        progress(f"{peer.name}: epoch {epoch + 1}, loss {log.epochs[-1].sum():.3f}, {time.monotonic() - begun:.0f} s")
