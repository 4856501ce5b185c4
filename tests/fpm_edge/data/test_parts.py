"""FashionAI's parts: found, selected, kept apart; and the paper's experiment on them."""

import gzip
import os
from pathlib import Path

import pytest
from PIL import Image

from fpm_edge.data import Problem, ProblemKind, load_dataset, paper_split
from fpm_edge.data.paper import CONTEST, PUBLISHED, SplitSizes
from fpm_edge.data.parts import find_parts
from fpm_edge_runtime.bundle.schema_file import load_schema
from fpm_edge_runtime.errors import DataError, UsageError

LANDMARKS = load_schema("fashionai24").landmarks
HEADER = ["image_id", "image_category", *LANDMARKS]
OFFICIAL = {
    "train": "fashionAI_key_points_train_20180222",
    "warmup": "fashionAI_key_points_warm_up_train_20180222",
    "test_a": "fashionAI_key_points_test_a_20180227",
    "test_b": "round1_fashionAI_key_points_testB",
}


def row(name: str, category: str = "blouse") -> str:
    point = "waistband_left" if category in ("skirt", "trousers") else "armpit_left"
    cells = [f"Images/{category}/{name}.jpg", category]
    return ",".join([*cells, *("3_4_1" if landmark == point else "-1_-1_-1" for landmark in LANDMARKS)])


def part(folder: Path, *rows: str, file: str = "Annotations/data.csv", header: str = ",".join(HEADER)) -> Path:
    path = folder / file
    path.parent.mkdir(parents=True, exist_ok=True)
    content = "\n".join([header, *rows]) + "\n"
    path.write_bytes(gzip.compress(content.encode()) if file.endswith(".gz") else content.encode())
    return folder


@pytest.fixture
def contest(tmp_path: Path) -> Path:
    """Four parts with the contest's names; t2 and t4 are in a test part too."""
    part(tmp_path / OFFICIAL["train"], row("t1"), row("t2"), row("t3", "trousers"), row("t4", "skirt"), row("t5"))
    part(tmp_path / OFFICIAL["warmup"], row("w1"), row("w2", "dress"), file="train/Annotations/annotations.csv")
    part(tmp_path / OFFICIAL["test_a"], row("a1", "dress"), row("t2"), row("a3", "outwear"), file="answer.csv.gz")
    lists = [f"Images/skirt/{name}.jpg,skirt" for name in ("b1", "t4")]
    part(tmp_path / OFFICIAL["test_b"], *lists, file="test.csv", header="image_id,image_category")
    return tmp_path


def names(spec: str) -> list[str]:
    return [Path(record.identifier).stem for record in load_dataset(spec, check_images=False).records]


def test_parts_are_found_by_their_names(contest: Path) -> None:
    parts = find_parts(contest)
    assert list(parts) == ["train", "warmup", "test_a", "test_b"]
    for name, found in parts.items():
        assert OFFICIAL[name] in found.annotations.parts
    assert [found.labelled for found in parts.values()] == [True, True, True, False]


@pytest.mark.parametrize(
    ("folder", "name"),
    [
        ("train", "train"),
        ("Train_Set", "train"),
        ("warmup", "warmup"),
        ("WARM-UP train", "warmup"),
        ("testA", "test_a"),
        ("round1_test_a_train_form", "test_a"),
        ("test-b", "test_b"),
        ("testset", None),
    ],
)
def test_tolerant_names(folder: str, name: str | None, tmp_path: Path) -> None:
    part(tmp_path / folder, row("x"))
    assert list(find_parts(tmp_path)) == ([] if name is None else [name])


def test_without_a_selection_the_training_parts_are_read(contest: Path) -> None:
    assert names(f"fashionai:{contest}") == ["t1", "t3", "t5", "w1", "w2"]
    dataset = load_dataset(f"fashionai:{contest}", check_images=False)
    assert dataset.name == f"{contest.name} (train+warmup)"
    assert dataset.notes == (
        "1 rows of train were left out, as their pictures are in test_a too",
        "1 rows of train were left out, as their pictures are in test_b too",
    )


@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        ("train", ["t1", "t3", "t5"]),
        ("warmup", ["w1", "w2"]),
        ("test_a", ["a1", "t2", "a3"]),
        ("warmup+train", ["w1", "w2", "t1", "t3", "t5"]),
        ("train+test_a", ["t1", "t3", "t5", "a1", "t2", "a3"]),
    ],
)
def test_selected_parts(contest: Path, selection: str, expected: list[str]) -> None:
    assert names(f"fashionai:{contest}#{selection}") == expected


def test_rows_left_out_are_reported_with_their_place(contest: Path) -> None:
    seen: list[Problem] = []
    load_dataset(f"fashionai:{contest}", check_images=False, on_problem=seen.append)
    assert [(problem.kind, problem.where) for problem in seen] == [
        (ProblemKind.TESTED_TOO, "line 3"),
        (ProblemKind.TESTED_TOO, "line 5"),
    ]
    assert all(OFFICIAL["train"] in problem.source for problem in seen)


def test_pictures_are_found_in_their_part(contest: Path) -> None:
    for name in ("train", "warmup"):
        below = contest / OFFICIAL[name] / ("train" if name == "warmup" else "")
        for file in [row.split(",")[0] for row in (row("t1"), row("t3", "trousers"), row("t5"), row("w1"))]:
            (below / file).parent.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (20, 20)).save(below / file)
    dataset = load_dataset(f"fashionai:{contest}#train")
    assert all(str(record.image).startswith(str(contest / OFFICIAL["train"])) for record in dataset.records)
    with pytest.raises(DataError, match=r"annotations\.csv, line 3: the picture Images/dress/w2\.jpg is missing"):
        load_dataset(f"fashionai:{contest}#warmup")


