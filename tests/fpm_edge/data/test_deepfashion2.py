"""DeepFashion2's own form."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from commands import exit_code
from many_landmarks import SCHEMA, draw_deepfashion2, item_of
from PIL import Image

from fpm_edge.data import Dataset, ProblemKind, describe, load_dataset, read_to_the_end
from fpm_edge_runtime.errors import DataError, UsageError

BOX = (10, 20, 90, 80)


def write(folder: Path, name: str, document: object) -> None:
    for part in ("annos", "image"):
        (folder / part).mkdir(exist_ok=True)
    (folder / "annos" / f"{name}.json").write_text(document if isinstance(document, str) else json.dumps(document))
    Image.new("RGB", (100, 110)).save(folder / "image" / f"{name}.jpg")


def load(folder: Path, *items: object, **options: Any) -> Dataset:
    numbered = {f"item{number}": item for number, item in enumerate(items, 1)}
    write(folder, "000007", {"source": "user", "pair_id": 3, **numbered})
    return load_dataset(f"deepfashion2:{folder}", **options)


def test_items_are_records_with_their_boxes(tmp_path: Path) -> None:
    shirt, skirt = item_of("short_sleeve_outwear", BOX), item_of("skirt", (1, 2, 50, 60))
    dataset = load(tmp_path, shirt, skirt)
    assert dataset.schema == SCHEMA
    first, second = dataset.records
    assert (first.category, first.box, first.identifier) == ("short_sleeve_outwear", BOX, "image/000007.jpg")
    assert (second.category, second.box, second.identifier) == ("skirt", (1, 2, 50, 60), "image/000007.jpg#2")
    table = np.array(shirt["landmarks"]).reshape(-1, 3)
    mine = slice(58, 89)
    assert first.visibility[mine].tolist() == [{2: 1, 1: 0, 0: -1}[v] for v in table[:, 2].tolist()]
    labelled = table[:, 2] > 0
    assert first.landmarks[mine][labelled].tolist() == table[labelled, :2].tolist()
    assert (np.delete(first.visibility, np.arange(58, 89)) == -1).all()
    assert {0, 1, -1} == set(first.visibility[mine].tolist())


def test_all_categories_are_read_in_the_order_of_the_files(tmp_path: Path) -> None:
    draw_deepfashion2(tmp_path / "train", 26)
    seen: list[tuple[int, int]] = []
    dataset = load_dataset(
        f"deepfashion2:{tmp_path / 'train'}", progress=lambda done, total: seen.append((done, total))
    )
    assert (len(dataset), dataset.name) == (39, "train")
    assert set(describe(dataset).categories.values()) == {3}
    names = [record.identifier for record in dataset.records]
    assert names[:3] == ["image/000001.jpg", "image/000002.jpg", "image/000002.jpg#2"]
    assert seen[-1] == (26, 26)


def test_items_without_a_labelled_landmark_are_left_out_and_said(tmp_path: Path) -> None:
    dataset = load(tmp_path, item_of("skirt", BOX, landmarks=[0] * 24), item_of("shorts", BOX))
    assert [record.category for record in dataset.records] == ["shorts"]
    assert dataset.notes == ("1 items without a labelled landmark were left out",)


def changed(index: int, value: object) -> list[object]:
    landmarks: list[object] = list(item_of("skirt", BOX)["landmarks"])
    landmarks[index] = value
    return landmarks


BAD_ITEMS = {
    "no object": (None, "000007.json, item1: not an object"),
    "category": (item_of("skirt", BOX, category_id=14), r"item1: column category_id: 14; expected 1 to 13"),
    "category as text": (item_of("skirt", BOX, category_id="9"), "category_id: '9'; expected 1 to 13"),
    "contradiction": (item_of("skirt", BOX, category_id=7), "'skirt', and category_id is 7, which is shorts"),
    "25 for 31": (
        item_of("short_sleeve_outwear", BOX, landmarks=item_of("short_sleeve_top", BOX)["landmarks"]),
        "column landmarks: 75 numbers, 25 landmarks; expected 31 landmarks of short_sleeve_outwear, 93 numbers",
    ),
    "no landmarks": (item_of("skirt", BOX, landmarks=None), "column landmarks: None; expected a list of 24 numbers"),
    "a word": (item_of("skirt", BOX, landmarks=changed(3, "x")), "expected a list of 24 numbers"),
    "visibility": (item_of("skirt", BOX, landmarks=changed(2, 3)), "column skirt_1: v=3; expected 2"),
    "beyond the picture": (
        item_of("skirt", BOX, landmarks=changed(3, 140)),
        r"column skirt_2: x=140, .*outside the picture of 100 × 110",
    ),
    "no box": ({k: v for k, v in item_of("skirt", BOX).items() if k != "bounding_box"}, "column bounding_box: None"),
    "a box beside it": (item_of("skirt", BOX, bounding_box=[200, 1, 300, 20]), "covers no pixel"),
}


@pytest.mark.parametrize("case", BAD_ITEMS)
def test_a_bad_item_is_named_or_skipped(case: str, tmp_path: Path) -> None:
    bad, message = BAD_ITEMS[case]
    with pytest.raises(DataError, match=message) as caught:
        load(tmp_path, bad, item_of("trousers", BOX))
    assert str(tmp_path / "annos") + ", 000007.json, item1: " in str(caught.value)
    assert "\n" not in str(caught.value)
    assert str(caught.value).endswith("Use --skip-bad to skip such rows")
    dataset = load(tmp_path, bad, item_of("trousers", BOX), skip_bad=True)
    assert [record.category for record in dataset.records] == ["trousers"]
    assert len(dataset.skipped) == 1


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({"source": "user", "pair_id": 3}, "000001.json: no item1, but source, pair_id; expected item1, item2"),
        ([], "000001.json: no item1, but list; expected"),
        ("{", "000001.json: not valid JSON"),
    ],
)
def test_a_bad_file_is_named_or_skipped(document: object, message: str, tmp_path: Path) -> None:
    write(tmp_path, "000001", document)
    with pytest.raises(DataError, match=message):
        load(tmp_path, item_of("skirt", BOX))
    reading = read_to_the_end(f"deepfashion2:{tmp_path}")
    assert [problem.kind for problem in reading.problems] == [ProblemKind.MALFORMED_ROW]
    assert reading.dataset is not None
    assert len(reading.dataset) == 1


def test_a_missing_picture(tmp_path: Path) -> None:
    write(tmp_path, "000001", {"item1": item_of("skirt", BOX)})
    (tmp_path / "image/000001.jpg").unlink()
    with pytest.raises(DataError, match=r"the picture image/000001.jpg is missing"):
        load_dataset(f"deepfashion2:{tmp_path}")
    assert len(load_dataset(f"deepfashion2:{tmp_path}", check_images=False)) == 1


def test_the_folder_above_names_its_parts(tmp_path: Path) -> None:
    draw_deepfashion2(tmp_path / "train", 1)
    draw_deepfashion2(tmp_path / "validation", 1)
    with pytest.raises(DataError, match=r"name one of its parts: deepfashion2:.*train, deepfashion2:.*validation"):
        load_dataset(f"deepfashion2:{tmp_path}")


def test_another_schema_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="schema 'fashionai24' cannot be used with deepfashion2: files"):
        load(tmp_path, item_of("skirt", BOX), schema="fashionai24")
    assert exit_code("data", "check", f"deepfashion2:{tmp_path}", "--schema", "fashionai24") == 2
