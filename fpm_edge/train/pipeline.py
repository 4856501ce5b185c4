"""From records to batches: decode, crop or letterbox with the runtime's own code, augment, batch (tf.data)."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from fpm_edge.data import Dataset, read_image
from fpm_edge.model.config import ModelConfig
from fpm_edge.train.augment import augment
from fpm_edge.train.settings import TrainSettings
from fpm_edge_runtime.geometry import Letterbox
from fpm_edge_runtime.image import letterbox

__all__ = ["Sample", "epoch_order", "load_sample", "training_batches"]

Batch: TypeAlias = tuple[Any, Any, Any]

# Four samples in preparation keep two cores busy while the step runs, without holding many pictures.
_PARALLEL_LOADS = 4
_PREFETCH = 2


@dataclass(frozen=True)
class Sample:
    """One record as the network sees it.

    Attributes:
        image: (height, width, 3) uint8.
        landmarks: (L, 2) float32, input pixels.
        visibility: (L,) int8; −1 also where the landmark lies outside the input.
        placement: the letterbox, for the way back to the picture.
        picture_size: (width, height) of the picture, pixels.
    """

    image: NDArray[np.uint8]
    landmarks: NDArray[np.float32]
    visibility: NDArray[np.int8]
    placement: Letterbox
    picture_size: tuple[int, int]


def load_sample(dataset: Dataset, index: int, config: ModelConfig) -> Sample:
    """Read record `index` and bring it into the input of `config`. Raises DataError or ImageError."""
    record = dataset.records[index]
    picture = read_image(record)
    size = (picture.shape[1], picture.shape[0])
    placement = Letterbox.fit(size, config.input_size, record.box)
    landmarks = placement.to_input(record.landmarks)
    limit = np.array(config.input_size, np.float32) - 0.5
    inside = ((landmarks >= -0.5) & (landmarks <= limit)).all(axis=-1)
    return Sample(
        image=letterbox(picture, placement, config.input_size),
        landmarks=landmarks,
        visibility=np.where(inside, record.visibility, -1).astype(np.int8),
        placement=placement,
        picture_size=size,
    )


def epoch_order(count: int, seed: int, epoch: int) -> NDArray[np.int64]:
    """The order of `count` records in epoch `epoch`: a function of its arguments alone, so that resuming repeats it."""
    return np.random.default_rng([seed, epoch]).permutation(count)


def training_batches(
    dataset: Dataset, config: ModelConfig, settings: TrainSettings, epoch: int, first_step: int = 0
) -> Iterator[Batch]:
    """Batches of one epoch from step `first_step` on, always the same for the same arguments.

    Yields:
        image (batch, height, width, 3) float32 in [0, 1]; landmarks (batch, L, 2) float32, input pixels;
        visibility (batch, L) int8. The last batch may be smaller.

    Raises:
        DataError: a record cannot be read; it is the reader's own error.
    """
    order = epoch_order(len(dataset.records), settings.seed, epoch)[first_step * settings.batch :]
    positions = np.arange(len(order), dtype=np.int32) + first_step * settings.batch
    failures: list[Exception] = []

    def load(index: np.int64) -> tuple[NDArray[np.uint8], NDArray[np.float32], NDArray[np.int8]]:
        try:
            sample = load_sample(dataset, int(index), config)
        except Exception as error:
            failures.append(error)
            raise
        return sample.image, sample.landmarks, sample.visibility

    def prepare(index: Any, position: Any) -> Batch:
        # stateful=False: the result depends on the index alone, so TensorFlow may run several at once in order.
        image, landmarks, visibility = tf.numpy_function(load, [index], (tf.uint8, tf.float32, tf.int8), stateful=False)
        count = len(config.schema.landmarks)
        image = tf.ensure_shape(image, (config.input_height, config.input_width, 3))
        image = tf.cast(image, tf.float32) / 255.0
        landmarks = tf.ensure_shape(landmarks, (count, 2))
        visibility = tf.ensure_shape(visibility, (count,))
        if settings.augmentation is not None:
            key = tf.stack([settings.seed * 1_000_003 + epoch, position])
            return augment(image, landmarks, visibility, key, settings.augmentation, config.schema.flip)
        return image, landmarks, visibility

    batches = (
        tf.data.Dataset.from_tensor_slices((order, positions))
        .map(prepare, num_parallel_calls=_PARALLEL_LOADS, deterministic=True)
        .batch(settings.batch)
        .prefetch(_PREFETCH)
    )
    try:
        yield from batches
    except tf.errors.OpError:
        if failures:
            raise failures[0] from None
        raise
