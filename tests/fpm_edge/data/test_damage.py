"""Any damage to one row of a good file never changes what other rows say."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from fpm_edge.data import Dataset, Problem, ProblemKind, Record, load_dataset
from fpm_edge_runtime.bundle.schema_file import load_schema
from fpm_edge_runtime.errors import DataError

SCHEMA = load_schema("deepfashion8")
ROWS = 5
SIDE = 40

# Writes a data set in which row `number` is what `damage` makes of it, and returns its spec.
Damage: TypeAlias = Callable[[bytes], bytes]
Form: TypeAlias = Callable[[Path, int, Damage], str]


def point(row: int, landmark: int) -> tuple[int, int]:
    return 2 + row, 3 + landmark


def lines(path: Path, head: list[str], rows: list[str], number: int, damage: Damage) -> None:
    """Write a text file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    content = [row.encode() for row in rows]
    content[number] = damage(content[number])
    path.write_bytes(b"".join(line + b"\n" for line in (*(line.encode() for line in head), *content)))


def lsp(folder: Path, number: int, damage: Damage) -> str:
    joints = load_schema("lsp14").landmarks
    cells = [["{}_{}_1".format(*point(row, i)) for i in range(len(joints))] for row in range(ROWS)]
    rows = [",".join([f"pictures/{row}.png", *cells[row]]) for row in range(ROWS)]
    lines(folder / "joints.csv", [",".join(["image", *joints])], rows, number, damage)
    return f"lsp:{folder}"


def fashionai(folder: Path, number: int, damage: Damage) -> str:
    schema = load_schema("fashionai24")
    rows = []
    for row in range(ROWS):
        has = schema.categories["skirt"]
        cells = ["{}_{}_1".format(*point(row, i)) if i in has else "-1_-1_-1" for i in range(24)]
        rows.append(",".join([f"pictures/{row}.png", "skirt", *cells]))
    lines(
        folder / "annotations.csv", [",".join(["image_id", "image_category", *schema.landmarks])], rows, number, damage
    )
    return f"fashionai:{folder}"


def deepfashion(folder: Path, number: int, damage: Damage) -> str:
    parts = ("visibility", "location_x", "location_y")
    header = " ".join(["image_name clothes_type", *(f"landmark_{part}_{i}" for i in range(1, 9) for part in parts)])
    cells = [" ".join("0 {} {}".format(*point(row, i)) for i in range(6)) for row in range(ROWS)]
    rows = [f"pictures/{row}.png 1 {cells[row]}" for row in range(ROWS)]
    lines(folder / "list_landmarks.txt", [str(ROWS), header], rows, number, damage)
    return f"deepfashion:{folder}"


def yolo(folder: Path, number: int, damage: Damage) -> str:
    # All rows are of one picture: they share a file.
    document = {"train": "images", "kpt_shape": [2, 2], "flip_idx": [1, 0], "names": ["skirt"]}
    (folder / "data.yaml").write_text(yaml.safe_dump(document))
    (folder / "images").mkdir(exist_ok=True)
    Image.new("RGB", (SIDE, SIDE)).save(folder / "images/a.png")
    rows = [f"0 0.5 0.5 0.{row + 2} 0.5 0.{row + 1} 0.25 0.5 0.{row + 1}" for row in range(ROWS)]
    lines(folder / "labels/a.txt", [], rows, number, damage)
    return f"yolo:{folder / 'data.yaml'}"


def deepfashion2(folder: Path, number: int, damage: Damage) -> str:
    (folder / "annos").mkdir(exist_ok=True)
    count = len(load_schema("deepfashion2").categories["skirt"])
    for row in range(ROWS):
        values = [value for i in range(count) for value in (*point(row, i), 2)]
        item = {"category_id": 9, "bounding_box": [1, 1, 30, 30], "landmarks": values}
        content = json.dumps({"item1": item}).encode()
        (folder / f"annos/{row}.json").write_bytes(damage(content) if row == number else content)
    return f"deepfashion2:{folder}"


def coco(folder: Path, damaged: dict[int, Any]) -> str:
    names = SCHEMA.landmarks
    document = {
        "images": [
            {"id": row, "file_name": f"pictures/{row}.png", "width": SIDE, "height": SIDE} for row in range(ROWS)
        ],
        "categories": [{"id": 1, "name": "full_body", "keypoints": names}],
        "annotations": [damaged.get(row, annotation(row)) for row in range(ROWS)],
    }
    (folder / "set.json").write_text(json.dumps(document))
    return f"coco:{folder / 'set.json'}"