def test_the_same_garment_in_two_training_parts_is_refused(contest: Path) -> None:
    part(contest / OFFICIAL["warmup"], row("w1"), row("t5"), file="train/Annotations/annotations.csv")
    with pytest.raises(DataError, match=r"annotations\.csv, line 3: .*t5\.jpg, blouse is in .*data\.csv, line 6 al"):
        load_dataset(f"fashionai:{contest}", check_images=False)


def test_a_part_that_is_not_there_lists_what_is(contest: Path, tmp_path: Path) -> None:
    for file in (contest / OFFICIAL["warmup"]).rglob("*.csv"):
        file.unlink()
    with pytest.raises(DataError) as caught:
        load_dataset(f"fashionai:{contest}#train+warmup", check_images=False)
    for said in ("no part warmup", "train (", "test_a (", OFFICIAL["warmup"]):
        assert said in str(caught.value)
    with pytest.raises(DataError, match="no part train; found the parts: none; among the folders: none"):
        load_dataset(f"fashionai:{contest / OFFICIAL['train'] / 'Annotations'}#train")
    with pytest.raises(DataError, match="nowhere: no such folder"):
        load_dataset(f"fashionai:{tmp_path / 'nowhere'}#train")


def test_only_test_parts_must_be_selected(tmp_path: Path) -> None:
    part(tmp_path / "test_a", row("a1"))
    with pytest.raises(DataError, match=r"no part train or warmup; found the parts: test_a .*such as #test_a"):
        load_dataset(f"fashionai:{tmp_path}")
    assert names(f"fashionai:{tmp_path}#test_a") == ["a1"]


def test_a_list_without_landmarks_cannot_be_selected(contest: Path) -> None:
    with pytest.raises(DataError, match=r"test\.csv: a list of pictures without landmarks"):
        load_dataset(f"fashionai:{contest}#test_b")


@pytest.mark.parametrize("selection", ["val", "train+val", "", "train+train", "train,warmup"])
def test_a_selection_of_no_parts(contest: Path, selection: str) -> None:
    with pytest.raises(UsageError, match=r"selects no parts; expected one or more of train, warmup, test_a, test_b"):
        load_dataset(f"fashionai:{contest}#{selection}")


def test_two_folders_for_one_part(contest: Path) -> None:
    part(contest / "train_2", row("x"))
    with pytest.raises(UsageError, match="train_20180222 and train_2 could be the part train"):
        load_dataset(f"fashionai:{contest}")


def test_two_files_for_one_part(contest: Path) -> None:
    part(contest / OFFICIAL["train"], row("x"), file="Annotations/more.csv")
    with pytest.raises(UsageError, match=r"several annotation files .*data\.csv, Annotations/more\.csv"):
        load_dataset(f"fashionai:{contest}")


def test_a_folder_with_a_hash_in_its_name_and_one_of_its_own_set(tmp_path: Path) -> None:
    own = part(tmp_path / "set#train", row("x"), file="annotations.csv")
    assert names(f"fashionai:{own}") == ["x"]
    part(own / "train", row("y"))
    assert names(f"fashionai:{own}") == ["x"]
    assert names(f"fashionai:{own}#train") == ["y"]


def test_the_papers_experiment(contest: Path) -> None:
    split = paper_split(f"fashionai:{contest}", check_images=False)
    found = [[Path(r.identifier).stem for r in data.records] for data in (split.train, split.validation, split.test)]
    assert found == [["t1", "t3", "t5"], ["w1", "w2"], ["a1", "t2"]]
    assert split.actual == SplitSizes(3, 2, 2)
    assert split.published == SplitSizes(18420, 8107, 5076)
    assert split.train.name == "FPM paper, train"


def test_the_papers_experiment_needs_the_parts(contest: Path, tmp_path: Path) -> None:
    for spec in ("rendered:20", f"fashionai:{contest / OFFICIAL['train']}", f"fashionai:{contest}#train"):
        with pytest.raises(UsageError, match=r"has no part train, warmup, test_a; .*found: none"):
            paper_split(spec)
    part(tmp_path / "some/train", row("x"))
    with pytest.raises(UsageError, match=r"has no part warmup, test_a; .*found: train"):
        paper_split(f"fashionai:{tmp_path / 'some'}")


@pytest.mark.skipif("FPM_EDGE_DATA" not in os.environ, reason="FPM_EDGE_DATA not set")
def test_real_sizes(tmp_path: Path) -> None:
    data = Path(os.environ["FPM_EDGE_DATA"]) / "fashionai_annotations"
    for name in ("train", "warmup", "test_a"):
        (tmp_path / OFFICIAL[name] / "Annotations").mkdir(parents=True)
        (tmp_path / OFFICIAL[name] / "Annotations" / "all.csv.gz").symlink_to(data / f"{name}_24col.csv.gz")
    split = paper_split(f"fashionai:{tmp_path}", check_images=False)
    assert split.train.notes == ("366 rows of train were left out, as their pictures are in test_a too",)
    # 199 of the 366 are blouses, trousers or dresses.
    assert split.actual == SplitSizes(CONTEST.train - 199, CONTEST.validation, CONTEST.test)
    assert SplitSizes(PUBLISHED.train - 3, PUBLISHED.validation - 3, 5976 - 3) == CONTEST
    tested = {Path(record.identifier).name for record in split.test.records}
    assert tested.isdisjoint({Path(record.identifier).name for record in split.train.records})
    both = load_dataset(f"fashionai:{tmp_path}", check_images=False)
    assert len(both) == 31631 - 366 + 12534
