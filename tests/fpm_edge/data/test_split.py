"""Splits hold back whole photographs."""

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fpm_edge.data import Dataset, Record, file_digest, load_dataset, split_dataset, split_listed
from fpm_edge.data.photographs import photograph_names
from fpm_edge_runtime.bundle.schema_file import load_schema
from fpm_edge_runtime.errors import UsageError

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


@pytest.mark.parametrize(("holdout", "held"), [(1, 1), (5, 5), (19, 19), (0.25, 4), (0.5, 13)])
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


def photographs(part: Dataset) -> set[str]:
    return {record.identifier.partition("#")[0] for record in part.records}


def test_a_split_is_the_same_for_ever() -> None:
    """Models of earlier versions were measured on what these seeds hold back."""
    five = {"3.jpg", "4.jpg", "6.jpg", "15.jpg", "19.jpg"}
    assert photographs(split_dataset(dataset(), 5, seed=0)[1]) == five
    assert photographs(split_dataset(dataset(), 0.25, seed=0)[1]) == five - {"19.jpg"}
    named = [replace(record, identifier=f"Größe {record.identifier}") for record in dataset(garments=1).records]
    held = split_dataset(Dataset(tuple(named), SCHEMA, "named"), 2, seed=7)[1]
    assert photographs(held) == {"Größe 1.jpg", "Größe 15.jpg"}


@pytest.mark.parametrize("lost", range(20))
def test_losing_a_photograph_moves_no_other_but_the_next(lost: int) -> None:
    """Read backwards: nor does adding one."""
    whole = dataset()
    fewer = whole.subset(i for i, name in enumerate(names(whole)) if not name.startswith(f"{lost}.jpg"))
    gone = {f"{lost}.jpg"}
    before, after = (photographs(split_dataset(data, 0.5, seed=1)[1]) for data in (whole, fewer))
    assert before - gone == after
    before, after = (photographs(split_dataset(data, 5, seed=1)[1]) for data in (whole, fewer))
    assert before - gone <= after
    assert len(after) == 5
    # One that was held back before stays so with one fewer to hold back.
    if gone <= before:
        assert photographs(split_dataset(fewer, 4, seed=1)[1]) == before - gone


def test_names_with_a_number_sign_and_names_that_are_not_utf_8() -> None:
    """Only a garment's own number is left out of a name; bytes that are no text are written as Python writes them."""
    ends = ("a#b.jpg", "a#c.jpg", "a#b.jpg#2", os.fsdecode(b"caf\xe9.jpg"), os.fsdecode(b"caf\xe8.jpg"))
    records = [
        replace(record, identifier=name, image=Path("/data") / name.removesuffix("#2"))
        for record, name in zip(dataset(5, 1).records, ends, strict=True)
    ]
    whole = Dataset(tuple(records), SCHEMA, "odd")
    assert photograph_names(whole) == ("a#b.jpg", "a#c.jpg", "a#b.jpg", r"caf\udce9.jpg", r"caf\udce8.jpg")
    _, held = split_dataset(whole, 3, seed=0)
    assert len(set(photograph_names(held))) == 3


def test_one_file_under_two_names_is_one_photograph() -> None:
    first, second, other = dataset(3, 1).records
    whole = Dataset((first, replace(second, image=first.image), other), SCHEMA, "twice")
    assert photograph_names(whole) == ("0.jpg", "0.jpg", "2.jpg")
    assert len(split_dataset(whole, 1, seed=0)[0]) + len(split_dataset(whole, 1, seed=0)[1]) == 3


def test_drawn_pictures_are_told_apart_by_seed_and_not_by_size() -> None:
    small, large, other = (load_dataset(f"rendered:3@{end}") for end in ("7/64", "7/96", "8/64"))
    assert photograph_names(small) == photograph_names(large) == tuple(f"rendered/7/{i}" for i in range(3))
    assert not set(photograph_names(small)) & set(photograph_names(other))
    assert photograph_names(load_dataset("backdrops:1@7")) == ("backdrops/7/0",)


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


def test_a_list_may_name_pictures_with_a_number_sign(tmp_path: Path) -> None:
    records = dataset(3, 1).records
    named = tuple(
        replace(record, identifier=name, image=Path(name))
        for record, name in zip(records, ("a#b.jpg", "a#c.jpg", "d.jpg"), strict=True)
    )
    _, held = split_listed(Dataset(named, SCHEMA, "signs"), listed(tmp_path, "a#b.jpg"))
    assert names(held) == ["a#b.jpg"]
    with pytest.raises(UsageError, match="1 of 1 pictures are not in"):
        split_listed(Dataset(named, SCHEMA, "signs"), listed(tmp_path, "a"))


def test_a_list_may_name_what_was_skipped(tmp_path: Path) -> None:
    _, held = split_listed(dataset(), listed(tmp_path, "3.jpg", "bad.jpg"))
    assert len(held) == 3
    assert "1 of 2 pictures are of no record that could be used, the first: 'bad.jpg'" in held.notes[-1]
    with pytest.raises(UsageError, match="2 of 3"):
        split_listed(dataset(), listed(tmp_path, "3.jpg", "bad.jpg", "worse.jpg"))


def test_a_list_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"none\.txt: cannot be read: No such file"):
        split_listed(dataset(), tmp_path / "none.txt")
