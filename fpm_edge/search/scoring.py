"""NE and drift of files in engines, on more pictures from rung to rung."""

from collections.abc import Callable, Collection
from dataclasses import replace

import numpy as np

from fpm_edge.accuracy.kept_pictures import KeptPictures
from fpm_edge.accuracy.predict import Predictions, Truth, drift_between, predict_session
from fpm_edge.convert import gate
from fpm_edge.data import Dataset
from fpm_edge.report.accuracy import truth_to_count
from fpm_edge.search.space import File
from fpm_edge.search.trial import PartBound, Score
from fpm_edge_runtime import DataError, Session

__all__ = ["Scorer"]

_Key = tuple[File, str]


class Scorer:
    """Runs sessions on the first pictures of a data set, each picture once for each file and engine."""

    def __init__(self, dataset: Dataset, part_budget: float, reference: _Key) -> None:
        """Args:
        dataset: pictures with true landmarks, in the order in which rungs take them.
        part_budget: for landmarks and categories, to find the worst of them.
        reference: the float model that everything is compared with; all its stages must have been run on a picture
            before anything is scored on it.
        """
        self._dataset = dataset
        self._truth = truth_to_count(dataset)
        self._part_budget = part_budget
        self._reference = reference
        self._found: dict[_Key, Predictions] = {}
        self._read = KeptPictures()

    def missing(self, key: _Key, pictures: int) -> int:
        """How many of the first `pictures` have not been run yet."""
        return pictures - (len(self._found[key].sizes) if key in self._found else 0)

    def run(self, key: _Key, session: Session, pictures: int, advance: Callable[[], None]) -> None:
        """Run what is missing of the first `pictures`, in a session that has the same stages each time."""
        done = pictures - self.missing(key, pictures)
        if done >= pictures:
            return
        new = predict_session(session, self._dataset.subset(range(done, pictures)), self._read, advance)
        self._found[key] = _joined(self._found[key], new) if key in self._found else new

    def scores(self, key: _Key, pictures: int, stages: Collection[int]) -> list[Score]:
        """Accuracy on the first `pictures` after so many stages.

        Raises:
            DataError: none of these pictures has a labelled landmark, or the float model makes no error on them.
        """
        expected = _last_stage(_first(self._found[self._reference], pictures))
        found = _first(self._found[key], pictures)
        truth = Truth(
            self._truth.landmarks[:pictures], self._truth.visibility[:pictures], self._truth.categories[:pictures]
        )
        return [self._score(found, expected, truth, pictures, number) for number in sorted(stages)]

    def _score(self, found: Predictions, expected: Predictions, truth: Truth, pictures: int, number: int) -> Score:
        report = drift_between(_stage(found, number), expected, truth, self._dataset.schema)
        (overall,) = report.stages
        if overall.relative_drift is None or overall.converted_ne is None or overall.float_ne is None:
            raise DataError(
                f"the float model makes no error on {pictures} pictures of {self._dataset.name}, so there is no drift "
                "relative to it; search on pictures that are harder, or more of them"
            )
        parts = list(gate.held_parts(report, self._part_budget))
        worst = max(parts, key=lambda part: part.drift.upper, default=None)
        return Score(
            stages=number,
            pictures=pictures,
            ne=overall.converted_ne,
            reference_ne=overall.float_ne,
            drift=overall.relative_drift,
            worst_part=None if worst is None else PartBound(worst.name, worst.drift.upper),
        )


def _joined(one: Predictions, other: Predictions) -> Predictions:
    return Predictions(
        np.concatenate([one.landmarks, other.landmarks]),
        np.concatenate([one.scores, other.scores]),
        np.concatenate([one.sizes, other.sizes]),
    )


def _first(found: Predictions, pictures: int) -> Predictions:
    return Predictions(found.landmarks[:pictures], found.scores[:pictures], found.sizes[:pictures])


def _stage(found: Predictions, number: int) -> Predictions:
    return replace(
        found, landmarks=found.landmarks[:, number - 1 : number], scores=found.scores[:, number - 1 : number]
    )


def _last_stage(found: Predictions) -> Predictions:
    return _stage(found, found.landmarks.shape[1])
