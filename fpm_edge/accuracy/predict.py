"""Landmarks of a whole data set, from a network or from a bundle, in pixels of each picture."""

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from fpm_edge.accuracy.drift import DriftReport, compare_landmarks
from fpm_edge.accuracy.metrics import point_mask
from fpm_edge.data import Dataset, Record, RenderKey, read_image
from fpm_edge.data.images import picture_size
from fpm_edge.text.progress import progress_bar
from fpm_edge_runtime.bundle.schema import LandmarkSchema
from fpm_edge_runtime.stages.session import Session

if TYPE_CHECKING:
    from fpm_edge.model.kinds import NetworkConfig
    from fpm_edge.train.pipeline import Sample

__all__ = [
    "Predictions",
    "Truth",
    "drift_between",
    "predict_mean_shape",
    "predict_network",
    "predict_session",
    "truth_of",
]

_BATCH = 16


@dataclass(frozen=True, eq=False)
class Truth:
    """The annotations of a data set as arrays.

    Attributes:
        landmarks: (pictures, L, 2) float32, pixels of the picture.
        visibility: (pictures, L) int8.
        categories: of each picture.
    """

    landmarks: NDArray[np.float32]
    visibility: NDArray[np.int8]
    categories: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Predictions:
    """Answers for a data set, in its order.

    Attributes:
        landmarks: (pictures, stages, L, 2) float32, pixels of the picture.
        scores: (pictures, stages, L) float32.
        sizes: (pictures, 2) float64, width and height of the pictures, pixels.
    """

    landmarks: NDArray[np.float32]
    scores: NDArray[np.float32]
    sizes: NDArray[np.float64]


def truth_of(dataset: Dataset) -> Truth:
    """The annotations of `dataset`."""
    return Truth(
        landmarks=np.stack([record.landmarks for record in dataset.records]),
        visibility=np.stack([record.visibility for record in dataset.records]),
        categories=tuple(record.category for record in dataset.records),
    )


def predict_session(
    session: Session,
    dataset: Dataset,
    read: Callable[[Record], NDArray[np.uint8]] = read_image,
    advance: Callable[[], None] | None = None,
) -> Predictions:
    """Run a bundle's session on every record. Raises SchemaError where data and bundle differ in landmarks.

    Args:
        read: gives the picture of a record.
        advance: called after each picture; None for a progress bar of its own.
    """
    dataset.expect_landmarks(session.schema, "the bundle")
    landmarks, scores, sizes = [], [], []
    bar = progress_bar(f"running {session.engine}", len(dataset)) if advance is None else nullcontext(advance)
    with bar as step:
        for record in dataset.records:
            picture = read(record)
            results = list(session.stages(picture, box=record.box))
            landmarks.append([result.landmarks for result in results])
            scores.append([result.scores for result in results])
            sizes.append((picture.shape[1], picture.shape[0]))
            step()
    return Predictions(np.array(landmarks, np.float32), np.array(scores, np.float32), np.array(sizes, np.float64))


def predict_network(
    model: Callable[..., Any],
    config: "NetworkConfig",
    dataset: Dataset,
    sample: Callable[[int], "Sample"] | None = None,
) -> Predictions:
    """Run a float tf_keras network of any kind on every record, with the runtime's own pre-processing and decoding.

    Args:
        sample: gives the input of a record by its index; None reads it.
    """
    from fpm_edge.model.networks import network_for
    from fpm_edge.train.pipeline import load_sample

    dataset.expect_landmarks(config.schema, "the model")
    take = sample or (lambda index: load_sample(dataset, index, config))
    network = network_for(config)
    landmarks: list[Any] = []
    scores: list[Any] = []
    sizes: list[tuple[int, int]] = []
    with progress_bar("running the network", len(dataset)) as advance:
        for start in range(0, len(dataset), _BATCH):
            samples = [take(i) for i in range(start, min(start + _BATCH, len(dataset)))]
            outputs = model(np.stack([s.image for s in samples]).astype(np.float32) / 255.0, training=False)
            values = [output.numpy() for output in (outputs if isinstance(outputs, list) else [outputs])]
            points, heights = network.decode(config, values)
            landmarks.extend(sample.placement.to_picture(p) for sample, p in zip(samples, points, strict=True))
            scores.extend(heights)
            sizes.extend(sample.picture_size for sample in samples)
            advance(len(samples))
    return Predictions(np.array(landmarks, np.float32), np.array(scores, np.float32), np.array(sizes, np.float64))


def predict_mean_shape(training: Dataset, dataset: Dataset) -> Predictions:
    """Answer every picture with its category's mean shape in the training pictures: the floor to stand above.

    The mean is of coordinates divided by the picture's width and height, over labelled points; a landmark that the
    training pictures never label is put in the middle.
    """
    count = len(dataset.schema.landmarks)
    sums = {category: np.zeros((count, 3)) for category in dataset.schema.categories}
    for record in training.records:
        labelled = record.visibility >= 0
        if not labelled.any():
            continue  # A picture without a garment.
        size = _size_of(record)
        sums[record.category][labelled] += np.c_[record.landmarks[labelled] / size, np.ones(int(labelled.sum()))]
    means = {
        category: np.where(total[:, 2:] > 0, total[:, :2] / np.maximum(total[:, 2:], 1.0), 0.5)
        for category, total in sums.items()
    }
    sizes = np.array([_size_of(record) for record in dataset.records], np.float64)
    shapes = np.stack([means[record.category] for record in dataset.records])
    landmarks = (shapes * sizes[:, np.newaxis]).astype(np.float32)[:, np.newaxis]
    return Predictions(landmarks, np.zeros(landmarks.shape[:3], np.float32), sizes)


def _size_of(record: Record) -> tuple[int, int]:
    """(width, height) of a record's picture, without drawing or decoding it where that can be helped."""
    if isinstance(record.image, RenderKey):
        return record.image.size, record.image.size
    if isinstance(record.image, Path) and all(size := picture_size(record.image)):
        return size
    picture = read_image(record)
    return picture.shape[1], picture.shape[0]


def drift_between(
    found: Predictions,
    expected: Predictions,
    truth: Truth,
    schema: LandmarkSchema,
    points: Literal["labelled", "visible"] = "labelled",
) -> DriftReport:
    """Drift of the answers `found` from the float model's, `expected`, over the stages that both have.

    Raises DataError where there is no point to compare, or an answer that is not finite.
    """
    stages = min(found.landmarks.shape[1], expected.landmarks.shape[1])
    return compare_landmarks(
        found.landmarks[:, :stages],
        expected.landmarks[:, :stages],
        point_mask(truth.visibility, points),
        found.sizes,
        truth.landmarks,
        schema,
        truth.categories,
    )
