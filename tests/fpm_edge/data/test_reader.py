"""Specs, subsets and what the package promises as a whole."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import fpm_edge.data
from fpm_edge.data import READERS, Dataset, Record, load_dataset, read_image
from fpm_edge_runtime.bundle.schema_file import load_schema
from fpm_edge_runtime.errors import DataError, ImageError, SchemaError, UsageError


@pytest.mark.parametrize("spec", ["", "fashionai", "fashionai:", ":x", "FashionAI:x", "zip:x", "/some/folder"])
def test_a_spec_of_no_known_kind_lists_the_forms(spec: str) -> None:
    with pytest.raises(UsageError) as caught:
        load_dataset(spec)
    for form in ("fashionai:DIR", "deepfashion:DIR", "coco:FILE.json", "lsp:DIR", "rendered:COUNT@SEED/SIZE"):
        assert form in str(caught.value)


@pytest.mark.parametrize("kind", sorted(set(READERS) - {"rendered", "backdrops"}))
def test_a_missing_file_is_named(kind: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"nowhere(: no such file| is not a folder)"):
        load_dataset(f"{kind}:{tmp_path / 'nowhere'}")


@pytest.mark.parametrize("kind", ["fashionai", "deepfashion", "deepfashion2", "lsp"])
def test_a_folder_without_annotations_lists_what_was_looked_for(kind: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no annotation file in this folder; expected one of: \w+"):
        load_dataset(f"{kind}:{tmp_path}")


def test_unknown_schema_and_category(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(SchemaError, match="unknown landmark schema 'nothing'"):
        load_dataset("rendered:2", schema="nothing")
    with pytest.raises(SchemaError, match="category 'hat'"):
        load_dataset("rendered:2@0/32", categories=["hat"])
    whole = load_dataset("rendered:20@0/32")
    some = load_dataset("rendered:20@0/32", categories={"skirt", "dress"})
    assert {record.category for record in some.records} == {"skirt", "dress"}
    assert len(some) == sum(record.category in ("skirt", "dress") for record in whole.records)


def record(category: str = "person", **fields: object) -> Record:
    values = {"landmarks": np.zeros((14, 2), np.float32), "visibility": np.ones(14, np.int8), **fields}
    return Record(Path("x.jpg"), category, identifier="x", **values)  # type: ignore[arg-type]


def test_subset_takes_indices_in_the_order_given() -> None:
    records = (record(), record(), record())
    dataset = Dataset(records, load_schema("lsp14"), "three")
    assert dataset.subset([2, 0]).records == (records[2], records[0])
    assert dataset.subset(np.array([1])).records == (records[1],)
    for wrong in (3, -1):
        with pytest.raises(DataError, match=f"index {wrong} is outside 0..2"):
            dataset.subset([wrong])
    with pytest.raises(DataError, match="no records"):
        dataset.subset([])


@pytest.mark.parametrize(
    "fields",
    [
        {"landmarks": np.zeros((14, 3), np.float32)},
        {"landmarks": np.zeros((13, 2), np.float32)},
        {"landmarks": np.zeros((14, 2))},
        {"visibility": np.ones(14, np.int64)},
    ],
)
def test_a_record_of_another_shape_or_type_is_refused(fields: dict[str, object]) -> None:
    with pytest.raises(DataError, match="record 'x'"):
        record(**fields)


def test_the_digest_covers_every_annotation() -> None:
    schema = load_schema("lsp14")
    moved, hidden = np.zeros((14, 2), np.float32), np.ones(14, np.int8)
    moved[3, 1], hidden[5] = 0.25, 0
    variants = [record(), record(landmarks=moved), record(visibility=hidden), record(box=(0.0, 0.0, 9.0, 9.0))]
    digests = {Dataset((variant,), schema, "one").digest for variant in variants}
    assert len(digests) == len(variants)
    assert Dataset((record(),), schema, "other name").digest in digests


def test_a_picture_gone_since_loading_is_named() -> None:
    with pytest.raises(ImageError, match=r"x\.jpg"):
        read_image(record())


def test_public_names_are_what_is_promised() -> None:
    assert list(fpm_edge.data.__all__) == sorted(fpm_edge.data.__all__, key=lambda n: (not n.isupper(), n))
    assert all(hasattr(fpm_edge.data, name) for name in fpm_edge.data.__all__)


def test_no_tensorflow_is_loaded() -> None:
    script = (
        "import sys, fpm_edge.data; print([m for m in sys.modules if m.split('.')[0] in ('tensorflow', 'tf_keras')])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "[]"
