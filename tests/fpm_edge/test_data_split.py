"""Splits hold back whole photographs."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fpm_edge.data import Dataset, Record, file_digest, split_dataset, split_listed
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


def listed(folder: Path, *lines: str) -> Path:
    path = folder / "held.txt"
    path.write_text("\n".join(lines))
    return path


def test_a_list_holds_back_all_garments_of_the_photographs_that_it_names(tmp_path: Path) -> None:
    path = listed(tmp_path, "# by contributor", "3.jpg", "", "  7.jpg#1 ", "3.jpg")
    train, held = split_listed(dataset(), path)
    assert {record.identifier.partition("#")[0] for record in held.records} == {"3.jpg", "7.jpg"}
    assert (len(held), len(train)) == (6, 54)
    assert (train.name, held.name) == ("made up (train)", "made up (held back)")


def test_the_digest_of_a_list_is_that_of_what_it_holds_back(tmp_path: Path) -> None:
    first = file_digest(listed(tmp_path, "3.jpg", "7.jpg"))
    assert first == file_digest(listed(tmp_path, "# the same", "7.jpg", "3.jpg", "7.jpg"))
    assert first != file_digest(listed(tmp_path, "3.jpg"))


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (
            ["3.jpg", "x.jpg", "y.jpg"],
            r"2 of 3 pictures are not in 'made up', the first: 'x.jpg'; expected .* '0.jpg#0'",
        ),
        (["# nothing"], "names no picture"),
        ([f"{number}.jpg" for number in range(20)], "holds back 20 photographs of 'made up', which leaves one side"),
    ],
)
def test_a_list_that_cannot_be_meant_is_refused(tmp_path: Path, lines: list[str], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        split_listed(replace(dataset(), skipped=()), listed(tmp_path, *lines))


def test_a_list_may_name_what_was_skipped(tmp_path: Path) -> None:
    _, held = split_listed(dataset(), listed(tmp_path, "3.jpg", "bad.jpg"))
    assert len(held) == 3
    assert "1 of 2 pictures are of no record that could be used, the first: 'bad.jpg'" in held.notes[-1]
    with pytest.raises(UsageError, match="2 of 3"):
        split_listed(dataset(), listed(tmp_path, "3.jpg", "bad.jpg", "worse.jpg"))


def test_a_list_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"none\.txt: cannot be read: No such file"):
        split_listed(dataset(), tmp_path / "none.txt")
