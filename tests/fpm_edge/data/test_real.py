"""Real annotations, where they are at hand: the folder is named by FPM_EDGE_DATA."""

import os
from pathlib import Path

import numpy as np
import pytest

from fpm_edge.data import describe, load_dataset, read_image, split_dataset
from fpm_edge.data.export import export_dataset
from fpm_edge_runtime.errors import DataError, UsageError

pytestmark = pytest.mark.skipif("FPM_EDGE_DATA" not in os.environ, reason="FPM_EDGE_DATA not set")
DATA = Path(os.environ.get("FPM_EDGE_DATA", ""))


def test_street_photographs() -> None:
    dataset = load_dataset(f"fashionai:{DATA / 'ccp_landmarks'}")
    summary = describe(dataset)
    assert (summary.records, summary.pictures) == (516, 513)
    assert summary.categories == {"blouse": 0, "outwear": 0, "dress": 205, "skirt": 101, "trousers": 210}
    assert (summary.visible + summary.occluded, summary.occluded) == (2284, 602)
    assert summary.first_is_left > 0.99
    trousers = dataset.subset(categories=["trousers"])
    train, test = split_dataset(trousers, 45, seed=0)
    assert (len(train), len(test)) == (165, 45)
    for record in dataset.records[:5]:
        height, width, _ = read_image(record).shape
        assert max(height, width) == 512
        assert (record.landmarks[record.visibility >= 0] < [width, height]).all()


def test_fashionai_annotations() -> None:
    path = DATA / "fashionai_annotations/train_24col.csv.gz"
    dataset = load_dataset(f"fashionai:{path}", check_images=False)
    summary = describe(dataset)
    assert summary.categories == {"blouse": 7158, "outwear": 5596, "dress": 4912, "skirt": 7618, "trousers": 6347}
    assert summary.records == summary.pictures == 31631
    assert summary.first_is_left > 0.98
    assert dataset.name == "train_24col"
    # 512 occurs in pictures of 512 pixels, and is kept.
    assert max(float(record.landmarks.max()) for record in dataset.records) == 512


def test_fashionai_hold_out_names_garments_twice() -> None:
    """Some ids are in both parts that this author drew from: found, and skipped on request."""
    spec = f"fashionai:{DATA / 'fashionai_annotations/val.csv.gz'}"
    with pytest.raises(DataError, match=r"line \d+: .* is in line \d+ already"):
        load_dataset(spec, check_images=False)
    dataset = load_dataset(spec, check_images=False, skip_bad=True)
    assert len(dataset) + len(dataset.skipped) == 6415
    assert 0 < len(dataset.skipped) < 10


def test_fashionai_without_its_photographs_or_landmarks() -> None:
    with pytest.raises(DataError, match=r"line 2: the picture Images/blouse/\w+\.jpg is missing"):
        load_dataset(f"fashionai:{DATA / 'fashionai_annotations/test_a_24col.csv.gz'}")
    with pytest.raises(DataError, match="missing: neckline_left, neckline_right"):
        load_dataset(f"fashionai:{DATA / 'fashionai_annotations/test_a.csv'}")


def test_fashionai_samples() -> None:
    dataset = load_dataset(f"fashionai:{DATA / 'fashionai_samples'}")
    assert len(dataset) == 6
    assert all(min(read_image(record).shape[:2]) >= 384 for record in dataset.records)


def test_leeds_sports_pose() -> None:
    dataset = load_dataset(f"lsp:{DATA / 'lspet_pose'}")
    assert len(dataset) == 2600
    for record in dataset.records:
        assert record.box is not None
        low, high = np.array(record.box[:2]), np.array(record.box[2:])
        assert (record.visibility == 1).all()
        assert ((record.landmarks > low) & (record.landmarks < high)).all()
    assert read_image(dataset.records[0]).shape[2] == 3


def test_coco_of_clothing() -> None:
    dataset = load_dataset(f"coco:{DATA / 'mmpose_samples/fld/test_fld.json'}")
    assert dataset.schema.name == "deepfashion8"
    first, second = dataset.records
    assert (first.category, second.category) == ("full_body", "full_body")
    assert first.landmarks[0].tolist() == [108, 33]
    assert first.visibility.tolist() == [0, 0, 1, 0, 1, 0, 1, 0]
    assert second.visibility.tolist() == [1, 1, 1, 1, 1, 1, -1, 1]
    assert first.box == (88, 21, 136, 163)


def test_coco_of_people() -> None:
    assert len(load_dataset(f"coco:{DATA / 'mmpose_samples/aic/test_aic.json'}", schema="lsp14")) == 9
    with pytest.raises(DataError, match="no keypoints head_top of schema 'lsp14'"):
        load_dataset(f"coco:{DATA / 'mmpose_samples/crowdpose/test_crowdpose.json'}", schema="lsp14")
    with pytest.raises(UsageError, match="no shipped schema"):
        load_dataset(f"coco:{DATA / 'mmpose_samples/coco/test_coco.json'}")


def test_deepfashion2_in_coco_form_and_back(tmp_path: Path) -> None:
    """Its own converter numbers the key points, and mmpose calls the category otherwise."""
    spec = f"coco:{DATA / 'mmpose_samples/deepfasion2/deepfasion2.json'}"
    with pytest.raises(UsageError, match="no shipped schema"):
        load_dataset(spec)
    dataset = load_dataset(spec, schema="deepfashion2")
    assert [record.category for record in dataset.records] == ["long_sleeve_dress"] * 2
    assert [int((record.visibility >= 0).sum()) for record in dataset.records] == [28, 31]
    assert describe(dataset).first_is_left == 1
    again = load_dataset(export_dataset(dataset, tmp_path / "out", "coco").spec)
    assert again.schema.name == "deepfashion2"
    assert again.digest == dataset.digest
