"""Splits hold back whole photographs."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fpm_edge.data import Dataset, Record, split_dataset
from fpm_edge_runtime.errors import UsageError
from fpm_edge_runtime.schema import load_schema

SCHEMA = load_schema("deepfashion8")


def dataset(photographs: int = 20, garments: int = 3, folder: str = "/data") -> Dataset:
    """Every photograph shows several garments, not next to each other in the file."""
    records = tuple(
        Record(
            Path(folder) / f"{photograph}.jpg",
            "full_body",
            np.zeros((8, 2), np.float32),
            np.ones(8, np.int8),
            f"{photograph}.jpg#{garment}",
        )
        for garment in range(garments)
        for photograph in range(photographs)
    )
    return Dataset(records, SCHEMA, "made up", skipped=("one",))


def names(part: Dataset) -> list[str]:
    return [record.identifier for record in part.records]


@pytest.mark.parametrize(("holdout", "held"), [(1, 1), (5, 5), (19, 19), (0.25, 5), (0.5, 10)])
def test_no_photograph_is_on_both_sides(holdout: float, held: int) -> None:
    whole = dataset()
    train, test = split_dataset(whole, holdout, seed=0)
    train_pictures = {record.image for record in train.records}
    test_pictures = {record.image for record in test.records}
    assert not train_pictures & test_pictures
    assert len(test_pictures) == held
    assert len(test) == 3 * held
    assert sorted(names(train) + names(test)) == sorted(names(whole))
    # The order of the file is kept.
    assert names(train) == [name for name in names(whole) if name in set(names(train))]


def test_the_seed_decides_and_nothing_else() -> None:
    first = names(split_dataset(dataset(), 5, seed=1)[1])
    assert first == names(split_dataset(dataset(), 5, seed=1)[1])
    assert first == names(split_dataset(dataset(folder="/elsewhere"), 5, seed=1)[1])
    assert first != names(split_dataset(dataset(), 5, seed=2)[1])
    shuffled = dataset().subset(np.random.default_rng(0).permutation(60))
    assert set(first) == set(names(split_dataset(shuffled, 5, seed=1)[1]))


@pytest.mark.parametrize("holdout", [0, 20, -1, 0.0, 1.0, 1.5, 0.01, 0.99])
def test_both_sides_need_a_photograph(holdout: float) -> None:
    with pytest.raises(UsageError, match="20 photographs of 'made up'; expected 1 to 19"):
        split_dataset(dataset(), holdout, seed=0)


def test_parts_keep_the_schema_and_are_named() -> None:
    train, test = split_dataset(replace(dataset(), notes=("said",)), 5, seed=0)
    assert (train.name, test.name) == ("made up (train)", "made up (held back)")
    assert train.schema is SCHEMA
    assert test.notes == ("said",)
