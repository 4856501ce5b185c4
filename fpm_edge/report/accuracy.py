"""What every variant answers on the data, and how far that is from the truth and from the float model."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from fpm_edge.accuracy.bootstrap import bootstrap_intervals
from fpm_edge.accuracy.drift import DriftReport
from fpm_edge.accuracy.evaluate import Evaluation, evaluate
from fpm_edge.accuracy.kept_pictures import KeptPictures
from fpm_edge.accuracy.metrics import point_mask
from fpm_edge.accuracy.predict import Predictions, Truth, drift_between, predict_session, truth_of
from fpm_edge.data import Dataset
from fpm_edge.report.plan import Candidate, Entry, float_engine
from fpm_edge_runtime import DataError, Session
from fpm_edge_runtime.bundle.manifest import Interval
from fpm_edge_runtime.pixels.metrics import normalized_error

__all__ = ["Accuracy", "Answers", "counts_of", "picture_means", "pooled_intervals", "score", "truth_to_count"]

_Key = tuple[str, str]


@dataclass(frozen=True)
class Accuracy:
    """One variant's accuracy.

    Attributes:
        evaluation: NE of every stage, landmark, category and group.
        drift: from the float model; None without one.
        ne: of every stage, with bounds over pictures.
    """

    evaluation: Evaluation
    drift: DriftReport | None
    ne: tuple[Interval, ...]


def truth_to_count(dataset: Dataset) -> Truth:
    """The annotations, with every landmark that a picture's category does not have taken as not labelled.

    Raises:
        DataError: no landmark is labelled.
    """
    truth = truth_of(dataset)
    of_category = np.zeros(truth.visibility.shape, np.bool_)
    for row, category in enumerate(truth.categories):
        of_category[row, list(dataset.schema.landmarks_of(category))] = True
    visibility = np.where(of_category, truth.visibility, -1).astype(np.int8)
    if not (visibility >= 0).any():
        raise DataError(f"data set {dataset.name!r} has no labelled landmarks; a report needs pictures with labels")
    return replace(truth, visibility=visibility)


class Answers:
    """Predictions of bundles in engines on one data set, each made once."""

    def __init__(self, dataset: Dataset, threads: int) -> None:
        self._dataset = dataset
        self._threads = threads
        self._read = KeptPictures()
        self._found: dict[_Key, Predictions] = {}

    def of(self, candidate: Candidate) -> Predictions:
        """What the candidate answers. Raises SchemaError where data and bundle differ in landmarks."""
        return self._get(candidate.entry, candidate.session.engine, candidate.session)

    def of_reference(self, candidate: Candidate) -> Predictions | None:
        """What the candidate's float model answers."""
        entry = candidate.reference
        return None if entry is None else self._get(entry, float_engine(entry.bundle), None)

    def _get(self, entry: Entry, engine: str, session: Session | None) -> Predictions:
        key = (entry.label, engine)
        if key not in self._found:
            loaded = session or entry.bundle.session(engine, threads=self._threads)
            self._found[key] = predict_session(loaded, self._dataset, self._read)
        return self._found[key]


def score(found: Predictions, expected: Predictions | None, truth: Truth, dataset: Dataset) -> Accuracy:
    """Accuracy of the predictions, and their drift from `expected` over the stages that both have."""
    evaluation = evaluate(found, truth, dataset.schema, dataset.name)
    drift = None if expected is None else drift_between(found, expected, truth, dataset.schema)
    return Accuracy(evaluation, drift, ne_intervals(found, truth))


def ne_intervals(found: Predictions, truth: Truth) -> tuple[Interval, ...]:
    """The NE of every stage over the labelled points, with 95 % bounds of a bootstrap over pictures."""
    mask = point_mask(truth.visibility, "labelled")
    stages = found.landmarks.shape[1]
    errors = [normalized_error(found.landmarks[:, stage], truth.landmarks, found.sizes) for stage in range(stages)]
    return pooled_intervals(errors, mask)


def pooled_intervals(errors: Sequence[NDArray[np.float64]], mask: NDArray[np.bool_]) -> tuple[Interval, ...]:
    """The mean of each of `errors` over the points of `mask`, with 95 % bounds of a bootstrap over pictures.

    Args:
        errors: each (pictures, landmarks).
        mask: (pictures, landmarks), with a point in at least one picture.
    """
    sums = np.stack([np.where(mask, error, 0.0).sum(axis=1) for error in errors], axis=1)
    counts = np.repeat(mask.sum(axis=1, keepdims=True), len(errors), axis=1)
    return bootstrap_intervals(sums, counts)


def picture_means(errors: NDArray[np.float64], mask: NDArray[np.bool_]) -> NDArray[np.float64]:
    """(pictures,) mean error over the points of `mask`; NaN for pictures without one.

    Args:
        errors, mask: (pictures, landmarks).
    """
    counts = mask.sum(axis=1)
    means = np.where(mask, errors, 0.0).sum(axis=1) / np.maximum(counts, 1)
    return np.where(counts > 0, means, np.nan)


def counts_of(names: tuple[str, ...]) -> Mapping[str, int]:
    """How often each name occurs, in the order of first occurrence."""
    return {name: names.count(name) for name in dict.fromkeys(names)}
