"""Data sets written in another form: what is read back is what was written."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from commands import exit_code
from many_landmarks import draw_deepfashion2
from people_shards import people_in, shards_of
from PIL import Image

from fpm_edge.data import Dataset, Record, load_dataset, read_encoded, read_image
from fpm_edge.data.export import Exported, export_dataset, schema_text
from fpm_edge.data.keypoints import match_landmarks
from fpm_edge_runtime.bundle.schema import LandmarkSchema
from fpm_edge_runtime.bundle.schema_file import load_schema
from fpm_edge_runtime.errors import DataError, ImageError, UsageError


def garments(folder: Path) -> Dataset:
    """FashionAI's form: whole pixels, no boxes; two garments in one photograph."""
    schema = load_schema("fashionai24")
    (folder / "Images/skirt").mkdir(parents=True)
    rows = [",".join(["image_id", "image_category", *schema.landmarks])]
    for number, category in enumerate(("skirt", "trousers", "skirt")):
        name = f"Images/skirt/{min(number, 1)}.jpg"
        Image.new("RGB", (60 + number, 80), (number, 90, 9)).save(folder / name)
        cells = ["-1_-1_-1"] * 24
        for place, index in enumerate(schema.categories[category]):
            cells[index] = f"{10 + 3 * place}_{20 + number}_{place % 2}"
        rows.append(",".join([name, category, *cells]))
    (folder / "annotations.csv").write_text("\n".join(rows) + "\n")
    return load_dataset(f"fashionai:{folder}")


def sets(folder: Path, kind: str) -> Dataset:
    if kind == "deepfashion2":
        draw_deepfashion2(folder / "in", 14)
        return load_dataset(f"deepfashion2:{folder / 'in'}")
    if kind == "lsp":
        return people_in(folder / "in")
    if kind == "shards":
        return shards_of(people_in(folder / "in"), folder / "shards", shards=2)
    return load_dataset("rendered:12@3/64") if kind == "rendered" else garments(folder / "in")


def again(exported: Exported) -> Dataset:
    return load_dataset(exported.spec, schema=exported.schema)


def pixels_of(record: Record) -> Any:
    return read_image(record)


@pytest.mark.parametrize("kind", ["deepfashion2", "lsp", "shards", "rendered", "fashionai"])
def test_coco_brings_everything_back(kind: str, tmp_path: Path) -> None:
    dataset = sets(tmp_path, kind)
    exported = export_dataset(dataset, tmp_path / "out", "coco")
    assert (exported.records, exported.notes) == (len(dataset), ())
    assert exported.schema is None
    read = again(exported)
    assert read.schema == dataset.schema
    assert len(read) == len(dataset)
    for mine, theirs in zip(dataset.records, read.records, strict=True):
        assert mine.category == theirs.category
        assert mine.landmarks.tobytes() == theirs.landmarks.tobytes()
        assert mine.visibility.tobytes() == theirs.visibility.tobytes()
        assert (mine.box is None) == (theirs.box is None)
        assert mine.box is None or theirs.box == pytest.approx(mine.box, abs=1e-9)
        assert np.array_equal(pixels_of(mine), pixels_of(theirs))
        if kind != "rendered":
            assert mine.identifier == theirs.identifier
            assert read_encoded(mine) == read_encoded(theirs)
    if kind in ("deepfashion2", "fashionai"):
        assert read.digest == dataset.digest


