"""The training loop: every step a function of the seed and its number, so that a killed run continues bit-equal."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import tf_keras
from numpy.typing import NDArray

from fpm_edge.data import Dataset
from fpm_edge.model.kinds import NetworkConfig
from fpm_edge.model.networks import network_for
from fpm_edge.progress import progress_bar
from fpm_edge.train.batches import Batch
from fpm_edge.train.checkpoint import Position, restore_checkpoint, training_state, write_checkpoint
from fpm_edge.train.distribute import Team, alone
from fpm_edge.train.interrupt import deferred_interrupt
from fpm_edge.train.log import Draw, TrainingLog
from fpm_edge.train.objective import Objective, objective_for
from fpm_edge.train.pipeline import SampleStore, batch_indices, steps_in_epoch, training_batches
from fpm_edge.train.run_record import CHECKPOINT, check_run, describe_run, record_run
from fpm_edge.train.settings import TrainSettings
from fpm_edge.train.step import TrainStep, make_optimizer
from fpm_edge_runtime.errors import ModelError, SchemaError, UsageError

__all__ = ["CHECKPOINT", "KEEP_BYTES", "EpochLog", "Teacher", "make_step", "train"]

KEEP_BYTES = 1_000_000_000
"""Pixels kept in memory between epochs by default: 9,000 pictures of 192 × 192, 1,270 of 512 × 512."""


_SUMMARY_EVERY = 20
_NAMED_PICTURES = 8


@dataclass(frozen=True)
class EpochLog:
    """What one epoch did.

    Attributes:
        epoch: from 1.
        terms: names of the loss terms; for the Fashion Pose Machine one a stage.
        losses: mean of each term over the epoch's batches, before each update.
        seconds: of wall clock.
    """

    epoch: int
    terms: tuple[str, ...]
    losses: tuple[float, ...]
    seconds: float


@dataclass(frozen=True)
class Teacher:
    """A trained network with heatmaps to learn from, and what identifies its weights (`store.weights_digest`)."""

    network: tf_keras.Model
    origin: str


def train(
    model: tf_keras.Model,
    config: NetworkConfig,
    dataset: Dataset,
    settings: TrainSettings,
    folder: Path,
    *,
    origin: str = "",
    resume: bool = False,
    teacher: Teacher | None = None,
    team: Team | None = None,
    keep_bytes: int = KEEP_BYTES,
    on_epoch: Callable[[EpochLog], None] | None = None,
    draw: Draw | None = None,
) -> None:
    """Train `model` in place on all stages jointly with Adam (eq. 5), writing checkpoints into `folder`.

    Args:
        model: a network of `config`, float or quantization-aware, made in the scope of the team's strategy.
        folder: made if missing; with several workers one that all of them can read.
        origin: identifies the weights that training starts from (see `store.weights_digest`); a run that is resumed
            must have started from the same.
        resume: continue from the folder's checkpoint. On CPU the weights are then bit-equal to those of a run that
            was never interrupted.
        teacher: see `TrainSettings.teacher_weight`.
        team: devices; None for the default one.
        keep_bytes: pictures of the size of the input to keep in memory between epochs, in bytes; changes no result.
        on_epoch: called after every epoch, by the chief only.
        draw: called after every epoch, for pictures in the TensorBoard log.

    Raises:
        SchemaError: data and model have different landmarks.
        UsageError: the folder holds another run's checkpoint, or none to resume; settings that do not go together.
        ModelError: the loss is no longer finite (the model is then that of the last checkpoint), or a checkpoint
            cannot be written (the last one is kept).
        KeyboardInterrupt: after a checkpoint was written.
    """
    _check_schema(dataset, config)
    _check_size(dataset, settings, team or alone())
    run = describe_run(config, dataset, settings, origin, "" if teacher is None else teacher.origin)
    team = team or alone()
    with team.strategy.scope():
        step, optimizer = make_step(model, config, settings, teacher=teacher, team=team)
    folder.mkdir(parents=True, exist_ok=True)
    at = Position(0, 0, 0)
    if resume:
        check_run(folder, run)
        at = restore_checkpoint(folder / CHECKPOINT, model, optimizer)
    elif team.chief:
        record_run(folder, run)
    with TrainingLog(folder, team.chief) as log, deferred_interrupt() as interrupted:
        kept = SampleStore(keep_bytes)
        loop = _Loop(model, config, dataset, settings, folder / CHECKPOINT, team, step, optimizer, log, kept, at)
        if not resume:
            # What a loss that is not finite goes back to, and a run that is killed at once.
            loop.save()
        loop.run(interrupted, on_epoch, draw)
    if settings.ema > 0:
        optimizer.finalize_variable_values(model.trainable_variables)


def make_step(
    model: tf_keras.Model,
    config: NetworkConfig,
    settings: TrainSettings,
    *,
    teacher: Teacher | None = None,
    team: Team | None = None,
) -> tuple[TrainStep, tf_keras.optimizers.Optimizer]:
    """The training step of a network, with its new optimiser. Raises UsageError for settings that it cannot follow."""
    network = network_for(config).training_outputs(model)
    optimizer = make_optimizer(settings, network.trainable_variables)
    objective = objective_for(config, settings, None if teacher is None else teacher.network)
    return TrainStep(network, objective, settings, optimizer, team or alone(), config.schema.flip), optimizer


@dataclass
class _Loop:
    """A run under way."""

    model: tf_keras.Model
    config: NetworkConfig
    dataset: Dataset
    settings: TrainSettings
    checkpoint: Path
    team: Team
    step: TrainStep
    optimizer: tf_keras.optimizers.Optimizer
    log: TrainingLog
    kept: SampleStore
    at: Position
    losses: list[NDArray[np.float32]] = field(default_factory=list)
    # The newest step's loss is read one step late, so that a GPU never waits for Python.
    pending: tuple[Any, Position] | None = None
    saved_at: float = field(default_factory=time.monotonic)

    @property
    def objective(self) -> Objective:
        return self.step.objective

    @property
    def total(self) -> int:
        return steps_in_epoch(self.dataset, self.settings, self.team.place) * self.settings.epochs

    def run(
        self,
        interrupted: Callable[[], bool],
        on_epoch: Callable[[EpochLog], None] | None,
        draw: Draw | None,
    ) -> None:
        """Train to the end. Raises KeyboardInterrupt after saving."""
        epochs = self.settings.epochs
        with progress_bar("training", self.total, self.at.step) as advance:
            while self.at.epoch < epochs:
                began, self.losses = time.monotonic(), []
                batches = training_batches(
                    self.dataset,
                    self.config,
                    self.settings,
                    self.at.epoch,
                    self.at.step_in_epoch,
                    self.team.place,
                    self.kept,
                )
                for batch in batches:
                    self._train_on(batch)
                    loss = f" loss {self.losses[-1].sum():.2f}" if self.losses else ""
                    advance(note=f"epoch {self.at.epoch + 1}/{epochs}{loss}")
                    due = time.monotonic() - self.saved_at > self.settings.checkpoint_minutes * 60.0
                    stop, due = self.team.agree(interrupted(), due)
                    if stop or due:
                        self.save()
                    if stop:
                        raise KeyboardInterrupt
                self._end_epoch(time.monotonic() - began, on_epoch, draw)

    def save(self) -> None:
        """Write a checkpoint. Raises ModelError, see `train`."""
        self._read_loss()
        state = training_state(self.model, self.optimizer, self.at)
        if self.team.chief:
            write_checkpoint(self.checkpoint, state)
        self.saved_at = time.monotonic()

    def _train_on(self, batch: Batch) -> None:
        at = self.at
        count = min(self.settings.batch, len(self.dataset) - at.step_in_epoch * self.settings.batch)
        losses = self.step(batch, count, at.step, self.total)
        self._read_loss()
        self.pending = losses, at
        self.at = Position(at.epoch, at.step_in_epoch + 1, at.step + 1)

    def _end_epoch(
        self,
        seconds: float,
        on_epoch: Callable[[EpochLog], None] | None,
        draw: Draw | None,
    ) -> None:
        self._read_loss()
        self.at = Position(self.at.epoch + 1, 0, self.at.step)
        self.save()
        if not self.team.chief or not self.losses:
            return
        if draw is not None:
            self.log.pictures(draw, self.at.step)
        if on_epoch is not None:
            means = tuple(float(v) for v in np.mean(self.losses, axis=0))
            on_epoch(EpochLog(self.at.epoch, self.objective.terms, means, seconds))

    def _read_loss(self) -> None:
        if self.pending is None:
            return
        loss, at = self.pending[0].numpy(), self.pending[1]
        self.pending = None
        if not np.isfinite(loss).all():
            self._stop_on_bad_loss(loss, at)
        self.losses.append(loss)
        if (at.step + 1) % _SUMMARY_EVERY == 0:
            values = {f"loss/{term}": float(v) for term, v in zip(self.objective.terms, loss, strict=True)}
            self.log.scalars(values | {"learning_rate": self.settings.rate(at.step, self.total)}, at.step + 1)

    def _stop_on_bad_loss(self, loss: NDArray[np.float32], at: Position) -> None:
        """Go back to the last checkpoint, and say which pictures were in the batch."""
        restored = restore_checkpoint(self.checkpoint, self.model, self.optimizer)
        indices = batch_indices(self.dataset, self.settings, at.epoch, at.step_in_epoch)
        names = [self.dataset.records[index].identifier for index in indices]
        listed = ", ".join(names[:_NAMED_PICTURES]) + (", …" if len(names) > _NAMED_PICTURES else "")
        culprits = [name for name, bad in zip(names, self._bad_alone(at), strict=False) if bad]
        blame = (
            f"already alone and with the last good weights: {', '.join(culprits)}; check these"
            if culprits
            else "none of them alone does it with the last good weights, so check the learning rate first"
        )
        raise ModelError(
            f"the loss became {loss.sum()} at step {at.step} (epoch {at.epoch + 1}) on the batch of {listed}; {blame}. "
            f"The checkpoint of step {restored.step} is kept in {self.checkpoint.parent}"
        )

    def _bad_alone(self, at: Position) -> list[bool]:
        """Which pictures of a batch give a loss that is not finite; empty where other workers hold some of them."""
        if self.team.place.devices > 1:
            return []
        batches = training_batches(self.dataset, self.config, self.settings, at.epoch, at.step_in_epoch)
        losses = self.step.picture_losses(next(batches), at.step, self.total)
        return [not np.isfinite(terms).all() for terms in losses]


def _check_size(dataset: Dataset, settings: TrainSettings, team: Team) -> None:
    devices = team.place.devices
    if min(settings.batch, len(dataset)) < devices:
        raise UsageError(
            f"a batch of {settings.batch} from {len(dataset)} records cannot be shared by {devices} devices; give each "
            "at least one picture"
        )


def _check_schema(dataset: Dataset, config: NetworkConfig) -> None:
    if dataset.schema.landmarks != config.schema.landmarks:
        raise SchemaError(
            f"the data has schema {dataset.schema.name!r}, the model {config.schema.name!r}; "
            "use data of the model's schema, or train a model for the data's"
        )
    missing = set(dataset.schema.categories) - set(config.schema.categories)
    if missing:
        raise UsageError(f"the data has categories that the model does not: {', '.join(sorted(missing))}")
