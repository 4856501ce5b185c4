"""What each kind of network is trained to do: its loss terms, a picture at a time."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

import tensorflow as tf
import tf_keras

from fpm_edge.model.config import ModelConfig
from fpm_edge.model.fashionnet_config import FashionNetConfig
from fpm_edge.model.kinds import NetworkConfig
from fpm_edge.model.oneshot_config import OneShotConfig
from fpm_edge.train.category import category_loss
from fpm_edge.train.regression import LossWeights, fashionnet_losses
from fpm_edge.train.settings import TrainSettings
from fpm_edge.train.targets import (
    absent_weights,
    category_weights,
    clipped_distance,
    ideal_heatmaps,
    map_distance,
    map_weights,
)
from fpm_edge_calibration.signs import signed_members
from fpm_edge_runtime.errors import UsageError

__all__ = ["Goal", "Objective", "Teacher", "objective_for", "peak_sigma"]

Tensor: TypeAlias = Any


class Goal:
    """What is known about the pictures of a batch.

    Attributes:
        image: (batch, height, width, 3) float32 in [0, 1], augmented.
        landmarks: (batch, L, 2) float32, input pixels.
        visibility: (batch, L) int8.
        category: (batch,) int32, index into the schema's categories; after the last of them: no garment.
        sigma: of the ideal peaks, cells; scalar.
        progress: share of the training that is done, in [0, 1); scalar.
    """

    def __init__(
        self, image: Tensor, landmarks: Tensor, visibility: Tensor, category: Tensor, sigma: Tensor, progress: Tensor
    ) -> None:
        self.image = image
        self.landmarks = landmarks
        self.visibility = visibility
        self.category = category
        self.sigma = sigma
        self.progress = progress


class Objective(Protocol):
    """The loss of one kind of network."""

    @property
    def terms(self) -> tuple[str, ...]:
        """Names of the loss terms, for logs."""

    def losses(self, outputs: Sequence[Tensor], goal: Goal) -> Tensor:
        """(batch, terms) float32: the terms of each picture. The training loss is their sum, averaged over pictures.

        Args:
            outputs: of the network's `training_outputs`.
        """


class _Heatmaps:
    """Squared distance to the ideal maps, summed over the stages (eq. 4–5), and to the maps of other networks.

    Args:
        teacher: gives its last maps to every stage.
        reference: the float network; gives each stage its own maps.
    """

    def __init__(
        self,
        config: ModelConfig,
        settings: TrainSettings,
        teacher: tf_keras.Model | None,
        reference: tf_keras.Model | None,
    ) -> None:
        self.terms = tuple(f"stage_{stage}" for stage in range(1, config.stages + 1))
        self._config = config
        self._settings = settings
        self._teacher = teacher
        self._reference = reference
        self._signs = signed_members(list(config.schema.categories.values()), len(config.schema.landmarks))

    def losses(self, outputs: Sequence[Tensor], goal: Goal) -> Tensor:
        config, settings = self._config, self._settings
        ideal = ideal_heatmaps(
            goal.landmarks, goal.visibility >= 0, map_size=config.map_size, stride=config.stride, sigma=goal.sigma
        )
        weights = map_weights(goal.visibility, settings.occluded_weight, self._absent(goal))
        losses = [settings.truth_weight * map_distance(maps, ideal, weights) for maps in outputs]
        if self._teacher is not None:
            taught = self._teachers_maps(self._teacher, goal.image)
            losses = [
                loss + settings.teacher_weight * map_distance(maps, taught, weights)
                for loss, maps in zip(losses, outputs, strict=True)
            ]
        if settings.category_weight:
            losses = [
                loss + settings.category_weight * category_loss(maps, goal.category, self._signs)
                for loss, maps in zip(losses, outputs, strict=True)
            ]
        if self._reference is not None and settings.float_weight:
            distances = self._from_float(self._reference, outputs, goal)
            losses = [loss + settings.float_weight * apart for loss, apart in zip(losses, distances, strict=True)]
        if settings.self_weight:
            last = tf.stop_gradient(tf.clip_by_value(outputs[-1], 0.0, 1.0))
            losses[:-1] = [
                loss + settings.self_weight * map_distance(maps, last, weights)
                for loss, maps in zip(losses[:-1], outputs[:-1], strict=True)
            ]
        return tf.stack(losses, axis=1)

    def _absent(self, goal: Goal) -> Tensor | None:
        """Weights of the maps that should be silent; None where they do not count."""
        if not self._settings.absent_weight:
            return None
        schema = self._config.schema
        members = list(schema.categories.values())
        return absent_weights(goal.category, members, len(schema.landmarks), self._settings.absent_weight)

    def _from_float(self, reference: tf_keras.Model, outputs: Sequence[Tensor], goal: Goal) -> list[Tensor]:
        """(batch,) for each stage: how far its maps are from the float network's."""
        schema = self._config.schema
        weights = category_weights(goal.category, [*schema.categories.values(), ()], len(schema.landmarks))
        answers = reference(goal.image, training=False)
        distance = clipped_distance if self._config.clip_heatmaps else map_distance
        return [
            distance(maps, tf.stop_gradient(answer), weights)
            for maps, answer in zip(outputs, answers if isinstance(answers, list) else [answers], strict=True)
        ]

    def _teachers_maps(self, teacher: tf_keras.Model, image: Tensor) -> Tensor:
        """The teacher's last maps for the student's pictures, in the student's cells."""
        size = teacher.input_shape[1:3]
        if tuple(image.shape[1:3]) != tuple(size):
            image = tf.image.resize(image, size)
        outputs = teacher(image, training=False)
        maps = tf.clip_by_value(outputs[-1] if isinstance(outputs, list) else outputs, 0.0, 1.0)
        width, height = self._config.map_size
        if tuple(maps.shape[1:3]) != (height, width):
            maps = tf.image.resize(maps, (height, width))
        return tf.stop_gradient(maps)