def test_names_that_differ_by_case_only_stay_apart(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    picture = tmp_path / "in/0.png"
    Image.new("RGB", (64, 48)).save(picture)
    schema = LandmarkSchema("cases", ("L", "l", "l_1"), (0, 1, 2), {"Top": (0, 1, 2), "top": (1,)})
    points, visibility = np.array([[1.5, 2.25], [30.0, 20.0], [5.0, 6.0]], np.float32), np.array([1, 0, -1], np.int8)
    dataset = Dataset((Record(picture, "Top", points, visibility, "0.png"),), schema, "cases")
    exported = export_dataset(dataset, tmp_path / "out", "coco")
    (record,) = again(exported).records
    assert record.category == "Top"
    assert record.visibility.tolist() == [1, 0, -1]
    assert record.landmarks[:2].tolist() == points[:2].tolist()
    alike = LandmarkSchema("alike", ("L 1", "l_2", "l_1"), (0, 1, 2), {"Top": (0, 1, 2), "top": (1,)})
    with pytest.raises(DataError, match="one keypoint would be several landmarks of schema 'alike'"):
        match_landmarks(["l_1", "l_2"], alike, "here")
    with pytest.raises(DataError, match="here: 'L' could be any of 'l', 'l '; expected one with this name"):
        match_landmarks(["l", "l ", "l_1"], schema, "here")


def test_fashionai_brings_whole_pixels_back(tmp_path: Path) -> None:
    dataset = garments(tmp_path / "in")
    exported = export_dataset(dataset, tmp_path / "out", "fashionai")
    assert exported.notes == ()
    assert again(exported).digest == dataset.digest
    assert load_dataset(f"fashionai:{tmp_path / 'out'}").digest == dataset.digest
    assert (tmp_path / "in/annotations.csv").read_bytes() == (tmp_path / "out/annotations.csv").read_bytes()


def test_what_fashionai_rounds_is_said(tmp_path: Path) -> None:
    dataset = load_dataset("rendered:12@3/64")
    exported = export_dataset(dataset, tmp_path / "out", "fashionai")
    read = again(exported)
    off = [
        np.hypot(*(mine.landmarks - theirs.landmarks)[mine.visibility >= 0].T)
        for mine, theirs in zip(dataset.records, read.records, strict=True)
    ]
    moved = np.concatenate(off)
    assert 0 < moved.max() <= np.sqrt(0.5) + 1e-6
    (note,) = exported.notes
    assert note == (
        f"{(moved > 0).sum()} of {len(moved)} landmarks were rounded to whole pixels, by {moved.max():.2f} px at most"
    )
    assert [record.category for record in read.records] == [record.category for record in dataset.records]


def test_boxes_that_fashionai_lacks_are_counted(tmp_path: Path) -> None:
    dataset = garments(tmp_path / "in")
    document = export_dataset(dataset, tmp_path / "coco", "coco")
    file = tmp_path / "coco/annotations.json"
    content = json.loads(file.read_text())
    del content["annotations"][0]["crop"]
    file.write_text(json.dumps(content))
    exported = export_dataset(again(document), tmp_path / "out", "fashionai")
    assert exported.notes == ("1 boxes are left out, so these pictures will not be cropped",)


def test_fashionai_refuses_what_it_cannot_hold(tmp_path: Path) -> None:
    people = people_in(tmp_path / "people")
    with pytest.raises(UsageError, match=r"people has the 14 of schema 'lsp14'; write it with --to coco"):
        export_dataset(people, tmp_path / "out", "fashionai")
    dataset = garments(tmp_path / "in")
    twice = Dataset((*dataset.records, dataset.records[0]), dataset.schema, "twice")
    with pytest.raises(UsageError, match=r"holds one skirt a picture, and Images/skirt/0.jpg is another one"):
        export_dataset(twice, tmp_path / "out", "fashionai")
    assert not (tmp_path / "out").exists()


def test_what_other_tools_need_is_in_the_coco_file(tmp_path: Path) -> None:
    dataset = sets(tmp_path, "deepfashion2")
    export_dataset(dataset, tmp_path / "out", "coco")
    document = json.loads((tmp_path / "out/annotations.json").read_text())
    assert document["images"][0] == {"id": 1, "file_name": "image/000001.jpg", "width": 96, "height": 96}
    assert len(document["images"]) == 14
    assert [len(entry["keypoints"]) for entry in document["categories"]] == [294] * 13
    first = document["annotations"][0]
    x, y, width, height = first["bbox"]
    assert first["area"] == width * height
    assert first["num_keypoints"] == sum(v > 0 for v in first["keypoints"][2::3])
    assert all(isinstance(value, int) for value in first["keypoints"])
    assert (x, y, x + width, y + height) == dataset.records[0].box


SCARF = LandmarkSchema(
    name="scarf",
    landmarks=("left", "right", "knot"),
    flip=(1, 0, 2),
    categories={"long": (0, 1, 2), "short": (2, 0)},
    normalizers={"long": (0, 1)},
    groups={"ends": (0, 1)},
)


def scarf(folder: Path, name: str, identifier: str | None = None) -> Record:
    folder.mkdir(exist_ok=True)
    file = folder / f"{abs(hash(name))}.png"
    Image.new("RGB", (40, 30)).save(file)
    points = np.array([[1.1, 2], [30.7, 2], [15, 20.3]], np.float32)
    return Record(file, "long", points, np.array([1, 0, 1], np.int8), identifier or name)


def test_a_schema_of_ones_own_goes_along(tmp_path: Path) -> None:
    dataset = Dataset((scarf(tmp_path / "in", "a.png"),), SCARF, "scarves")
    exported = export_dataset(dataset, tmp_path / "out", "coco")
    assert exported.schema == tmp_path / "out/schema.toml"
    assert load_schema(exported.schema) == SCARF
    assert again(exported).digest == dataset.digest
    (tmp_path / "again.toml").write_text(schema_text(load_schema("deepfashion2")))
    assert load_schema(tmp_path / "again.toml") == load_schema("deepfashion2")


def test_names_stay_in_the_folder_and_are_unique(tmp_path: Path) -> None:
    wanted = ["../up.png", "/root/up.png", "a/b.png", "A/B.png", "annotations.json", "x:y.png", "plain", " s.png"]
    records = tuple(scarf(tmp_path / "in", str(number), name) for number, name in enumerate(wanted))
    exported = export_dataset(Dataset(records, SCARF, "scarves"), tmp_path / "out", "coco")
    names = [record.identifier for record in again(exported).records]
    assert names == [
        "pictures/up.png",
        "pictures/up-2.png",
        "a/b.png",
        "A/B-2.png",
        "annotations.json.png",
        "pictures/x-y.png",
        "plain.png",
        "pictures/s.png",
    ]
    assert exported.notes == ("5 pictures are called otherwise than before",)
    assert not (tmp_path / "up.png").exists()


def test_nothing_stays_behind_when_a_picture_cannot_be_read(tmp_path: Path) -> None:
    good, gone, broken = (scarf(tmp_path / "in", name) for name in ("a.png", "b.png", "c.png"))
    assert isinstance(gone.image, Path)
    assert isinstance(broken.image, Path)
    gone.image.unlink()
    broken.image.write_bytes(b"no picture")
    (tmp_path / "empty").mkdir()
    for bad in (gone, broken):
        for output in (tmp_path / "out", tmp_path / "empty"):
            with pytest.raises(ImageError):
                export_dataset(Dataset((good, bad), SCARF, "scarves"), output, "coco")
    assert not (tmp_path / "out").exists()
    assert list((tmp_path / "empty").iterdir()) == []


@pytest.mark.parametrize("to", ["coco", "fashionai"])
def test_pictures_without_a_garment_are_said_to_be_left_out(to: str, tmp_path: Path) -> None:
    some, none = garments(tmp_path / "in"), load_dataset("backdrops:2@1/64")
    both = Dataset((*some.records, *none.records), some.schema, "both")
    exported = export_dataset(both, tmp_path / "out", to)
    assert "2 pictures without a garment" in " ".join(exported.notes)
    assert (exported.records, exported.pictures) == (5, 4)
    assert again(exported).digest == some.digest
    assert (tmp_path / "out/backdrops/1/64/1.png").is_file()
    with pytest.raises(UsageError, match="has no garment, so there is nothing to annotate"):
        export_dataset(none, tmp_path / "other", to)


def test_only_an_empty_folder_is_written_into(tmp_path: Path) -> None:
    dataset = Dataset((scarf(tmp_path / "in", "a.png"),), SCARF, "scarves")
    with pytest.raises(UsageError, match="in is not an empty folder; name a new one"):
        export_dataset(dataset, tmp_path / "in", "coco")
    with pytest.raises(UsageError, match="cannot write 'yolo'; expected one of: coco, fashionai"):
        export_dataset(dataset, tmp_path / "out", "yolo")
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="cannot be written"):
        export_dataset(dataset, tmp_path / "file" / "out", "coco")


