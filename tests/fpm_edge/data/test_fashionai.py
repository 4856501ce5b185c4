"""FashionAI's CSV, and every way in which a row can be bad."""

import gzip
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fpm_edge.data import Dataset, load_dataset, read_image
from fpm_edge_runtime.bundle.schema_file import load_schema
from fpm_edge_runtime.errors import DataError, UsageError

SCHEMA = load_schema("fashionai24")
HEADER = ["image_id", "image_category", *SCHEMA.landmarks]
SKIRT = {
    "waistband_left": "20_30_1",
    "waistband_right": "80_30_1",
    "hemline_left": "10_90_1",
    "hemline_right": "90_90_0",
}


def row(image: str = "Images/skirt/a.jpg", category: str = "skirt", **cells: str) -> list[str]:
    """A row of the official columns: a good skirt, with `cells` over it."""
    values = {"image_id": image, "image_category": category, **(SKIRT if category == "skirt" else {}), **cells}
    return [values.get(column, "-1_-1_-1") for column in HEADER]


def text(*rows: list[str], header: list[str] = HEADER) -> str:
    return "".join(",".join(cells) + "\n" for cells in (header, *rows))


def picture(path: Path, size: tuple[int, int] = (100, 120), colour: tuple[int, int, int] = (1, 2, 3)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, colour).save(path)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with two pictures, as the contest names them."""
    picture(tmp_path / "Images/skirt/a.jpg")
    picture(tmp_path / "Images/skirt/b.png", colour=(9, 8, 7))
    return tmp_path


def load(folder: Path, *rows: list[str], **options: bool) -> Dataset:
    (folder / "annotations.csv").write_text(text(*rows))
    return load_dataset(f"fashionai:{folder}", **options)


def test_reads_landmarks_visibility_and_pictures(folder: Path) -> None:
    dataset = load(folder, row(), row("Images/skirt/b.png", waistband_left="-1_-1_-1", hemline_left="10.5_90.25_0"))
    assert len(dataset) == 2
    assert dataset.schema == SCHEMA
    assert dataset.name == folder.name
    first, second = dataset.records
    assert first.landmarks.dtype == np.float32
    assert first.visibility.dtype == np.int8
    assert first.landmarks[15:19].tolist() == [[20, 30], [80, 30], [10, 90], [90, 90]]
    assert first.visibility.tolist() == [-1] * 15 + [1, 1, 1, 0] + [-1] * 5
    assert (first.landmarks[first.visibility < 0] == -1).all()
    assert second.landmarks[17].tolist() == [10.5, 90.25]
    assert second.visibility[15:19].tolist() == [-1, 1, 0, 0]
    assert (first.identifier, first.category, first.box) == ("Images/skirt/a.jpg", "skirt", None)
    pixels = read_image(second)
    assert pixels.shape == (120, 100, 3)
    assert pixels[0, 0].tolist() == [9, 8, 7]


@pytest.mark.parametrize("name", ["Annotations/train.csv", "Annotations/annotations.csv", "annotations.csv.gz"])
def test_finds_the_file_as_the_contest_ships_it(folder: Path, name: str) -> None:
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    content = text(row()).encode()
    path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    for spec in (folder, path):
        dataset = load_dataset(f"fashionai:{spec}")
        assert dataset.records[0].image == folder / "Images/skirt/a.jpg"


def test_two_files_in_annotations_must_be_named(folder: Path) -> None:
    (folder / "Annotations").mkdir()
    for name in ("train.csv", "test.csv"):
        (folder / "Annotations" / name).write_text(text(row()))
    with pytest.raises(UsageError, match=r"test\.csv, .*train\.csv.*name the one"):
        load_dataset(f"fashionai:{folder}")


def test_pictures_may_lie_flat_or_in_a_folder_of_choice(tmp_path: Path) -> None:
    (tmp_path / "annotations.csv").write_text(text(row()))
    picture(tmp_path / "images/a.jpg")
    assert load_dataset(f"fashionai:{tmp_path}").records[0].image == tmp_path / "images/a.jpg"
    picture(tmp_path / "elsewhere/Images/skirt/a.jpg")
    moved = load_dataset(f"fashionai:{tmp_path}", images=tmp_path / "elsewhere")
    assert moved.records[0].image == tmp_path / "elsewhere/Images/skirt/a.jpg"
    assert moved.digest == load_dataset(f"fashionai:{tmp_path}").digest


def test_columns_in_any_order(folder: Path) -> None:
    order = np.random.default_rng(0).permutation(len(HEADER))
    shuffled = text([row()[i] for i in order], header=[HEADER[i] for i in order])
    straight = load(folder, row())
    (folder / "annotations.csv").write_text(shuffled)
    assert load_dataset(f"fashionai:{folder}").digest == straight.digest


@pytest.mark.parametrize(
    ("header", "message"),
    [
        (HEADER[:-2], "missing: bottom_right_in, bottom_right_out"),
        ([*HEADER[:-1], "sleeve"], "missing: bottom_right_out; unknown: sleeve"),
        ([*HEADER, "crotch"], "twice: crotch"),
        (HEADER[:2], "missing: neckline_left"),
        ([], "missing: image_id"),
    ],
)
def test_wrong_columns_are_one_error(folder: Path, header: list[str], message: str) -> None:
    (folder / "annotations.csv").write_text(text(row(), header=header))
    for skip_bad in (False, True):
        with pytest.raises(DataError, match=message) as caught:
            load_dataset(f"fashionai:{folder}", skip_bad=skip_bad)
        assert f"annotations.csv, line {1 if header else 2}: " in str(caught.value)


BAD = {
    "bad cell": (row(hemline_left="10_90"), "column hemline_left: '10_90' is not x_y_v"),
    "no number": (row(hemline_left="a_90_1"), "column hemline_left: 'a_90_1' is not x_y_v"),
    "empty cell": (row(hemline_left=""), "column hemline_left: '' is not x_y_v"),
    "NaN": (row(hemline_left="nan_90_1"), "column hemline_left: .*expected finite"),
    "infinite": (row(hemline_right="10_inf_1"), "column hemline_right: .*expected finite"),
    "NaN visibility": (row(hemline_right="10_10_nan"), "column hemline_right: .*expected finite"),
    "visibility 2": (row(waistband_left="10_10_2"), "column waistband_left: .*expected v = 1"),
    "visibility 300": (row(waistband_left="10_10_300"), "column waistband_left: .*expected v = 1"),
    "visibility -2": (row(waistband_left="10_10_-2"), "column waistband_left: .*expected v = 1"),
    "visibility a half": (row(waistband_left="10_10_0.5"), "column waistband_left: .*expected v = 1"),
    "too far right": (row(hemline_right="102_90_1"), "column hemline_right: .*at most 2 and 2.4 px outside"),
    "too far left": (row(hemline_right="-2.5_90_1"), "column hemline_right: .*picture of 100 × 120"),
    "too far down": (row(hemline_right="50_122_0"), "column hemline_right: .*x=50, y=122, v=0"),
    "nothing labelled": (row(**dict.fromkeys(SKIRT, "5_5_-1")), "no landmark is labelled"),
    "unknown category": (row(category="hat", crotch="5_5_1"), "category 'hat' .*one of: blouse, outwear, dress"),
    "landmark of another category": (row(crotch="50_50_1"), "column crotch: .*no such landmark for skirt"),
    "missing picture": (row("Images/skirt/none.jpg"), r"picture Images/skirt/none\.jpg is missing"),
    "no picture": (row("Images/skirt/broken.jpg"), r"broken\.jpg is no picture"),
    "no name": (row(""), "no name of a picture"),
    "endless name": (row("x" * 5000), "is missing"),
    "the same again": (row(), r"a\.jpg, skirt is in line 2 already"),
    "too few cells": (row()[:-1], "25 cells; expected 26"),
    "too many cells": ([*row(), "x"], "27 cells; expected 26"),
}


@pytest.mark.parametrize(("bad", "message"), BAD.values(), ids=BAD)
def test_a_bad_row_is_refused_or_skipped(folder: Path, bad: list[str], message: str) -> None:
    (folder / "Images/skirt/broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 not a picture")
    rows = (row(), bad, row("Images/skirt/b.png"))
    with pytest.raises(DataError, match=message) as caught:
        load(folder, *rows)
    assert f"{folder / 'annotations.csv'}, line 3: " in str(caught.value)
    assert "--skip-bad" in str(caught.value)
    dataset = load(folder, *rows, skip_bad=True)
    assert [record.identifier for record in dataset.records] == ["Images/skirt/a.jpg", "Images/skirt/b.png"]
    assert len(dataset.skipped) == 1
    assert "annotations.csv, line 3: " in dataset.skipped[0]
    assert "--skip-bad" not in dataset.skipped[0]


def test_border_points_are_kept(folder: Path) -> None:
    """512 in a picture of 512 occurs in the real data: up to 2 px or 2 % outside is an annotator's click."""
    dataset = load(folder, row(hemline_right="100_120_1", hemline_left="-2_121.4_1"))
    assert dataset.records[0].landmarks[17:19].tolist() == [[-2, pytest.approx(121.4)], [100, 120]]
    picture(folder / "Images/skirt/wide.png", (1000, 100))
    wide = row("Images/skirt/wide.png", hemline_right="1019_90_1")
    assert len(load(folder, wide)) == 1
    wide = row("Images/skirt/wide.png", hemline_right="1020_90_1")
    with pytest.raises(DataError, match="at most 20 and 2 px"):
        load(folder, wide)


