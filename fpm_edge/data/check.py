"""What a data set holds: the numbers to look at before training on it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np

from fpm_edge.data.dataset import Dataset
from fpm_edge.data.mirror import mirrored_names, no_mirror_reason
from fpm_edge.data.nothing import NOTHING

__all__ = ["DataSummary", "LandmarkCount", "PairOrder", "describe", "pair_orders"]


@dataclass(frozen=True)
class LandmarkCount:
    """How often a landmark is labelled.

    Attributes:
        landmark: its name.
        expected: records whose category has it.
        visible, occluded: records that label it so; the rest do not.
        mirrored: what it is called in a mirror image.
    """

    landmark: str
    expected: int
    visible: int
    occluded: int
    mirrored: str


@dataclass(frozen=True)
class PairOrder:
    """On which side the first landmark of a flip pair is.

    Attributes:
        first, second: names of the pair.
        count: records that label both, at different x.
        first_is_left: share of them with the first further left in the picture; nan if there are none. Near 1 where
            left is the viewer's (FashionAI); near 0 where it is the person's, seen from the front. A share near
            0.5 means that left and right are mixed up.
    """

    first: str
    second: str
    count: int
    first_is_left: float


@dataclass(frozen=True)
class DataSummary:
    """Counts of a data set.

    Attributes:
        name, schema: of the data set.
        records: garments or persons.
        pictures: different pictures they are in.
        cropped: records with a box.
        categories: category → records, for every category of the schema, and "none" if there are such.
        landmarks: one a landmark, in the order of the schema.
        visible, occluded: labelled landmarks of all records.
        unlabelled: landmarks that a record's category has and the record does not label.
        pairs: one a flip pair.
        first_is_left: the share of `PairOrder` over all pairs; nan if there are none.
        no_mirror: why training makes no mirror images; None where it does.
        skipped: bad rows skipped.
        notes: of the reader.
    """

    name: str
    schema: str
    records: int
    pictures: int
    cropped: int
    categories: dict[str, int]
    landmarks: tuple[LandmarkCount, ...]
    visible: int
    occluded: int
    unlabelled: int
    pairs: tuple[PairOrder, ...]
    first_is_left: float
    no_mirror: str | None
    skipped: int
    notes: tuple[str, ...]


def describe(dataset: Dataset) -> DataSummary:
    """Count what `dataset` holds. Reads no pictures."""
    schema, records = dataset.schema, dataset.records
    visibility = np.stack([record.visibility for record in records])
    counts = Counter(record.category for record in records)
    expected = np.zeros(len(schema.landmarks), np.int64)
    for category, count in counts.items():
        expected[list(schema.categories.get(category, ()))] += count
    visible, occluded = (visibility == 1).sum(axis=0), (visibility == 0).sum(axis=0)
    pairs, mirrored = pair_orders(dataset), mirrored_names(schema)
    lefts = sum(round(pair.first_is_left * pair.count) for pair in pairs if pair.count)
    both = sum(pair.count for pair in pairs)
    return DataSummary(
        name=dataset.name,
        schema=schema.name,
        records=len(records),
        pictures=len({record.photograph for record in records}),
        cropped=sum(record.box is not None for record in records),
        categories={name: counts[name] for name in (*schema.categories, *({NOTHING} & set(counts)))},
        landmarks=tuple(
            LandmarkCount(name, int(expected[i]), int(visible[i]), int(occluded[i]), mirrored[i])
            for i, name in enumerate(schema.landmarks)
        ),
        visible=int(visible.sum()),
        occluded=int(occluded.sum()),
        unlabelled=int((expected - visible - occluded).sum()),
        pairs=pairs,
        first_is_left=_share(lefts, both),
        no_mirror=no_mirror_reason(schema),
        skipped=len(dataset.skipped),
        notes=dataset.notes,
    )


def pair_orders(dataset: Dataset) -> tuple[PairOrder, ...]:
    """On which sides the landmarks of each flip pair are."""
    schema = dataset.schema
    points = np.stack([record.landmarks for record in dataset.records])
    visibility = np.stack([record.visibility for record in dataset.records])
    pairs = []
    for first, second in enumerate(schema.flip):
        if first < second:
            labelled = (visibility[:, first] >= 0) & (visibility[:, second] >= 0)
            ahead = (points[:, second, 0] - points[:, first, 0])[labelled]
            left, count = int((ahead > 0).sum()), int((ahead != 0).sum())
            pairs.append(PairOrder(schema.landmarks[first], schema.landmarks[second], count, _share(left, count)))
    return tuple(pairs)


def _share(part: int, whole: int) -> float:
    return part / whole if whole else float("nan")
