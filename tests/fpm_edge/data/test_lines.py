"""A damaged line takes no other with it, and a file that was cut off says so."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from PIL import Image

from fpm_edge.data import ProblemKind, Reading, load_dataset, read_to_the_end
from fpm_edge_runtime.bundle.schema_file import load_schema
from fpm_edge_runtime.errors import DataError, SchemaError

JOINTS = load_schema("lsp14").landmarks
LANDMARKS = load_schema("fashionai24").landmarks
COUNT = 200


def lsp(folder: Path, lines: dict[int, str | bytes] | None = None, *, cut: int | None = None) -> str:
    """A good file of `COUNT` rows, with `lines` in place of some, without its last `cut` bytes."""
    good = [",".join(["image", *JOINTS]), *(f"{i}.png" + ",3_4_1" * len(JOINTS) for i in range(COUNT))]
    whole = [(lines or {}).get(number, line) for number, line in enumerate(good, 1)]
    content = b"".join((line.encode() if isinstance(line, str) else line) + b"\n" for line in whole)
    (folder / "joints.csv").write_bytes(content[:cut])
    return f"lsp:{folder}"


def fashionai(folder: Path, lines: dict[int, str | bytes] | None = None) -> str:
    cells = ["1_2_1" if name.startswith(("waistband", "hemline")) else "-1_-1_-1" for name in LANDMARKS]
    good = [
        ",".join(["image_id", "image_category", *LANDMARKS]),
        *(",".join([f"{i}.png", "skirt", *cells]) for i in range(COUNT)),
    ]
    whole = [(lines or {}).get(number, line) for number, line in enumerate(good, 1)]
    content = b"".join((line.encode() if isinstance(line, str) else line) + b"\n" for line in whole)
    (folder / "annotations.csv").write_bytes(content)
    return f"fashionai:{folder}"


def read(spec: str) -> Reading:
    return read_to_the_end(spec, check_images=False)


@pytest.mark.parametrize("form", [lsp, fashionai])
@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ('"3.png,3_4_1', "a quoted cell does not end on its line"),
        ('3.png,"3_4_1', "a quoted cell does not end on its line"),
        ('"3.png"x,3_4_1', "not CSV"),
        (b"\xe9.png,3_4_1", "not UTF-8 text"),
        ("3.png,3_4_1", "2 cells; expected"),
        ("3.png," + "x" * 200_000, "not CSV: field larger"),
    ],
)
def test_a_bad_line_is_one_bad_row_where_it_begins(
    tmp_path: Path, form: Callable[..., str], line: str | bytes, problem: str
) -> None:
    reading = read(form(tmp_path, {5: line}))
    (found,) = reading.problems
    assert (found.kind, found.where) == (ProblemKind.MALFORMED_ROW, "line 5")
    assert found.message.startswith(problem)
    assert reading.dataset is not None
    assert [record.identifier for record in reading.dataset.records] == [f"{i}.png" for i in range(COUNT) if i != 3]


def test_two_stray_quotes_do_not_make_a_cell_of_what_is_between(tmp_path: Path) -> None:
    reading = read(lsp(tmp_path, {5: '"3.png,3_4_1', 9: '7.png",3_4_1'}))
    assert [problem.where for problem in reading.problems] == ["line 5", "line 9"]
    assert reading.dataset is not None
    assert len(reading.dataset) == COUNT - 2


def test_quoted_cells_are_read(tmp_path: Path) -> None:
    spec = lsp(tmp_path, {5: '"a, ""b"".png"' + ',"3_4_1"' * len(JOINTS)})
    assert load_dataset(spec, check_images=False).records[3].identifier == 'a, "b".png'


@pytest.mark.parametrize("blank", ["", "  ", "\t", "\r"])
@pytest.mark.parametrize("at", [1, 5])
def test_lines_of_blanks_are_no_rows(tmp_path: Path, blank: str, at: int) -> None:
    good = [",".join(["image", *JOINTS]), *(f"{i}.png" + ",3_4_1" * len(JOINTS) for i in range(9))]
    good.insert(at - 1, blank)
    (tmp_path / "joints.csv").write_text("\n".join(good) + "\n  \n")
    reading = read(f"lsp:{tmp_path}")
    assert reading.problems == ()
    assert reading.dataset is not None
    assert len(reading.dataset) == 9


def test_a_csv_file_that_is_cut_off_ends_in_a_bad_row(tmp_path: Path) -> None:
    (problem,) = read(lsp(tmp_path, cut=-20)).problems
    assert problem.where == f"line {COUNT + 1}"


def test_a_stray_quote_in_a_test_part_lets_none_of_its_pictures_into_training(tmp_path: Path) -> None:
    (tmp_path / "train").mkdir()
    (tmp_path / "test_a").mkdir()
    fashionai(tmp_path / "train")
    fashionai(tmp_path / "test_a", {5: '"3.png,skirt'})
    with pytest.raises(DataError, match=r"test_a/annotations.csv, line 5: a quoted cell .*leaves out the pictures"):
        load_dataset(f"fashionai:{tmp_path}", check_images=False, skip_bad=True)


def test_a_line_of_deepfashion_that_is_not_text(tmp_path: Path) -> None:
    parts = ("visibility", "location_x", "location_y")
    header = " ".join(["image_name clothes_type", *(f"landmark_{part}_{i}" for i in range(1, 9) for part in parts)])
    rows = [f"{i}.jpg 1 " + "0 3 4 " * 6 for i in range(5)]
    content = "\n".join(["5", header, *rows]).encode().replace(b"3.jpg", b"\xff.jpg")
    (tmp_path / "list_landmarks.txt").write_bytes(content)
    reading = read(f"deepfashion:{tmp_path}")
    assert [problem.where for problem in reading.problems] == ["line 6"]
    assert reading.dataset is not None
    assert len(reading.dataset) == 4


def yolo(folder: Path, document: str) -> str:
    for part in ("images", "labels"):
        (folder / part).mkdir()
    Image.new("RGB", (20, 10)).save(folder / "images/a.png")
    (folder / "labels/a.txt").write_bytes(b"0 0.5 0.5 1 1 0.5 0.5 0.2 0.5\n0 \xff\n0 0.5 0.5 1 1 0.2 0.5 0.2 0.5\n")
    (folder / "data.yaml").write_text(document)
    return f"yolo:{folder / 'data.yaml'}"


YAML = "train: images\nkpt_shape: [2, 2]\nflip_idx: [1, 0]\nnc: 2\nnames:\n  0: skirt\n  1: dress\n"


def test_a_line_of_yolo_that_is_not_text(tmp_path: Path) -> None:
    reading = read_to_the_end(yolo(tmp_path, YAML))
    assert [problem.where for problem in reading.problems] == ["labels/a.txt, line 2"]
    assert reading.dataset is not None
    assert len(reading.dataset) == 2


@pytest.mark.parametrize(
    ("document", "message"),
    [
        (YAML.replace("  1: dress\n", ""), "nc is 2, and names has 1 classes; is the file cut short"),
        (YAML + "names: [blouse, outwear]\n", "the key 'names' occurs twice"),
        (YAML + "  1: blouse\n", "the key '1' occurs twice"),
        (YAML.replace("[1, 0]", "[1, "), "not valid YAML"),
    ],
)
def test_yaml_that_is_cut_off_or_says_a_thing_twice(tmp_path: Path, document: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        load_dataset(yolo(tmp_path, document))
    assert yaml.safe_load(YAML)["nc"] == 2


def test_yaml_of_aliases_in_aliases_ends(tmp_path: Path) -> None:
    # Followed one by one, they are 2 ** 40 mappings.
    aliases = "".join(f"a{n}: &a{n} {{left: *a{n - 1}, right: *a{n - 1}}}\n" for n in range(1, 41))
    assert len(load_dataset(yolo(tmp_path, YAML + "a0: &a0 {x: 1}\n" + aliases), skip_bad=True)) == 2


def coco(folder: Path) -> Path:
    names = load_schema("deepfashion8").landmarks
    document = {
        "images": [{"id": 1, "file_name": "a.jpg"}],
        "categories": [{"id": 1, "name": "full_body", "keypoints": names}],
        "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "keypoints": [10, 12, 2] * 8}],
    }
    (folder / "set.json").write_text(json.dumps(document))
    return folder / "set.json"


def test_json_that_is_cut_off_anywhere_is_refused(tmp_path: Path) -> None:
    path = coco(tmp_path)
    content = path.read_text()
    assert len(load_dataset(f"coco:{path}", check_images=False)) == 1
    for end in [*range(0, len(content), 17), len(content) - 1]:
        path.write_text(content[:end])
        with pytest.raises(DataError, match="not valid JSON"):
            load_dataset(f"coco:{path}", check_images=False)


def test_json_that_says_a_thing_twice_is_refused(tmp_path: Path) -> None:
    path = coco(tmp_path)
    path.write_text(path.read_text()[:-1] + ', "annotations": []}')
    with pytest.raises(DataError, match="the key 'annotations' occurs twice in one object"):
        load_dataset(f"coco:{path}", check_images=False)
    (tmp_path / "annos").mkdir()
    (tmp_path / "annos/000001.json").write_text('{"item1": {"category_id": 8}, "item1": {"category_id": 9}}')
    (problem,) = read(f"deepfashion2:{tmp_path}").problems
    assert "the key 'item1' occurs twice" in problem.message


def test_toml_that_is_cut_off_inside_a_list_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text('name = "x"\nlandmarks = ["a", "b",')
    with pytest.raises(SchemaError, match="not valid TOML"):
        load_schema(tmp_path / "a.toml")
