"""A data set: records that share one landmark schema."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from fpm_edge.data.record import Record
from fpm_edge.text.names import text_name
from fpm_edge_runtime.bundle.schema import LandmarkSchema
from fpm_edge_runtime.errors import DataError, SchemaError

__all__ = ["Dataset", "EmptyDatasetError", "Sampled"]


class EmptyDatasetError(DataError):
    """Not one record was good, or is left."""


@dataclass(frozen=True)
class Sampled:
    """Records at the end of a data set of which an epoch of training takes some only.

    Attributes:
        count: of the records.
        each: how many of them an epoch takes.
    """

    count: int
    each: int


@dataclass(frozen=True, eq=False)
class Dataset:
    """Records in the order of their file.

    Attributes:
        records: at least one.
        schema: names the L landmarks of every record.
        name: short, for tables and reports; says nothing about where the data set is stored.
        skipped: one line for each bad row that was skipped, with file, line, column and reason.
        notes: what the reader had to decide (how key points were matched, annotations without landmarks).
        sampled: the last records, in groups of which an epoch of training takes some (`mixing.mixed`).
    """

    records: tuple[Record, ...]
    schema: LandmarkSchema
    name: str
    skipped: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    sampled: tuple[Sampled, ...] = ()

    def __post_init__(self) -> None:
        if not self.records:
            skipped = (
                f" ({len(self.skipped)} bad rows were skipped, the first: {self.skipped[0]})" if self.skipped else ""
            )
            raise EmptyDatasetError(f"data set {self.name!r} has no records{skipped}; expected at least one")
        # Often a folder's, and goes into manifests, records of runs and reports.
        object.__setattr__(self, "name", text_name(self.name))

    def __len__(self) -> int:
        return len(self.records)

    def expect_landmarks(self, schema: LandmarkSchema, owner: str) -> None:
        """Raise SchemaError where the landmarks are not those of `owner`, for example "the model"."""
        if self.schema.landmarks != schema.landmarks:
            raise SchemaError(
                f"data {self.name} has schema {self.schema.name!r}, {owner} {schema.name!r}; use data with the same "
                "landmarks"
            )

    def subset(self, indices: Iterable[int] | None = None, *, categories: Collection[str] | None = None) -> Dataset:
        """The records at `indices` (all if None, in the order given) that are of one of `categories` (any if None).

        None of them is `sampled`.

        Raises:
            DataError: an index is outside 0..n−1, or nothing is left.
            SchemaError: a category that the schema does not have.
        """
        chosen = self.records
        if indices is not None:
            wanted = [int(index) for index in indices]
            outside = [index for index in wanted if not 0 <= index < len(self.records)]
            if outside:
                raise DataError(f"data set {self.name!r}: index {outside[0]} is outside 0..{len(self.records) - 1}")
            chosen = tuple(self.records[index] for index in wanted)
        if categories is not None:
            for category in categories:
                self.schema.landmarks_of(category)
            chosen = tuple(record for record in chosen if record.category in categories)
            if not chosen:
                raise DataError(f"data set {self.name!r} has no records of {', '.join(sorted(categories))}")
        return replace(self, records=chosen, sampled=())

    @cached_property
    def digest(self) -> str:
        """SHA-256 of every annotation in order, for manifests. Pixels are not part of it, nor is the folder."""
        total = hashlib.sha256("\0".join((self.schema.name, *self.schema.landmarks)).encode())
        for record in self.records:
            total.update(f"\0{record.identifier}\0{record.category}\0{record.box}\0".encode())
            total.update(record.landmarks.astype(np.dtype("<f4")).tobytes())
            total.update(record.visibility.tobytes())
        return total.hexdigest()
