"""COCO key points."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from fpm_edge.data import Dataset, Problem, ProblemKind, load_dataset
from fpm_edge_runtime.bundle.schema_file import load_schema
from fpm_edge_runtime.errors import DataError, UsageError

NAMES = [name.replace("_", " ").title() for name in load_schema("deepfashion8").landmarks]
# Eight points at (10, 11), (20, 21), …, all visible.
POINTS = [value for x in range(10, 90, 10) for value in (x, x + 1, 2)]


def annotation(number: int = 1, **fields: Any) -> dict[str, Any]:
    return {"id": number, "image_id": 7, "category_id": 1, "keypoints": POINTS, "bbox": [5, 6, 80, 70], **fields}


def points(*codes: int) -> list[int]:
    """POINTS with other visibilities, and zeros where that is 0."""
    return [v for i, code in enumerate(codes) for v in ((10 * i + 10, 10 * i + 11, code) if code else (0, 0, 0))]


def load(
    folder: Path,
    *annotations: Any,
    names: list[str] = NAMES,
    category: str = "fashion",
    more: Sequence[str] = (),
    **options: Any,
) -> Dataset:
    Image.new("RGB", (100, 110)).save(folder / "a.png")
    document = {
        "images": [{"id": number, "file_name": name} for number, name in enumerate(["a.png", *more], 7)],
        "categories": [{"id": 1, "name": category, "keypoints": names}],
        "annotations": annotations,
    }
    (folder / "set.json").write_text(json.dumps(document))
    return load_dataset(f"coco:{folder / 'set.json'}", **options)


def test_names_are_matched_and_visibility_is_translated(tmp_path: Path) -> None:
    dataset = load(tmp_path, annotation(keypoints=points(2, 1, 0, 2, 2, 1, 2, 2)))
    assert dataset.schema.name == "deepfashion8"
    (record,) = dataset.records
    assert record.visibility.tolist() == [1, 0, -1, 1, 1, 0, 1, 1]
    assert record.landmarks[:3].tolist() == [[10, 11], [20, 21], [-1, -1]]
    assert record.category == "full_body"
    assert dataset.name == "set"


def test_names_in_another_order_with_others_between(tmp_path: Path) -> None:
    values = [*POINTS[21:], 1, 1, 2, *(v for i in range(6, -1, -1) for v in POINTS[3 * i : 3 * i + 3])]
    dataset = load(tmp_path, annotation(keypoints=values), names=[NAMES[7], "nose", *NAMES[6::-1]])
    assert dataset.records[0].landmarks.tolist() == [[x, x + 1] for x in range(10, 90, 10)]


def test_by_order_only_where_no_name_is_the_schemas(tmp_path: Path) -> None:
    numbered = [str(i) for i in range(8)]
    dataset = load(tmp_path, annotation(), names=numbered, schema="deepfashion8")
    assert dataset.records[0].landmarks[7].tolist() == [80, 81]
    assert "matched to schema 'deepfashion8' by order" in " ".join(dataset.notes)
    with pytest.raises(DataError, match="no keypoints right_hem of schema 'deepfashion8'"):
        load(tmp_path, annotation(), names=[*NAMES[:7], "hem"], schema="deepfashion8")
    with pytest.raises(UsageError, match="those of no shipped schema"):
        load(tmp_path, annotation(), names=numbered)


@pytest.mark.parametrize(
    ("codes", "category", "note"),
    [
        ((2, 2, 2, 2, 2, 2, 2, 2), "full_body", "derived"),
        ((2, 0, 0, 0, 0, 1, 0, 0), "full_body", "derived"),
        ((2, 2, 2, 2, 0, 0, 2, 2), "upper_body", "derived"),
        ((0, 0, 0, 0, 2, 2, 2, 2), "lower_body", "derived"),
        ((0, 0, 0, 0, 0, 0, 2, 2), "full_body", "stay open"),
    ],
)
def test_category_from_what_is_labelled(tmp_path: Path, codes: tuple[int, ...], category: str, note: str) -> None:
    dataset = load(tmp_path, annotation(keypoints=points(*codes)))
    assert dataset.records[0].category == category
    assert note in " ".join(dataset.notes)


def test_category_named_by_the_file(tmp_path: Path) -> None:
    dataset = load(tmp_path, annotation(keypoints=points(0, 0, 0, 0, 2, 2, 2, 2)), category="Full Body")
    assert dataset.records[0].category == "full_body"
    assert dataset.notes == ()
    with pytest.raises(DataError, match=r"column left_collar: .*no such landmark for lower_body"):
        load(tmp_path, annotation(), category="lower_body")


def test_bbox_is_the_crop(tmp_path: Path) -> None:
    assert load(tmp_path, annotation()).records[0].box == (5, 6, 85, 76)
    assert load(tmp_path, annotation(), crop=False).records[0].box is None
    assert load(tmp_path, annotation(bbox=None)).records[0].box is None


def test_crowds_and_empty_annotations_are_left_out_and_said(tmp_path: Path) -> None:
    empty = annotation(2, num_keypoints=0, keypoints=[0] * 24)
    dataset = load(tmp_path, annotation(), empty, annotation(3, iscrowd=1))
    assert len(dataset) == 1
    assert dataset.skipped == ()
    assert "2 annotations of crowds or without key points were left out" in dataset.notes


def test_several_garments_in_one_picture(tmp_path: Path) -> None:
    dataset = load(tmp_path, annotation(1), annotation(2, bbox=[6, 6, 80, 70]))
    assert [record.identifier for record in dataset.records] == ["a.png", "a.png#2"]


def test_the_same_garment_is_the_same_picture_and_place_not_the_same_id(tmp_path: Path) -> None:
    problems: list[Problem] = []
    Image.new("RGB", (100, 110)).save(tmp_path / "b.png")
    same, elsewhere, twice = annotation(1), annotation(1, image_id=8), annotation(5)
    dataset = load(tmp_path, same, elsewhere, same, twice, more=["b.png"], skip_bad=True, on_problem=problems.append)
    assert [record.identifier for record in dataset.records] == ["a.png", "b.png"]
    assert [(problem.kind, problem.where) for problem in problems] == [
        (ProblemKind.SAME_ID, "annotations[1]"),
        (ProblemKind.DUPLICATE_ROW, "annotations[2]"),
        (ProblemKind.DUPLICATE_ROW, "annotations[3]"),
    ]
    assert ProblemKind.SAME_ID.is_warning
    assert "1 annotations with the id of another one were read all the same" in " ".join(dataset.notes)


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ("text", "not an object"),
        (annotation(2, image_id=8), "column image_id: 8; expected the id of an image"),
        (annotation(2, image_id=[1]), "column image_id: "),
        (annotation(2, category_id=9), "column category_id: 9"),
        (annotation(2, keypoints=POINTS[1:]), "column keypoints: .*list of 24 numbers"),
        (annotation(2, keypoints=["1", *POINTS[1:]]), "column keypoints: .*list of 24 numbers"),
        (annotation(2, keypoints=[10**400, *POINTS[1:]]), "column keypoints: an integer beyond"),
        (annotation(2, keypoints=[float("nan"), *POINTS[1:]]), "column left_collar: .*finite"),
        (annotation(2, keypoints=[10, 10, 3, *POINTS[3:]]), "column left_collar: v=3; expected 2"),
        (annotation(2, keypoints=[10, 10, 1.5, *POINTS[3:]]), "column left_collar: v=1.5; expected 2"),
        (annotation(2, keypoints=[200, 10, 2, *POINTS[3:]]), "column left_collar: .*outside the picture"),
        (annotation(2, keypoints=[0] * 24), "no landmark is labelled"),
        (annotation(2, bbox=[1, 2, 3]), "column bbox: .*list of 4"),
        (annotation(2, bbox=[5, 5, -4, 10]), "column box: .*covers no pixel"),
        (annotation(2, bbox=[200, 5, 10, 10]), "column box: .*covers no pixel"),
        (annotation(2, bbox=[5, 5, float("inf"), float("nan")]), "column box: .*covers no pixel"),
        (annotation(1), r"is in annotations\[0\] already"),
    ],
)
def test_bad_annotations(tmp_path: Path, bad: object, message: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        load(tmp_path, annotation(), bad)
    assert "set.json, annotations[1]: " in str(caught.value)
    dataset = load(tmp_path, annotation(), bad, skip_bad=True)
    assert (len(dataset), len(dataset.skipped)) == (1, 1)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"images": [', "not valid JSON"),
        ("[" * 100_000, "not valid JSON"),
        ("[]", "a JSON list; expected an object"),
        ('{"images": [], "annotations": []}', "'categories' is missing"),
        ('{"images": [{}], "annotations": [], "categories": []}', r"images\[0\]: no id"),
        ('{"images": [{"id": 1}, {"id": 1}], "annotations": [], "categories": []}', "id 1 occurs twice"),
        (
            '{"images": [], "annotations": [{"category_id": 1}], "categories": [{"id": 1, "keypoints": 5}]}',
            "names its keypoints",
        ),
    ],
)
def test_damaged_files(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "bad.json").write_text(content)
    with pytest.raises(DataError, match=message) as caught:
        load_dataset(f"coco:{tmp_path / 'bad.json'}")
    assert "bad.json" in str(caught.value)