# The stride of the networks whose cells `TrainSettings.sigma` is given in.
_USUAL_STRIDE = 8


class _OneShot:
    """Squared distance to the ideal maps of the landmarks alone; see `OneShotConfig`.

    Its cells are smaller than those of the other networks; peaks of the same sigma are as wide on the picture.
    """

    terms = ("heatmaps",)

    def __init__(self, config: OneShotConfig, settings: TrainSettings) -> None:
        self._config = config
        self._settings = settings

    def losses(self, outputs: Sequence[Tensor], goal: Goal) -> Tensor:
        (maps,) = outputs
        ideal = ideal_heatmaps(
            goal.landmarks,
            goal.visibility >= 0,
            map_size=self._config.map_size,
            stride=self._config.stride,
            sigma=peak_sigma(self._config, goal.sigma),
            background=False,
        )
        weights = map_weights(goal.visibility, self._settings.occluded_weight)[:, :-1]
        return map_distance(maps, ideal, weights)[:, None]


class _Regression:
    """Coordinates, visibility and category; see `fashionnet_losses`."""

    terms = LossWeights._fields

    def __init__(self, config: FashionNetConfig, settings: TrainSettings) -> None:
        self._config = config
        self._settings = settings

    def losses(self, outputs: Sequence[Tensor], goal: Goal) -> Tensor:
        return fashionnet_losses(
            self._config,
            outputs,
            goal.landmarks,
            goal.visibility,
            goal.category,
            goal.progress,
            occluded_weight=self._settings.occluded_weight,
        )


def peak_sigma(config: NetworkConfig, sigma: Any) -> Any:
    """Standard deviation of a network's ideal peaks in its own cells, from that in the training settings."""
    return sigma * (_USUAL_STRIDE / config.stride) if isinstance(config, OneShotConfig) else sigma


@dataclass(frozen=True)
class Teacher:
    """A trained network to learn from.

    Attributes:
        config, network: of the teacher.
        origin: identifies its weights (`store.weights_digest`).
    """

    config: NetworkConfig
    network: tf_keras.Model
    origin: str


def objective_for(
    config: NetworkConfig,
    settings: TrainSettings,
    teacher: Teacher | None = None,
    reference: tf_keras.Model | None = None,
) -> Objective:
    """The loss of a network.

    Args:
        teacher: a Fashion Pose Machine of the same landmarks, whose last stage the student learns from as well.
        reference: the float network that quantization-aware training started from, one output a stage.

    Raises:
        UsageError: settings that this kind of network cannot follow, or a teacher of another kind or schema.
    """
    if (settings.teacher_weight > 0) != (teacher is not None):
        raise UsageError("learning from a teacher needs both a teacher and a teacher_weight above 0")
    if isinstance(config, ModelConfig):
        return _Heatmaps(config, settings, _teaching_network(config, teacher), reference)
    # A network with one answer has no earlier stage that `self_weight` could draw to it.
    if teacher is not None:
        raise UsageError(f"model {config.name!r}: only networks with stages of heatmaps learn from a teacher's")
    if settings.truth_weight != 1:
        raise UsageError(
            f"model {config.name!r}: it learns from the truth alone; leave the training setting truth_weight at 1"
        )
    if settings.absent_weight or settings.category_weight:
        raise UsageError(
            f"model {config.name!r}: it has no maps that could be silent; leave the training settings absent_weight "
            "and category_weight at 0"
        )
    if isinstance(config, OneShotConfig):
        return _OneShot(config, settings)
    if isinstance(config, FashionNetConfig):
        return _Regression(config, settings)
    raise UsageError(f"model {config.name!r}: there is no loss for a network of this kind")


def _teaching_network(config: ModelConfig, teacher: Teacher | None) -> tf_keras.Model | None:
    if teacher is None:
        return None
    if not isinstance(teacher.config, ModelConfig) or teacher.config.schema.landmarks != config.schema.landmarks:
        raise UsageError(
            f"model {config.name!r} cannot learn from {teacher.config.name!r}; a teacher is a Fashion Pose Machine "
            "with the same landmarks"
        )
    return teacher.network