def test_the_size_is_that_of_the_upright_picture(folder: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (120, 60)).save(folder / "Images/skirt/turned.jpg", exif=exif)
    rows = row("Images/skirt/turned.jpg", **dict.fromkeys(SKIRT, "50_110_1"))
    dataset = load(folder, rows)
    assert read_image(dataset.records[0]).shape == (120, 60, 3)
    with pytest.raises(DataError, match="picture of 60 × 120"):
        load(folder, row("Images/skirt/turned.jpg", **dict.fromkeys(SKIRT, "110_50_1")))


def test_unchecked_pictures_may_be_missing_but_numbers_stay_sensible(tmp_path: Path) -> None:
    dataset = load(tmp_path, row(), check_images=False)
    assert dataset.records[0].image == tmp_path / "Images/skirt/a.jpg"
    with pytest.raises(DataError, match=r"column hemline_left: .*65535"):
        load(tmp_path, row(hemline_left="1e300_3_1"), check_images=False)


def test_one_picture_may_show_garments_of_two_categories(folder: Path) -> None:
    trousers = row(category="trousers", crotch="50_60_1")
    dataset = load(folder, row(), trousers)
    assert [record.identifier for record in dataset.records] == ["Images/skirt/a.jpg", "Images/skirt/a.jpg#2"]
    assert dataset.records[0].image == dataset.records[1].image