def good_coco(folder: Path, number: int, damage: Damage) -> str:
    return coco(folder, {})


def annotation(row: int) -> dict[str, Any]:
    points = [value for i in range(8) for value in (*point(row, i), 2)]
    return {"id": row, "image_id": row, "category_id": 1, "keypoints": points, "bbox": [1, 1, 30, 30]}


def content(record: Record) -> tuple[object, ...]:
    """All that a record says, but for its number in its picture."""
    return record.photograph, record.category, record.landmarks.tobytes(), record.visibility.tobytes(), record.box


@cache
def good_of(form: Form, folder: Path) -> tuple[tuple[object, ...], ...]:
    """What the rows say that are not damaged."""
    good = tuple(content(record) for record in load(form(folder, 0, lambda row: row)).records)
    assert len(set(good)) == ROWS
    return good


def load(spec: str, problems: list[Problem] | None = None) -> Dataset:
    on_problem = None if problems is None else problems.append
    # Finding the schema of a COCO file reads all that are shipped.
    schema = SCHEMA if spec.startswith("coco:") else None
    return load_dataset(spec, schema=schema, skip_bad=problems is not None, on_problem=on_problem)


def hold(spec: str, good: tuple[tuple[object, ...], ...], number: int) -> None:
    """The rows but `number` say what they said; one whose picture it took over may be refused as its duplicate."""
    problems: list[Problem] = []
    found = [content(record) for record in load(spec, problems).records]
    assert sum(record not in good for record in found) <= 1
    lost = [record for i, record in enumerate(good) if i != number and record not in found]
    taken = [problem for problem in problems if problem.kind is ProblemKind.DUPLICATE_ROW]
    assert len(lost) <= len(taken) <= 1


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with pictures in all the places that the forms name."""
    path = tmp_path_factory.mktemp("damage")
    for row in range(ROWS):
        for name in (f"pictures/{row}.png", f"image/{row}.jpg"):
            (path / name).parent.mkdir(exist_ok=True)
            Image.new("RGB", (SIDE, SIDE)).save(path / name)
    return path


_PIECES = st.sampled_from([b'"', b'""', *b", _ \t \xff \xc3 \0 -1 nan 1e999 { ]".split(b" "), b" "])
_TEXT = st.one_of(_PIECES, st.binary(max_size=6)).map(lambda data: data.translate(None, b"\r\n"))


@pytest.mark.parametrize("form", [lsp, fashionai, deepfashion, yolo, deepfashion2])
@settings(deadline=None, max_examples=30, derandomize=True)
@given(
    number=st.integers(0, ROWS - 1),
    start=st.floats(0, 1),
    length=st.one_of(st.integers(0, 8), st.just(10_000)),
    text=_TEXT,
)
def test_bytes_of_a_row(folder: Path, form: Form, number: int, start: float, length: int, text: bytes) -> None:
    good = good_of(form, folder)
    vanished = False

    def damage(row: bytes) -> bytes:
        nonlocal vanished
        at = round(start * len(row))
        left = row[:at] + text + row[at + length :]
        vanished = not left.decode("utf-8", "replace").strip()
        return left

    spec = form(folder, number, damage)
    if form is deepfashion and vanished:
        # The file says how many rows it has, so that one which vanished is noticed.
        with pytest.raises(DataError, match="promises 5 rows, but 4 follow"):
            load_dataset(spec, skip_bad=True)
    else:
        hold(spec, good, number)


_JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-3, 60), st.floats(), st.text(max_size=3)),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=3), inner, max_size=2)),
    max_leaves=6,
)


@settings(deadline=None, max_examples=100, derandomize=True)
@given(
    number=st.integers(0, ROWS - 1),
    key=st.sampled_from([*annotation(0), "iscrowd", "num_keypoints", "crop"]),
    value=_JSON,
    point=st.none() | st.integers(0, 23),
)
def test_a_value_of_an_annotation(folder: Path, number: int, key: str, value: Any, point: int | None) -> None:
    good = good_of(good_coco, folder)
    damaged = annotation(number)
    if point is None:
        damaged[key] = value
    else:
        damaged["keypoints"][point] = value
    hold(coco(folder, {number: damaged}), good, number)


@settings(deadline=None, max_examples=40, derandomize=True)
@given(number=st.integers(0, ROWS - 1), value=_JSON)
def test_a_whole_annotation(folder: Path, number: int, value: Any) -> None:
    good = good_of(good_coco, folder)
    hold(coco(folder, {number: value}), good, number)
