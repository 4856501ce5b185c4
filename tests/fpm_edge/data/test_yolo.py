"""Pose labels of YOLO: data.yaml, images, labels."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from commands import exit_code
from PIL import Image

from fpm_edge.data import Dataset, describe, load_dataset
from fpm_edge_runtime.errors import DataError, UsageError

# Four key points of a picture of 200 × 100, as shares; visible, occluded, not labelled, visible.
POINTS = ["0.25 0.2 2", "0.75 0.2 1", "0 0 0", "0.5 0.9 2"]
ROW = "0 0.5 0.5 0.8 0.9 " + " ".join(POINTS)
FLAT = "0 0.5 0.5 0.8 0.9 0.25 0.2 0.75 0.2 0 0 0.5 0.9"
YAML: dict[str, Any] = {
    "path": "../datasets/skirts",
    "train": "images/train",
    "val": "images/val",
    "test": None,
    "kpt_shape": [4, 3],
    "flip_idx": [1, 0, 3, 2],
    "names": {0: "skirt"},
}


def lay_out(folder: Path, *rows: str, split: str = "train", **changes: Any) -> Path:
    """A data set of one picture with these rows; changes to the YAML file of None leave the key out."""
    for part in ("images", "labels"):
        (folder / part / split).mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (200, 100)).save(folder / f"images/{split}/a.png")
    (folder / f"labels/{split}/a.txt").write_text("\n".join(rows) + "\n")
    document = {key: value for key, value in {**YAML, **changes}.items() if value is not None}
    file = folder / "data.yaml"
    file.write_text(yaml.safe_dump(document))
    return file


def load(
    folder: Path, *rows: str, split: str = "train", schema: Any = None, skip_bad: bool = False, **changes: Any
) -> Dataset:
    file = lay_out(folder, *rows, split=split, **changes)
    return load_dataset(f"yolo:{file}" + ("" if split == "train" else f"#{split}"), schema=schema, skip_bad=skip_bad)


def test_shares_become_pixels_and_the_schema_is_that_of_the_file(tmp_path: Path) -> None:
    dataset = load(tmp_path, ROW)
    (record,) = dataset.records
    assert record.landmarks.tolist() == [[50, 20], [150, 20], [-1, -1], [100, 90]]
    assert record.visibility.tolist() == [1, 0, -1, 1]
    assert record.box == pytest.approx((20, 5, 180, 95))
    assert (record.category, record.identifier) == ("skirt", "images/train/a.png")
    schema = dataset.schema
    assert (schema.name, schema.landmarks) == ("data", ("kp_0", "kp_1", "kp_2", "kp_3"))
    assert (schema.flip, schema.categories) == ((1, 0, 3, 2), {"skirt": (0, 1, 2, 3)})
    assert (dataset.name, dataset.notes) == ("data (train)", ())


def test_without_visibility_zeros_and_negatives_are_not_labelled(tmp_path: Path) -> None:
    dataset = load(tmp_path, FLAT, FLAT.replace("0.25 0.2", "-0.005 0.2"), kpt_shape=[4, 2])
    assert [record.visibility.tolist() for record in dataset.records] == [[1, 1, -1, 1], [-1, 1, -1, 1]]
    assert any(note.startswith("3 key points at 0 0 or left of") for note in dataset.notes)


def test_names_of_key_points_and_the_other_splits(tmp_path: Path) -> None:
    names = ["waist_left", "waist_right", "hem_left", "hem_right"]
    dataset = load(tmp_path, ROW, split="val", kpt_names={0: names})
    assert dataset.schema.landmarks == tuple(names)
    assert dataset.records[0].identifier == "images/val/a.png"
    with pytest.raises(UsageError, match=r"there is no split 'test'; it has #train, #val"):
        load_dataset(f"yolo:{tmp_path / 'data.yaml'}#test")


def test_several_classes_are_categories(tmp_path: Path) -> None:
    dataset = load(tmp_path, ROW, "1" + ROW[1:], names=["skirt", "dress"])
    assert describe(dataset).categories == {"skirt": 1, "dress": 1}
    assert dataset.records[1].identifier == "images/train/a.png#2"


TOML = """
name = "mine"
landmarks = ["a", "b", "c", "d"]
flip_pairs = [["a", "b"], ["c", "d"]]
[categories]
skirt = ["a", "b", "c", "d"]
long_dress = ["a", "b", "c", "d"]
"""


def test_a_schema_is_matched_by_name_or_by_order(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(TOML)
    schema = tmp_path / "mine.toml"
    dataset = load(tmp_path, ROW, schema=schema, names=["Long Dress"])
    assert dataset.records[0].category == "long_dress"
    assert dataset.notes == ("key points were matched to schema 'mine' by order, not by name",)
    dataset = load(tmp_path, ROW, schema=schema, kpt_names=["d", "c", "b", "a"])
    assert dataset.records[0].landmarks.tolist() == [[100, 90], [-1, -1], [150, 20], [50, 20]]
    assert dataset.notes == ()
    with pytest.raises(DataError, match=r"data.yaml has no keypoints d of schema 'mine'; it has: a, b, c, e"):
        load(tmp_path, ROW, schema=schema, kpt_names=["a", "b", "c", "e"])
    with pytest.raises(UsageError, match=r"its classes \(0 hat, 1 shoe\) are no categories of schema 'mine' \(skirt, "):
        load(tmp_path, ROW, schema=schema, names=["hat", "shoe"])
    with pytest.raises(UsageError, match="kpt_shape says 4 key points, schema 'fashionai24' has 24 landmarks"):
        load(tmp_path, ROW, schema="fashionai24")
    assert exit_code("data", "check", f"yolo:{tmp_path / 'data.yaml'}", "--schema", "fashionai24") == 2
    several = ["skirt", "hat"]
    with pytest.raises(DataError, match=r"column class: 1 \(hat\) is no category of schema 'mine', which has skirt, "):
        load(tmp_path, "1" + ROW[1:], schema=schema, names=several)
    assert len(load(tmp_path, ROW, "1" + ROW[1:], schema=schema, names=several, skip_bad=True)) == 1


BAD_ROWS = {
    "columns": (ROW + " 1", r"labels/train/a.txt, line 1: 18 columns; expected 17: class, 4 of the box, and 4 × 3"),
    "a box alone": ("0 0.5 0.5 0.8 0.9", "5 columns; expected 17"),
    "a word": (ROW.replace("0.75", "x"), "column 9: 'x' is not a finite number"),
    "not a number": (ROW.replace("0.75", "nan"), "column 9: 'nan' is not a finite number"),
    "class": ("3" + ROW[1:], r"column class: 3; the classes are 0 skirt \(names\)"),
    "half a class": ("0.5" + ROW[1:], "column class: 0.5"),
    "pixels": (ROW.replace("0.25 0.2", "50 20"), "column kp_0: x=50, y=20; expected shares of the picture"),
    "beyond": (ROW.replace("0.25 0.2", "1.2 0.2"), "column kp_0: x=240, y=20, v=1; .*outside the picture of 200 × 100"),
    "visibility": (ROW.replace("0.9 2", "0.9 3"), "column kp_3: v=3; expected 2"),
    "box": (ROW.replace("0.8 0.9 ", "0 0 "), "covers no pixel"),
    "twice": (ROW + "\n" + ROW, "line 2: images/train/a.png, skirt is in .*line 1 already"),
}


@pytest.mark.parametrize("case", BAD_ROWS)
def test_a_bad_row_is_named_or_skipped(case: str, tmp_path: Path) -> None:
    bad, message = BAD_ROWS[case]
    other = ROW.replace("0.25 0.2", "0.3 0.3")
    with pytest.raises(DataError, match=message) as caught:
        load(tmp_path, bad, other)
    assert str(caught.value).startswith(f"{tmp_path / 'data.yaml'}, labels/train/a.txt, line ")
    assert "\n" not in str(caught.value)
    dataset = load(tmp_path, bad, other, skip_bad=True)
    assert len(dataset) == (2 if case == "twice" else 1)
    assert len(dataset.skipped) == 1


BAD_FILES: dict[str, tuple[dict[str, Any], str]] = {
    "no kpt_shape": ({"kpt_shape": None}, r"no kpt_shape; expected kpt_shape: \[K, 2\] or \[K, 3\]"),
    "kpt_shape": ({"kpt_shape": [4, 4]}, r"kpt_shape is \[4, 4\]"),
    "kpt_shape of words": ({"kpt_shape": "4, 3"}, "kpt_shape is 4, 3"),
    "flip_idx": ({"flip_idx": [1, 2, 3, 0]}, "flip_idx is .*partners that name each other"),
    "flip_idx too short": ({"flip_idx": [1, 0]}, "expected each of 0 to 3 once"),
    "names": ({"names": None}, "names is None; expected the names of the classes"),
    "names from one": ({"names": {1: "skirt"}}, "names is .*numbered from 0"),
    "names twice": ({"names": ["a", "a"]}, "has a class twice"),
    "kpt_names": ({"kpt_names": {0: ["a"]}}, "kpt_names is not 4 names"),
    "train": ({"train": 7}, "train is 7; expected a folder"),
    "no pictures": ({"train": "nowhere"}, "the pictures of train are missing; looked for .*nowhere"),
    "an empty folder": ({"train": "labels"}, "no picture in .*labels"),
}


@pytest.mark.parametrize("case", BAD_FILES)
def test_a_bad_data_yaml(case: str, tmp_path: Path) -> None:
    changes, message = BAD_FILES[case]
    with pytest.raises(DataError, match=message) as caught:
        load(tmp_path, ROW, **changes)
    assert "\n" not in str(caught.value)
    assert exit_code("data", "check", f"yolo:{tmp_path / 'data.yaml'}") == 1


def test_what_is_no_yaml(tmp_path: Path) -> None:
    file = tmp_path / "data.yaml"
    for text, message in (
        ("a: [", "not valid YAML"),
        ("- a", "a YAML list; expected keys"),
        ("!!python/object:os.x {}", "not valid YAML"),
    ):
        file.write_text(text)
        with pytest.raises(DataError, match=message) as caught:
            load_dataset(f"yolo:{file}")
        assert "\n" not in str(caught.value)


def test_classes_by_number_where_the_file_only_counts_them(tmp_path: Path) -> None:
    assert tuple(load(tmp_path, ROW, names=None, nc=2).schema.categories) == ("class_0", "class_1")


def test_what_is_left_out_or_assumed_is_said(tmp_path: Path) -> None:
    occluded = ROW.replace(" 2 ", " 1 ")[:-1] + "1"
    zeros = "0 0.5 0.5 0.8 0.9" + " 0 0 0" * 4
    lay_out(tmp_path, occluded, zeros, flip_idx=None)
    Image.new("RGB", (20, 20)).save(tmp_path / "images/train/nothing.png")
    dataset = load_dataset(f"yolo:{tmp_path / 'data.yaml'}")
    assert len(dataset) == 1
    said = " | ".join(dataset.notes)
    assert "no flip_idx, so training makes no mirror images" in said
    assert "1 objects without a labelled key point were left out" in said
    assert "1 pictures without a label file, or with an empty one, were left out" in said
    assert "3 key points have v = 1 and none has 2" in said


def test_labels_that_are_all_missing(tmp_path: Path) -> None:
    file = lay_out(tmp_path, ROW)
    (tmp_path / "labels/train/a.txt").unlink()
    with pytest.raises(
        DataError, match=r"not one of the 1 pictures of train has a label file; expected for .*labels/train/a.txt"
    ):
        load_dataset(f"yolo:{file}")


def test_lists_of_pictures_and_several_folders(tmp_path: Path) -> None:
    lay_out(tmp_path, ROW)
    file = lay_out(tmp_path, ROW, split="val", train=["images/train", "list.txt"])
    (tmp_path / "list.txt").write_text("./images/val/a.png\nimages/val/b.png\n")
    with pytest.raises(DataError, match=r"labels/val/b.txt: the picture .*b.png is missing"):
        load_dataset(f"yolo:{file}")
    dataset = load_dataset(f"yolo:{file}", skip_bad=True)
    assert [record.identifier for record in dataset.records] == ["images/train/a.png", "images/val/a.png"]


def test_a_folder_that_is_named_from_one_above(tmp_path: Path) -> None:
    """Roboflow writes ../train/images into the data.yaml that lies beside train."""
    file = lay_out(tmp_path, ROW, path=None, train="../train/images")
    (tmp_path / "train").mkdir()
    (tmp_path / "images/train").rename(tmp_path / "train/images")
    (tmp_path / "labels/train").rename(tmp_path / "train/labels")
    (record,) = load_dataset(f"yolo:{file}").records
    assert record.identifier == "train/images/a.png"
    assert np.array_equal(record.landmarks[0], [50, 20])


def test_pictures_that_share_a_label_file_are_refused_naming_both(tmp_path: Path) -> None:
    file = lay_out(tmp_path, ROW)
    Image.new("RGB", (100, 200)).save(tmp_path / "images/train/a.jpg")
    Image.new("RGB", (200, 100)).save(tmp_path / "images/train/b.png")
    (tmp_path / "labels/train/b.txt").write_text(ROW + "\n")
    with pytest.raises(DataError, match=r"labels/train/a.txt: these are the labels of .*a.jpg and of .*a.png; "):
        load_dataset(f"yolo:{file}")
    dataset = load_dataset(f"yolo:{file}", skip_bad=True)
    assert [record.identifier for record in dataset.records] == ["images/train/b.png"]
    assert len(dataset.skipped) == 2
