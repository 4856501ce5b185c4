"""The training loop: every step a function of the seed and its number, so that a killed run continues bit-equal."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn, TypeAlias

import numpy as np
import tf_keras
from numpy.typing import NDArray

from fpm_edge.data import NOTHING, Dataset
from fpm_edge.model.config import ModelConfig
from fpm_edge.model.kinds import NetworkConfig
from fpm_edge.model.networks import network_for
from fpm_edge.text.progress import progress_bar
from fpm_edge.train.batches import Batch
from fpm_edge.train.checkpoint import (
    LossLog,
    Position,
    is_finite,
    no_losses,
    restore_checkpoint,
    training_state,
    write_checkpoint,
)
from fpm_edge.train.distribute import Team, alone
from fpm_edge.train.interrupt import deferred_interrupt
from fpm_edge.train.log import TrainingLog
from fpm_edge.train.mirror import check_mirror
from fpm_edge.train.objective import Objective, Teacher, objective_for
from fpm_edge.train.optimizer import make_optimizer, stage_factors
from fpm_edge.train.pipeline import SampleStore, batch_indices, epoch_size, steps_in_epoch, training_batches
from fpm_edge.train.quantizers import Quantizers, check_quantizers
from fpm_edge.train.run_record import CHECKPOINT, check_run, check_unused, identity_of, record_run, record_seen
from fpm_edge.train.seen import Seen
from fpm_edge.train.settings import TrainSettings
from fpm_edge.train.step import TrainStep
from fpm_edge_runtime.errors import ModelError, UsageError

__all__ = ["CHECKPOINT", "KEEP_BYTES", "Draw", "EpochLog", "check_size", "make_step", "train"]

# Weights by name → a picture (rows, columns, 3) uint8.
Draw: TypeAlias = Callable[[dict[str, NDArray[np.generic]]], NDArray[np.uint8]]

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
        seconds: of wall clock; None for an epoch that ended before this process began.
    """

    epoch: int
    terms: tuple[str, ...]
    losses: tuple[float, ...]
    seconds: float | None


def train(
    model: tf_keras.Model,
    config: NetworkConfig,
    dataset: Dataset,
    settings: TrainSettings,
    folder: Path,
    *,
    origin: str = "",
    seen: Seen | None = None,
    resume: bool = False,
    teacher: Teacher | None = None,
    quantizers: Quantizers | None = None,
    team: Team | None = None,
    keep_bytes: int = KEEP_BYTES,
    on_epoch: Callable[[EpochLog], None] | None = None,
    draw: Draw | None = None,
) -> tuple[EpochLog, ...]:
    """Train `model` in place on all stages jointly with Adam (eq. 5), writing checkpoints into `folder`.

    Args:
        model: a network of `config`, float or quantization-aware, made in the scope of the team's strategy.
        folder: made if missing; with several workers one that all of them can read.
        origin: identifies the weights that training starts from (see `store.weights_digest`); a run that is resumed
            must have started from the same.
        seen: what the weights will have been trained on, for the folder's `SEEN_FILE`; None for `dataset` alone, where
            the weights that training starts from saw nothing.
        resume: continue from the folder's checkpoint. On CPU the weights are then bit-equal to those of a run that
            was never interrupted.
        teacher: see `TrainSettings.teacher_weight`.
        quantizers: those of `model`, if it is a quantization-aware one; `origin` must then identify their reference.
        team: devices; None for the default one.
        keep_bytes: pictures of the size of the input to keep in memory between epochs, in bytes; changes no result.
        on_epoch: called after every epoch, by the chief only.
        draw: called after every epoch, by the chief only, with the weights by name; gives a picture (rows, columns, 3)
            uint8 for the TensorBoard log.

    Returns:
        The log of every epoch, those before a resume included.

    Raises:
        SchemaError: data and model have different landmarks.
        UsageError: the folder holds another run's checkpoint, or none to resume; settings that do not go together.
        ModelError: the loss is no longer finite (the model is then that of the last checkpoint), or a checkpoint
            cannot be written (the last one is kept).
        KeyboardInterrupt: after a checkpoint was written.
    """
    _check_schema(dataset, config)
    team = team or alone()
    check_size(dataset, settings, team)
    taught = "" if teacher is None else teacher.origin
    run = identity_of(config, dataset, settings, origin, taught, team.place.devices)
    with team.strategy.scope():
        step, optimizer = make_step(model, config, settings, teacher=teacher, quantizers=quantizers, team=team)
    seen = seen or Seen.of(dataset)
    folder.mkdir(parents=True, exist_ok=True)
    at, losses = Position(0, 0, 0), no_losses(len(step.objective.terms))
    if resume:
        check_run(folder, run)
        if team.chief:
            record_seen(folder, seen)
        at, losses = restore_checkpoint(folder / CHECKPOINT, model, optimizer)
    else:
        check_unused(folder)
        # No worker may see what the chief is about to write.
        team.agree(True)
        if team.chief:
            record_run(folder, run, seen)
    with TrainingLog(folder, team.chief) as log, deferred_interrupt() as interrupted:
        kept = SampleStore(keep_bytes)
        loop = _Loop(
            model, config, dataset, settings, folder / CHECKPOINT, team, step, optimizer, log, kept, at, losses
        )
        if not resume:
            # What a loss that is not finite goes back to, and a run that is killed at once.
            loop.save()
        loop.run(interrupted, on_epoch, draw)
    if settings.ema > 0:
        optimizer.finalize_variable_values(model.trainable_variables)
    return tuple(loop.history)


