"""Landmarks that can be right but seldom are: sides mixed up, points in the corner, distances of nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from fpm_edge.data.check import PairOrder, pair_orders
from fpm_edge.data.dataset import Dataset
from fpm_edge.data.problems import Problem, ProblemKind

__all__ = ["suspicious"]

# Share of a pair's first landmark on the left: between the two, sides are mixed up.
_MIXED = (0.1, 0.9)
# Annotators do click on the border; more than this share of all landmarks there are clipped, not clicked.
_BORDER_SHARE = 0.01
# Two clicks on the same spot differ by as much, pixels.
_CLOSEST = 2.0


def suspicious(dataset: Dataset, sizes: Mapping[str, tuple[int, int]] | None = None) -> Iterator[Problem]:
    """What somebody should look at. All are warnings.

    Args:
        dataset: any.
        sizes: `Record.photograph` → (width, height), as far as known; without, only the left and top borders are.
    """
    points = np.stack([record.landmarks for record in dataset.records])
    labelled = np.stack([record.visibility for record in dataset.records]) >= 0
    yield from _mixed_sides(dataset, pair_orders(dataset))
    at_origin = labelled & (points == 0).all(axis=2)
    yield from _each(dataset, at_origin, ProblemKind.AT_ORIGIN, "labelled, but at (0, 0); expected v = -1 or a place")
    yield from _on_border(dataset, points, labelled & ~at_origin, sizes or {})
    yield from _normalizers(dataset, points, labelled)


def _mixed_sides(dataset: Dataset, pairs: Sequence[PairOrder]) -> Iterator[Problem]:
    known = [pair for pair in pairs if pair.count]
    usual = float(np.median([pair.first_is_left for pair in known])) if known else 0.0
    for pair in known:
        said = f"{pair.first} is left of {pair.second} in {pair.first_is_left:.1%} of {pair.count} records"
        if _MIXED[0] < pair.first_is_left < _MIXED[1]:
            message = f"{said}; expected nearly all or nearly none, unless many are seen from behind"
        elif abs(usual - pair.first_is_left) > _MIXED[1]:
            message = f"{said}, the other way round than the other pairs"
        else:
            continue
        yield Problem(ProblemKind.MIXED_SIDES, dataset.name, "", pair.first, message)


def _on_border(
    dataset: Dataset, points: NDArray[np.float32], labelled: NDArray[np.bool_], sizes: Mapping[str, tuple[int, int]]
) -> Iterator[Problem]:
    # Where the size is not known, no landmark is on the far border.
    far = np.array([sizes.get(record.photograph, (np.inf, np.inf)) for record in dataset.records])[:, np.newaxis]
    on_border = labelled & ((points == 0) | (points == far - 1) | (points == far)).any(axis=2)
    share = on_border.sum() / max(1, labelled.sum())
    if share > _BORDER_SHARE:
        message = f"exactly on the border, as {share:.1%} of all are; were they clipped to the picture?"
        yield from _each(dataset, on_border, ProblemKind.ON_BORDER, message)


def _normalizers(dataset: Dataset, points: NDArray[np.float32], labelled: NDArray[np.bool_]) -> Iterator[Problem]:
    names = dataset.schema.landmarks
    for row, record in enumerate(dataset.records):
        if record.category not in dataset.schema.normalizers:
            continue
        first, second = dataset.schema.normalizers[record.category]
        if not labelled[row, [first, second]].all():
            absent = names[first if not labelled[row, first] else second]
            message = "not labelled, so that the contest's NE is not defined here"
            yield Problem(ProblemKind.NO_NORMALIZER, dataset.name, record.identifier, absent, message)
        elif (distance := float(np.hypot(*(points[row, first] - points[row, second])))) < _CLOSEST:
            message = f"{distance:.3g} px from {names[second]}, by which the contest's NE is divided"
            yield Problem(ProblemKind.DEGENERATE_NORMALIZER, dataset.name, record.identifier, names[first], message)


def _each(dataset: Dataset, where: NDArray[np.bool_], kind: ProblemKind, message: str) -> Iterator[Problem]:
    """One problem for each landmark of each record that is marked."""
    for row, landmark in np.argwhere(where):
        identifier, name = dataset.records[row].identifier, dataset.schema.landmarks[landmark]
        yield Problem(kind, dataset.name, identifier, name, message)
