"""Which file a name of a picture stands for, and how large that is."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import ExifTags, Image

from fpm_edge.data import ProblemKind, load_dataset, read_image, read_to_the_end
from fpm_edge.data.images import picture_size
from fpm_edge_runtime.bundle.schema_file import load_schema
from fpm_edge_runtime.errors import DataError
from fpm_edge_runtime.pixels.image import FORMATS, load_image

SCENE = np.arange(24 * 40 * 3, dtype=np.uint16).reshape(24, 40, 3).astype(np.uint8)
NAMES = load_schema("deepfashion8").landmarks


def oriented(path: Path, orientation: int) -> Path:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    Image.fromarray(SCENE).save(path, exif=exif)
    return path


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "tif"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_picture_is_as_large_as_it_is_read(tmp_path: Path, suffix: str, orientation: int) -> None:
    path = oriented(tmp_path / f"a.{suffix}", orientation)
    height, width, _ = load_image(path).shape
    assert picture_size(path) == (width, height) == ((40, 24) if orientation < 5 else (24, 40))


@pytest.mark.parametrize("suffix", ["jpg", "png", "tif"])
def test_an_orientation_of_xmp_counts_as_it_does_in_reading(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a.{suffix}"
    xmp = b'<x:xmpmeta><rdf:Description tiff:Orientation="6"/></x:xmpmeta>'
    if suffix == "jpg":
        Image.fromarray(SCENE).save(path, xmp=xmp)
    elif suffix == "tif":
        Image.fromarray(SCENE).save(path, tiffinfo={700: xmp})
    else:
        from PIL.PngImagePlugin import PngInfo

        info = PngInfo()
        info.add_itxt("XML:com.adobe.xmp", xmp.decode())
        Image.fromarray(SCENE).save(path, pnginfo=info)
    height, width, _ = load_image(path).shape
    assert picture_size(path) == (width, height)


@pytest.mark.parametrize("suffix", ["bmp", "gif", "ppm"])
def test_pictures_without_orientation(tmp_path: Path, suffix: str) -> None:
    Image.fromarray(SCENE).save(tmp_path / f"a.{suffix}")
    assert picture_size(tmp_path / f"a.{suffix}") == (40, 24)


def test_what_is_never_read_has_no_size(tmp_path: Path) -> None:
    assert "ICO" not in FORMATS
    Image.fromarray(SCENE).save(tmp_path / "a.jpg", format="ICO")
    assert picture_size(tmp_path / "a.jpg") == (0, 0)


def points(x: int = 1, y: int = 2) -> str:
    return f"0 {x} {y} " * 6


def deepfashion(folder: Path, *rows: str) -> str:
    parts = ("visibility", "location_x", "location_y")
    header = " ".join(f"landmark_{part}_{i}" for i in range(1, 9) for part in parts)
    file = folder / "list_landmarks.txt"
    file.write_text("\n".join([str(len(rows)), f"image_name clothes_type {header}", *rows]) + "\n")
    return f"deepfashion:{folder}"


def test_landmarks_of_a_tiff_stored_on_its_side(tmp_path: Path) -> None:
    oriented(tmp_path / "a.tif", 6)
    (record,) = load_dataset(deepfashion(tmp_path, f"a.tif 1 {points(20, 36)}")).records
    assert read_image(record).shape == (40, 24, 3)
    with pytest.raises(DataError, match="outside the picture of 24 × 40"):
        load_dataset(deepfashion(tmp_path, f"a.tif 1 {points(36, 20)}"))


def coco(folder: Path, image: dict[str, object]) -> str:
    document = {
        "images": [{"id": 1, "file_name": "a.jpg", **image}],
        "categories": [{"id": 1, "name": "full_body", "keypoints": NAMES}],
        "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "keypoints": [10, 12, 2] * 8}],
    }
    (folder / "set.json").write_text(json.dumps(document))
    return f"coco:{folder / 'set.json'}"


@pytest.mark.parametrize("image", [{}, {"width": None}, {"width": 40, "height": 24}, {"height": 24.0}])
def test_the_size_that_a_file_states_is_that_of_the_picture(tmp_path: Path, image: dict[str, object]) -> None:
    Image.fromarray(SCENE).save(tmp_path / "a.jpg")
    assert len(load_dataset(coco(tmp_path, image))) == 1


@pytest.mark.parametrize(
    ("image", "message"),
    [
        ({"width": 80, "height": 48}, "the file says 80 × 48, .*a.jpg is 40 × 24 upright; bring the picture that was"),
        ({"height": 48}, "the file says 40 × 48, .*a.jpg is 40 × 24"),
        ({"width": 0, "height": 0}, "the file says 0 × 0"),
        ({"width": 24, "height": 40}, "the file says 24 × 40, .*its EXIF orientation was ignored"),
        ({"width": "40"}, "column images.width: '40'; expected pixels"),
        ({"height": True}, "column images.height: 'True'; expected pixels"),
    ],
)
def test_a_picture_of_another_size_than_stated_is_refused(
    tmp_path: Path, image: dict[str, object], message: str
) -> None:
    Image.fromarray(SCENE).save(tmp_path / "a.jpg")
    spec = coco(tmp_path, image)
    with pytest.raises(DataError, match=message):
        load_dataset(spec)
    reading = read_to_the_end(spec)
    assert [problem.kind for problem in reading.problems] == [
        ProblemKind.BAD_CELL if "column" in message else ProblemKind.OTHER_SIZE
    ]


def test_the_size_that_is_stated_is_upright(tmp_path: Path) -> None:
    oriented(tmp_path / "a.jpg", 6)
    assert len(load_dataset(coco(tmp_path, {"width": 24, "height": 40}))) == 1
    with pytest.raises(DataError, match="EXIF orientation was ignored"):
        load_dataset(coco(tmp_path, {"width": 40, "height": 24}))


def flat(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(SCENE).save(folder / name)


def test_a_file_that_two_names_could_mean_is_refused_naming_both(tmp_path: Path) -> None:
    flat(tmp_path, "images/02_1_front.png", "images/03_1_front.png")
    rows = [f"{name} 1 {points()}" for name in ("id_2/02_1_front.png", "id_3/03_1_front.png", "id_777/02_1_front.png")]
    spec = deepfashion(tmp_path, *rows)
    with pytest.raises(DataError, match=r"line 3: id_2/02_1_front.png was found .*which id_777/02_1_front.png could"):
        load_dataset(spec)
    reading = read_to_the_end(spec)
    assert [(problem.kind, problem.where) for problem in reading.problems] == [
        (ProblemKind.DOUBTFUL_PICTURE, "line 3"),
        (ProblemKind.DOUBTFUL_PICTURE, "line 5"),
    ]
    assert reading.dataset is not None
    assert [record.identifier for record in reading.dataset.records] == ["id_3/03_1_front.png"]


def test_a_file_is_in_doubt_also_where_the_other_row_is_bad(tmp_path: Path) -> None:
    flat(tmp_path, "images/a.png")
    spec = deepfashion(tmp_path, f"id_2/a.png 1 {points()}", f"id_3/a.png 1 {points(500, 500)}")
    assert [problem.where for problem in read_to_the_end(spec).problems] == ["line 4", "line 3"]


def test_what_has_its_own_folder_is_not_in_doubt(tmp_path: Path) -> None:
    flat(tmp_path, "images/a.png", "id_2/a.png")
    rows = [f"{name} 1 {points()}" for name in ("images/a.png", "id_2/a.png", "id_3/a.png")]
    reading = read_to_the_end(deepfashion(tmp_path, *rows))
    assert [problem.where for problem in reading.problems] == ["line 5"]
    assert reading.dataset is not None
    assert len(reading.dataset) == 2


def test_names_that_mean_the_same_share_a_file(tmp_path: Path) -> None:
    flat(tmp_path, "images/a.png", "images/b.png")
    names = ["a.png", "./a.png", "images/a.png", "id_2/b.png", "id_2/./b.png"]
    rows = [f"{name} 1 {points(i)}" for i, name in enumerate(names)]
    assert len(load_dataset(deepfashion(tmp_path, *rows))) == 5


def test_two_parts_of_fashionai_with_one_folder_of_pictures(tmp_path: Path) -> None:
    flat(tmp_path, "all/images/a.png")
    names = load_schema("fashionai24").landmarks
    cells = ["1_2_1" if name.startswith(("waistband", "hemline")) else "-1_-1_-1" for name in names]
    for part, folder in (("train", "dress"), ("warm_up", "skirt")):
        (tmp_path / part).mkdir()
        text = ",".join(["image_id", "image_category", *names]) + f"\n{folder}/a.png,skirt," + ",".join(cells) + "\n"
        (tmp_path / part / "annotations.csv").write_text(text)
    with pytest.raises(DataError, match=r"dress/a.png was found .*which skirt/a.png could be too"):
        load_dataset(f"fashionai:{tmp_path}#train+warmup", images=tmp_path / "all")
