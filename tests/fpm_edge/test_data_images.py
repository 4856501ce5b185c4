"""Which file a name of a picture stands for, and how large that is."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import ExifTags, Image

from fpm_edge.data import ProblemKind, load_dataset, read_image, read_to_the_end
from fpm_edge.data.images import picture_size
from fpm_edge_runtime.errors import DataError
from fpm_edge_runtime.image import FORMATS, load_image
from fpm_edge_runtime.schema import load_schema

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


def points(x: int, y: int) -> str:
    return f"0 {x} {y} " * 6


def test_landmarks_of_a_tiff_stored_on_its_side(tmp_path: Path) -> None:
    oriented(tmp_path / "a.tif", 6)
    header = " ".join(
        f"{name}_{i}" for i in range(1, 9) for name in ("landmark_visibility", "landmark_location_x", "landmark_location_y")
    )
    file = tmp_path / "list_landmarks.txt"
    file.write_text(f"1\nimage_name clothes_type {header}\na.tif 1 {points(20, 36)}\n")
    (record,) = load_dataset(f"deepfashion:{file}").records
    assert read_image(record).shape == (40, 24, 3)
    file.write_text(f"1\nimage_name clothes_type {header}\na.tif 1 {points(36, 20)}\n")
    with pytest.raises(DataError, match="outside the picture of 24 × 40"):
        load_dataset(f"deepfashion:{file}")


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
