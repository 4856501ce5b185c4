"""From records to batches: decode, crop or letterbox with the runtime's own code (tf.data).

The host only decodes and resizes; augmentation and ideal heatmaps are made on the device, in the training step.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from fpm_edge.data import NOTHING, Dataset, read_image
from fpm_edge.model.kinds import NetworkConfig
from fpm_edge.train.augment import DRAWS, draw
from fpm_edge.train.batches import Batch, share_of
from fpm_edge.train.distribute import ALONE, Place
from fpm_edge.train.settings import TrainSettings
from fpm_edge_runtime.pixels.geometry import Letterbox
from fpm_edge_runtime.pixels.image import letterbox

__all__ = [
    "Sample",
    "SampleStore",
    "batch_indices",
    "epoch_order",
    "epoch_size",
    "load_sample",
    "steps_in_epoch",
    "training_batches",
]

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


def load_sample(dataset: Dataset, index: int, config: NetworkConfig) -> Sample:
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


class SampleStore:
    """Samples kept in memory from one epoch to the next, as many as fit: nothing random is done to them on the host.

    Args:
        limit: bytes of pixels to keep at most. Samples beyond it are read anew in every epoch.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._bytes = 0
        self._samples: dict[int, Sample] = {}

    def sample(self, dataset: Dataset, index: int, config: NetworkConfig) -> Sample:
        """`load_sample`, or what it gave before."""
        known = self._samples.get(index)
        if known is not None:
            return known
        sample = load_sample(dataset, index, config)
        if self._bytes + sample.image.nbytes <= self._limit:
            self._bytes += sample.image.nbytes
            self._samples[index] = sample
        return sample


def epoch_size(dataset: Dataset) -> int:
    """Records that an epoch takes: all but those of `Dataset.sampled`, and of these some."""
    return len(dataset) - sum(group.count - group.each for group in dataset.sampled)


def epoch_order(dataset: Dataset, seed: int, epoch: int) -> NDArray[np.int64]:
    """The records of epoch `epoch` in order: a function of its arguments alone, so that resuming repeats it."""
    first = len(dataset) - sum(group.count for group in dataset.sampled)
    taken = [np.arange(first)]
    for number, group in enumerate(dataset.sampled):
        shuffled = np.random.default_rng([seed, number, group.count]).permutation(group.count)
        taken.append(first + shuffled[(epoch * group.each + np.arange(group.each)) % group.count])
        first += group.count
    indices = np.concatenate(taken)
    return indices[np.random.default_rng([seed, epoch]).permutation(len(indices))]


def steps_in_epoch(dataset: Dataset, settings: TrainSettings, place: Place = ALONE) -> int:
    """Batches of one epoch. The last may be smaller; one that has no picture for some device is left out."""
    whole, left = divmod(epoch_size(dataset), settings.batch)
    return whole + (left >= place.devices)


def batch_indices(dataset: Dataset, settings: TrainSettings, epoch: int, step: int) -> NDArray[np.int64]:
    """Which records are in the batch of step `step` of an epoch."""
    order = epoch_order(dataset, settings.seed, epoch)
    return order[step * settings.batch : (step + 1) * settings.batch]


def training_batches(
    dataset: Dataset,
    config: NetworkConfig,
    settings: TrainSettings,
    epoch: int,
    first_step: int = 0,
    place: Place = ALONE,
    kept: "SampleStore | None" = None,
) -> Iterator[Batch]:
    """Batches of one epoch from step `first_step` on, always the same for the same arguments.

    Args:
        place: where this worker stands among all devices; it reads only its own devices' pictures.
        kept: samples of earlier epochs, of this very data set and configuration; None to read every picture anew.

    Yields:
        The worker's share of each batch, in the order of its devices. The last batch may be smaller.

    Raises:
        DataError: a record cannot be read; it is the reader's own error.
    """
    order = epoch_order(dataset, settings.seed, epoch)
    positions: list[int] = []
    sizes = []
    for step in range(first_step, steps_in_epoch(dataset, settings, place)):
        count = min(settings.batch, len(order) - step * settings.batch)
        offset, size = share_of(count, place.devices, place.first, place.local)
        sizes.append(size)
        positions.extend(range(step * settings.batch + offset, step * settings.batch + offset + size))
    failures: list[Exception] = []
    categories = {name: number for number, name in enumerate((*config.schema.categories, NOTHING))}

    def load(position: np.int64) -> tuple[NDArray[np.generic] | np.int32, ...]:
        index = int(order[position])
        try:
            sample = kept.sample(dataset, index, config) if kept else load_sample(dataset, index, config)
        except Exception as error:
            failures.append(error)
            raise
        category = np.int32(categories[dataset.records[index].category])
        return sample.image, sample.landmarks, sample.visibility, category, draw(settings.seed, epoch, int(position))

    landmarks = len(config.schema.landmarks)
    shapes = ((config.input_height, config.input_width, 3), (landmarks, 2), (landmarks,), (), (DRAWS,))
    types = (tf.uint8, tf.float32, tf.int8, tf.int32, tf.float32)

    def prepare(position: object) -> tuple[object, ...]:
        # stateful=False: the result depends on the position alone, so TensorFlow may run several at once in order.
        loaded = tf.numpy_function(load, [position], types, stateful=False)
        return tuple(tf.ensure_shape(value, shape) for value, shape in zip(loaded, shapes, strict=True))

    # All shares but that of the last batch are of one size, so that tf.data can make them.
    batches = iter(
        tf.data.Dataset.from_tensor_slices(np.array(positions, np.int64))
        .map(prepare, num_parallel_calls=_PARALLEL_LOADS, deterministic=True)
        .batch(max(sizes, default=1))
        .prefetch(_PREFETCH)
    )
    for _ in sizes:
        try:
            yield Batch(*next(batches))
        except tf.errors.OpError:
            if failures:
                raise failures[0] from None
            raise
