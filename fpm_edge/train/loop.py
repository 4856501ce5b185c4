"""The training loop: every step a function of the seed and its number, so that a killed run continues bit-equal."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import tensorflow as tf
import tf_keras

from fpm_edge.data import Dataset
from fpm_edge.model.config import ModelConfig
from fpm_edge.model.network import training_outputs
from fpm_edge.progress import progress_bar
from fpm_edge.train.checkpoint import Position, restore_checkpoint, save_checkpoint
from fpm_edge.train.interrupt import deferred_interrupt
from fpm_edge.train.pipeline import training_batches
from fpm_edge.train.settings import TrainSettings
from fpm_edge.train.targets import ideal_heatmaps, map_weights, stage_losses
from fpm_edge_runtime.errors import ModelError, SchemaError, UsageError
from fpm_edge_runtime.files import write_atomically

__all__ = ["CHECKPOINT", "EpochLog", "train"]

CHECKPOINT = "checkpoint.safetensors"
_RUN = "run.json"
_SUMMARY_EVERY = 20


@dataclass(frozen=True)
class EpochLog:
    """What one epoch did: mean training loss of each stage, and seconds."""

    epoch: int
    stage_losses: tuple[float, ...]
    seconds: float


def train(
    model: tf_keras.Model,
    config: ModelConfig,
    dataset: Dataset,
    settings: TrainSettings,
    folder: Path,
    *,
    origin: str = "",
    resume: bool = False,
    on_epoch: Callable[[EpochLog], None] | None = None,
) -> None:
    """Train `model` in place on all stages jointly with Adam (eq. 5), writing checkpoints into `folder`.

    Args:
        model: a network of `config`, float or quantization-aware.
        origin: identifies the weights that training starts from (see `store.weights_digest`); a run that is resumed
            must have started from the same.
        resume: continue from the folder's checkpoint. On CPU the weights are then bit-equal to those of a run that
            was never interrupted.
        on_epoch: called after every epoch.

    Raises:
        SchemaError: data and model have different landmarks.
        UsageError: the folder holds another run's checkpoint, or none to resume.
        ModelError: the loss is no longer finite; the last checkpoint is kept.
        KeyboardInterrupt: after a checkpoint was written.
    """
    if dataset.schema.landmarks != config.schema.landmarks:
        raise SchemaError(
            f"the data has schema {dataset.schema.name!r}, the model {config.schema.name!r}; "
            "use data of the model's schema, or train a model for the data's"
        )
    folder.mkdir(parents=True, exist_ok=True)
    checkpoint = folder / CHECKPOINT
    network = training_outputs(model)
    optimizer = tf_keras.optimizers.Adam(settings.learning_rate)
    optimizer.build(network.trainable_variables)
    at = _start(checkpoint, folder, config, dataset, settings, model, optimizer, origin, resume)
    step_function = _make_step(network, optimizer, config, settings)

    steps_per_epoch = -(-len(dataset.records) // settings.batch)
    total = steps_per_epoch * settings.epochs
    writer = tf.summary.create_file_writer(str(folder / "tensorboard"))
    saved_at = time.monotonic()
    with progress_bar("training", total, at.step) as advance, writer.as_default(), deferred_interrupt() as interrupted:
        while at.epoch < settings.epochs:
            began, losses = time.monotonic(), []
            for batch in training_batches(dataset, config, settings, at.epoch, at.step_in_epoch):
                optimizer.learning_rate.assign(settings.rate(at.step, total))
                loss = step_function(*batch).numpy()
                if not np.isfinite(loss).all():
                    raise ModelError(
                        f"the loss became {loss.sum()} at step {at.step} (epoch {at.epoch + 1}); the checkpoint "
                        f"before it is kept in {folder}; check the data, or start anew with a lower learning rate"
                    )
                losses.append(loss)
                at = Position(at.epoch, at.step_in_epoch + 1, at.step + 1)
                advance(note=f"epoch {at.epoch + 1}/{settings.epochs} loss {loss.sum():.2f}")
                if at.step % _SUMMARY_EVERY == 0:
                    _summarise(loss, settings.rate(at.step, total), at.step)
                if interrupted() or time.monotonic() - saved_at > settings.checkpoint_minutes * 60.0:
                    save_checkpoint(checkpoint, model, optimizer, at)
                    saved_at = time.monotonic()
                if interrupted():
                    raise KeyboardInterrupt
            at = Position(at.epoch + 1, 0, at.step)
            save_checkpoint(checkpoint, model, optimizer, at)
            saved_at = time.monotonic()
            if on_epoch is not None and losses:
                means = tuple(float(v) for v in np.mean(losses, axis=0))
                on_epoch(EpochLog(at.epoch, means, time.monotonic() - began))


def _start(
    checkpoint: Path,
    folder: Path,
    config: ModelConfig,
    dataset: Dataset,
    settings: TrainSettings,
    model: tf_keras.Model,
    optimizer: tf_keras.optimizers.Optimizer,
    origin: str,
    resume: bool,
) -> Position:
    """Check that the folder belongs to this run, and restore it if asked."""
    run = {
        "config": msgspec.to_builtins(config),
        "settings": msgspec.to_builtins(settings),
        "data": dataset.name,
        "records": len(dataset.records),
        "annotations": dataset.digest,
        "origin": origin,
    }
    described = msgspec.json.format(msgspec.json.encode(run), indent=2)
    record = folder / _RUN
    if resume:
        if not checkpoint.is_file():
            raise UsageError(f"{folder}: there is no checkpoint to resume; start without --resume")
        if not record.is_file() or msgspec.json.decode(record.read_bytes()) != msgspec.json.decode(described):
            raise UsageError(
                f"{folder}: its checkpoint was made with other settings or data, or from other weights (see {_RUN} "
                "there); resume with the same ones, or use another folder"
            )
        return restore_checkpoint(checkpoint, model, optimizer)
    if checkpoint.exists():
        raise UsageError(f"{folder}: holds a checkpoint already; continue it with --resume, or use another folder")
    write_atomically(record, described)
    return Position(0, 0, 0)


def _make_step(
    network: tf_keras.Model,
    optimizer: tf_keras.optimizers.Optimizer,
    config: ModelConfig,
    settings: TrainSettings,
) -> Callable[..., Any]:
    height, width = config.input_height, config.input_width
    count = len(config.schema.landmarks)

    @tf.function(  # type: ignore[untyped-decorator]
        input_signature=[
            tf.TensorSpec((None, height, width, 3), tf.float32),
            tf.TensorSpec((None, count, 2), tf.float32),
            tf.TensorSpec((None, count), tf.int8),
        ]
    )
    def step(image: Any, landmarks: Any, visibility: Any) -> Any:
        ideal = ideal_heatmaps(
            landmarks, visibility >= 0, map_size=config.map_size, stride=config.stride, sigma=settings.sigma
        )
        weights = map_weights(visibility, settings.occluded_weight)
        with tf.GradientTape() as tape:
            heatmaps = network(image, training=True)
            if not isinstance(heatmaps, list):
                heatmaps = [heatmaps]
            losses = stage_losses(heatmaps, ideal, weights)
            total = tf.reduce_sum(losses)
        gradients = tape.gradient(total, network.trainable_variables)
        optimizer.apply_gradients(zip(gradients, network.trainable_variables, strict=True))
        return losses

    traced: Callable[..., Any] = step
    return traced


def _summarise(losses: Any, rate: float, step: int) -> None:
    for stage, loss in enumerate(losses, start=1):
        tf.summary.scalar(f"loss/stage_{stage}", loss, step=step)
    tf.summary.scalar("learning_rate", rate, step=step)