def make_step(
    model: tf_keras.Model,
    config: NetworkConfig,
    settings: TrainSettings,
    *,
    teacher: Teacher | None = None,
    quantizers: Quantizers | None = None,
    team: Team | None = None,
) -> tuple[TrainStep, tf_keras.optimizers.Optimizer]:
    """The training step of a network, with its new optimiser. Raises UsageError for settings that it cannot follow."""
    _check_precision(model, settings)
    check_mirror(settings, config.schema)
    check_quantizers(settings, quantizers)
    network = network_for(config).training_outputs(model)
    variables = network.trainable_variables
    optimizer = make_optimizer(settings, variables, stage_factors(settings, config, network, variables))
    objective = objective_for(config, settings, teacher, None if quantizers is None else quantizers.reference)
    step = TrainStep(network, objective, settings, optimizer, team or alone(), config.schema.flip, quantizers)
    return step, optimizer


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
    earlier: LossLog
    losses: list[NDArray[np.float32]] = field(init=False)
    history: list[EpochLog] = field(init=False)
    # The newest step's loss is read one step late, so that a GPU never waits for Python.
    pending: tuple[Any, Position] | None = None
    last: Position = field(default_factory=lambda: Position(0, 0, 0))
    saved_at: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        self.losses = list(self.earlier.steps)
        self.history = [
            EpochLog(epoch, self.objective.terms, tuple(float(v) for v in means), None)
            for epoch, means in enumerate(self.earlier.epochs, start=1)
        ]

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
                began = time.monotonic()
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
                    stop, due, unlogged = self.team.agree(interrupted(), due, self.log.failure is not None)
                    if unlogged:
                        self._stop_without_log()
                    if stop or due:
                        self.save()
                    if stop:
                        raise KeyboardInterrupt
                self._end_epoch(time.monotonic() - began, on_epoch, draw)
                if self.team.agree(self.log.failure is not None)[0]:
                    self._stop_without_log()

    def save(self) -> dict[str, NDArray[np.generic]]:
        """Write a checkpoint, and return what is in it. Raises ModelError, see `train`."""
        self._read_loss()
        means = [log.losses for log in self.history]
        shape = (-1, len(self.objective.terms))
        losses = LossLog(np.reshape(np.array(means, np.float64), shape), np.reshape(self.losses, shape))
        state = training_state(self.model, self.optimizer, self.at, losses)
        if not is_finite(state):
            self._stop("the weights are no longer finite", self.last)
        failure: ModelError | None = None
        if self.team.chief:
            try:
                write_checkpoint(self.checkpoint, state)
            except ModelError as error:
                failure = error
        if self.team.agree(failure is not None)[0]:
            raise failure or ModelError(f"{self.checkpoint}: the chief could not write it; see what that worker said")
        self.saved_at = time.monotonic()
        return state

    def _train_on(self, batch: Batch) -> None:
        at = self.at
        count = min(self.settings.batch, epoch_size(self.dataset) - at.step_in_epoch * self.settings.batch)
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
        means = tuple(float(v) for v in np.mean(self.losses, axis=0))
        log = EpochLog(self.at.epoch + 1, self.objective.terms, means, seconds)
        self.history.append(log)
        self.losses = []
        self.at = Position(log.epoch, 0, self.at.step)
        state = self.save()
        if not self.team.chief:
            return
        if draw is not None:
            weights = {name.removeprefix("model/"): v for name, v in state.items() if name.startswith("model/")}
            self.log.picture("heatmaps", draw(weights), self.at.step)
        if on_epoch is not None:
            on_epoch(log)

    def _read_loss(self) -> None:
        if self.pending is None:
            return
        loss, at = self.pending[0].numpy(), self.pending[1]
        self.pending = None
        self.last = at
        if not np.isfinite(loss).all():
            self._stop(f"the loss became {loss.sum()}", at)
        self.losses.append(loss)
        if (at.step + 1) % _SUMMARY_EVERY == 0:
            values = {f"loss/{term}": float(v) for term, v in zip(self.objective.terms, loss, strict=True)}
            self.log.scalars(values | {"learning_rate": self.settings.rate(at.step, self.total)}, at.step + 1)

    def _stop(self, what: str, at: Position) -> NoReturn:
        """Go back to the last checkpoint, and say which pictures were in the batch of step `at`."""
        if not self.checkpoint.is_file():
            raise ModelError(f"{what} before the first step; start from other weights")
        restored, _ = restore_checkpoint(self.checkpoint, self.model, self.optimizer)
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
            f"{what} at step {at.step} (epoch {at.epoch + 1}) on the batch of {listed}; {blame}. "
            f"The checkpoint of step {restored.step} is kept in {self.checkpoint.parent}"
        )

    def _stop_without_log(self) -> NoReturn:
        """Raise what kept the chief from writing its log, on every worker."""
        raise self.log.failure or ModelError(
            f"{self.checkpoint.parent}: the chief could not write the training log; see what that worker said"
        )

    def _bad_alone(self, at: Position) -> list[bool]:
        """Which pictures of a batch give a loss that is not finite; empty where other workers hold some of them."""
        if self.team.place.devices > 1:
            return []
        batches = training_batches(self.dataset, self.config, self.settings, at.epoch, at.step_in_epoch)
        losses = self.step.picture_losses(next(batches), at.step, self.total)
        return [not np.isfinite(terms).all() for terms in losses]


