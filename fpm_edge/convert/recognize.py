"""Fit the rules by which a bundle recognises garments to what its own file finds (`Manifest.recognition`)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from fpm_edge.accuracy.metrics import point_mask
from fpm_edge.accuracy.predict import Predictions, predict_session, truth_of
from fpm_edge.data import NOTHING, Dataset, Record, load_dataset
from fpm_edge_calibration import Scored, fit_categories, fit_confidences, why_no_categories, why_no_confidences
from fpm_edge_runtime import LandmarkSchema, Session
from fpm_edge_runtime.bundle.recognition import Recognition
from fpm_edge_runtime.errors import UsageError
from fpm_edge_runtime.pixels.metrics import normalized_error

__all__ = ["DEFAULT_NOTHING", "Recognizing", "fit_recognition", "joined", "load_nothing", "scores_of"]

DEFAULT_NOTHING = "backdrops:100@211"
"""Pictures without a garment where none are given; the seed is of no other part of the project."""


@dataclass(frozen=True)
class Recognizing:
    """Rules for recognising garments, if any could be fitted, and why others could not."""

    recognition: Recognition | None
    notes: tuple[str, ...] = ()


def load_nothing(specs: Sequence[str], schema: LandmarkSchema) -> Dataset:
    """All pictures of these specs; of `DEFAULT_NOTHING` if there are none.

    Raises:
        UsageError: there are garments among them.
        Others as `load_dataset`.
    """
    datasets = [load_dataset(spec, schema=schema) for spec in specs or (DEFAULT_NOTHING,)]
    for spec, dataset in zip(specs, datasets, strict=False):
        for record in dataset.records:
            if record.category != NOTHING:
                raise UsageError(
                    f"--nothing {spec}: {record.identifier} is {record.category}; expected pictures without a garment, "
                    "such as nothing:DIR"
                )
    return joined(datasets)


def joined(datasets: Sequence[Dataset]) -> Dataset:
    """The records of several data sets of the same landmarks, one after another."""
    first, *others = datasets
    if not others:
        return first
    records = tuple(record for dataset in datasets for record in dataset.records)
    return replace(first, records=records, name=", ".join(dataset.name for dataset in datasets), sampled=())


def fit_recognition(
    session: Session,
    found: Predictions,
    scored: Dataset,
    nothing: Callable[[], Dataset],
    read: Callable[[Record], NDArray[np.uint8]],
) -> Recognizing:
    """Rules for every stage of a session.

    Args:
        session: of the converted file.
        found: its answers for `scored`.
        scored: garments that training never saw.
        nothing: gives pictures without a garment; asked only where the garments are enough for a rule.
        read: gives the picture of a record.
    """
    notes = []
    truth, schema = truth_of(scored), session.schema
    garments = scores_of(scored, found)
    # What the garments are enough for is known without drawing a backdrop.
    why = why_no_categories(truth.categories, len(truth.categories), schema)
    categories = None
    if why is None:
        empty = nothing()
        why = why_no_categories(truth.categories, len(empty), schema)
        if why is None:
            categories = fit_categories(garments, scores_of(empty, predict_session(session, empty, read)), schema)
            missing = [name for name in schema.categories if name not in categories.names]
            if missing:
                notes.append(f"the rule for categories does not know {', '.join(missing)}: not in the scoring data")
    if why is not None:
        notes.append(f"no rule for categories: {why}")
    mask = point_mask(truth.visibility, "labelled")
    confidences, why = None, why_no_confidences(int(mask.sum()))
    if why is None:
        errors = np.stack(
            [
                normalized_error(found.landmarks[:, stage], truth.landmarks, found.sizes)
                for stage in range(found.landmarks.shape[1])
            ],
            axis=1,
        )
        confidences = fit_confidences(garments, errors, mask)
    else:
        notes.append(f"no confidences: {why}")
    recognition = Recognition(categories, confidences) if categories or confidences else None
    return Recognizing(recognition, tuple(notes))


def scores_of(dataset: Dataset, found: Predictions) -> Scored:
    """What the converted file found in these pictures."""
    return Scored(
        dataset.name,
        found.scores,
        tuple(record.category for record in dataset.records),
        tuple(record.photograph for record in dataset.records),
    )