def test_only_bad_rows_leave_no_data_set(folder: Path) -> None:
    with pytest.raises(DataError, match=r"no records \(1 bad rows were skipped, .*hemline_left"):
        load(folder, row(hemline_left="?"), skip_bad=True)
    with pytest.raises(DataError, match="no records; expected at least one"):
        load(folder)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv.gz", b"not gzip", "cannot be read: Not a gzipped file"),
        ("b.csv.gz", gzip.compress(text(*(row(f"{i}.jpg") for i in range(50))).encode())[:-30], "cannot be read"),
        ("c.csv", b"image_id,\xff\xfe\n", "not UTF-8"),
        ("d.csv", (",".join(HEADER) + "\n" + "x" * 200_000).encode(), "line 2: not CSV"),
    ],
)
def test_damaged_files(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=message) as caught:
        load_dataset(f"fashionai:{tmp_path / name}", check_images=False)
    assert name in str(caught.value)


def test_a_schema_of_ones_own(folder: Path) -> None:
    schema = folder / "gloves.toml"
    schema.write_text('name = "gloves"\nlandmarks = ["thumb", "wrist"]\n[categories]\nglove = ["thumb", "wrist"]\n')
    (folder / "annotations.csv").write_text(
        "image_category,wrist,thumb,image_id\nglove,1_2_1,3_4_0,Images/skirt/a.jpg\n"
    )
    dataset = load_dataset(f"fashionai:{folder}", schema=str(schema))
    assert dataset.records[0].landmarks.tolist() == [[3, 4], [1, 2]]
    assert dataset.records[0].visibility.tolist() == [0, 1]
