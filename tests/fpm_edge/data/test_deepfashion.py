"""DeepFashion's list_landmarks files."""

from pathlib import Path

import pytest
from PIL import Image

from fpm_edge.data import load_dataset
from fpm_edge_runtime.errors import DataError, UsageError

FIELDS = ["image_name", "clothes_type", "variation_type"]
UPPER = "img/1.jpg 1 4 0 010 020 1 30 40 2 0 0 0 50 60 0 70 80 0 90 100"
LOWER = "img/2.jpg 2 1 0 11 12 0 13 14 1 15 16 0 17 18"
FULL = "img/1.jpg 3 2 " + " ".join(f"0 {x} {x + 1}" for x in range(10, 90, 10))


def header(fields: list[str] = FIELDS) -> str:
    names = ("landmark_visibility", "landmark_location_x", "landmark_location_y")
    return " ".join([*fields, *(f"{name}_{i}" for i in range(1, 9) for name in names)])


def write(folder: Path, *rows: str, name: str = "list_landmarks.txt", top: str | None = None, count: int = -1) -> Path:
    for image in ("1", "2"):
        (folder / "img").mkdir(exist_ok=True)
        Image.new("RGB", (100, 110)).save(folder / f"img/{image}.jpg")
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    lines = [str(len(rows) if count < 0 else count), header() if top is None else top, *rows]
    path.write_text("\n".join(lines) + "\n")
    return path


def test_types_have_their_landmarks_and_visibility_is_translated(tmp_path: Path) -> None:
    write(tmp_path, UPPER, LOWER, FULL)
    dataset = load_dataset(f"deepfashion:{tmp_path}")
    assert dataset.schema.name == "deepfashion8"
    upper, lower, full = dataset.records
    assert [record.category for record in dataset.records] == ["upper_body", "lower_body", "full_body"]
    assert upper.visibility.tolist() == [1, 0, -1, 1, -1, -1, 1, 1]
    assert upper.landmarks.tolist() == [[10, 20], [30, 40], [-1, -1], [50, 60], [-1, -1], [-1, -1], [70, 80], [90, 100]]
    assert lower.visibility.tolist() == [-1, -1, -1, -1, 1, 1, 0, 1]
    assert lower.landmarks[4:].tolist() == [[11, 12], [13, 14], [15, 16], [17, 18]]
    assert full.landmarks[:, 0].tolist() == [10, 20, 30, 40, 50, 60, 70, 80]
    assert full.identifier == "img/1.jpg#2"


def test_in_shop_list_without_variation(tmp_path: Path) -> None:
    rows = [" ".join(r.split()[:2] + r.split()[3:]) for r in (UPPER, LOWER)]
    path = write(tmp_path, *rows, name="Anno/list_landmarks_inshop.txt", top=header(FIELDS[:2]))
    short = load_dataset(f"deepfashion:{path}")
    assert load_dataset(f"deepfashion:{tmp_path}").digest == short.digest
    write(tmp_path, UPPER, LOWER)
    assert load_dataset(f"deepfashion:{tmp_path / 'list_landmarks.txt'}").digest == short.digest


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ("img/2.jpg", "1 words; expected at least 3"),
        (LOWER.replace(" 2 ", " 4 ", 1), "column clothes_type: '4'; expected 1"),
        (LOWER + " 0 1 2", "15 words of landmarks; expected 12 for clothes_type 2"),
        (LOWER.replace("1 15", "3 15"), "column landmark_visibility_3: '3'; expected 0"),
        (LOWER.replace("15", "x"), "column landmark_location_3: 'x' '16'"),
        (LOWER.replace("15", "nan"), "column left_hem: .*finite"),
        (LOWER.replace("17 18", "17 113"), "column right_hem: .*outside the picture of 100 × 110"),
        ("img/2.jpg 2 1 2 0 0 2 0 0 2 0 0 2 0 0", "no landmark is labelled"),
        (LOWER.replace("2.jpg", "3.jpg"), r"3\.jpg is missing"),
        (UPPER, "upper_body is in line 3 already"),
    ],
)
def test_bad_rows(tmp_path: Path, bad: str, message: str) -> None:
    write(tmp_path, UPPER, bad)
    with pytest.raises(DataError, match=message) as caught:
        load_dataset(f"deepfashion:{tmp_path}")
    assert "list_landmarks.txt, line 4: " in str(caught.value)
    assert len(load_dataset(f"deepfashion:{tmp_path}", skip_bad=True).skipped) == 1


def test_a_file_cut_short(tmp_path: Path) -> None:
    write(tmp_path, UPPER, count=123016)
    with pytest.raises(DataError, match="promises 123016 rows, but 1 follow"):
        load_dataset(f"deepfashion:{tmp_path}")


@pytest.mark.parametrize("top", ["image_name x y", "image_name clothes_type x_1 landmark_visibility_1", ""])
def test_wrong_header(tmp_path: Path, top: str) -> None:
    write(tmp_path, UPPER, top=top)
    with pytest.raises(DataError, match=r"line 2: .*expected image_name clothes_type \[variation_type\]"):
        load_dataset(f"deepfashion:{tmp_path}")


def test_no_count(tmp_path: Path) -> None:
    path = write(tmp_path, UPPER)
    path.write_text(header() + "\n" + UPPER)
    with pytest.raises(DataError, match=r"line 1: 'image_name.*expected the number of rows"):
        load_dataset(f"deepfashion:{tmp_path}")


def test_another_schema_is_refused(tmp_path: Path) -> None:
    write(tmp_path, UPPER)
    with pytest.raises(UsageError, match=r"'lsp14' cannot be used .*deepfashion8"):
        load_dataset(f"deepfashion:{tmp_path}", schema="lsp14")