def check_size(dataset: Dataset, settings: TrainSettings, team: Team) -> None:
    """Raise UsageError where a batch has no picture for some device."""
    devices, size = team.place.devices, epoch_size(dataset)
    if min(settings.batch, size) < devices:
        raise UsageError(
            f"a batch of {settings.batch} from {size} records cannot be shared by {devices} devices; give each "
            "at least one picture"
        )


def _check_precision(model: tf_keras.Model, settings: TrainSettings) -> None:
    # A network has its precision from when it was built: settings that differ would be written down and not be true.
    wanted = settings.precision.removeprefix("mixed_")
    built = {layer.compute_dtype for layer in model.layers} & {"float16", "bfloat16"} or {"float32"}
    if built != {wanted}:
        raise UsageError(
            f"training setting precision is {settings.precision}, but the network was built for {', '.join(built)}; "
            "build it with policy=settings.precision"
        )


def _check_schema(dataset: Dataset, config: NetworkConfig) -> None:
    dataset.expect_landmarks(config.schema, "the model")
    if not isinstance(config, ModelConfig) and any(record.category == NOTHING for record in dataset.records):
        raise UsageError(
            f"model {config.name!r} cannot learn from pictures without a garment; leave them out of the data, or train "
            "a Fashion Pose Machine"
        )
    missing = set(dataset.schema.categories) - set(config.schema.categories)
    if missing:
        raise UsageError(f"the data has categories that the model does not: {', '.join(sorted(missing))}")