def test_the_command(tmp_path: Path, run: Any) -> None:
    code, out, err = run("data", "convert", "rendered:3@1/64", "--to", "coco", "-o", tmp_path / "out", "--json")
    assert code == 0
    assert json.loads(out) == {
        "spec": f"coco:{tmp_path / 'out/annotations.json'}",
        "schema": None,
        "records": 3,
        "pictures": 3,
        "notes": [],
    }
    assert "3 records in 3 pictures; use coco:" in err
    code, _, err = run("data", "convert", "rendered:3@1/64", "--to", "coco", "-o", tmp_path / "out")
    assert (code, "is not an empty folder" in err) == (2, True)
    code, _, err = run("data", "convert", "rendered:3@1/64", "--to", "fashionai", "-o", tmp_path / "csv")
    assert code == 0
    assert "landmarks were rounded to whole pixels" in err
    draw_deepfashion2(tmp_path / "df2", 2)
    arguments = ("data", "convert", f"deepfashion2:{tmp_path / 'df2'}", "-o", tmp_path / "df2-csv", "--to", "fashionai")
    code, _, err = run(*arguments)
    assert (code, "write it with --to coco" in err) == (2, True)
    assert exit_code("data", "check", f"coco:{tmp_path / 'out/annotations.json'}") == 0
