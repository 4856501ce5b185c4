"""Pictures without a garment: from a folder, and drawn."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fpm_edge.data import NOTHING, describe, load_dataset, read_image
from fpm_edge.data.shard_writer import write_shards
from fpm_edge.render import render_backdrop
from fpm_edge_runtime.errors import DataError, UsageError


def test_every_picture_of_a_folder_shows_nothing(tmp_path: Path) -> None:
    for name in ("b.png", "a.JPG", "notes.txt"):
        if name.endswith("txt"):
            (tmp_path / name).write_text("x")
        else:
            Image.new("RGB", (40, 30), (9, 90, 200)).save(tmp_path / name)
    data = load_dataset(f"nothing:{tmp_path}")
    assert [record.identifier for record in data.records] == ["a.JPG", "b.png"]
    assert {record.category for record in data.records} == {NOTHING}
    assert all((record.visibility == -1).all() for record in data.records)
    assert read_image(data.records[1]).shape == (30, 40, 3)
    assert describe(data).categories[NOTHING] == 2


@pytest.mark.parametrize("schema", [None, "lsp14"])
def test_backdrops_are_the_same_again_and_differ(schema: str | None) -> None:
    data = load_dataset("backdrops:3@4/64", schema=schema)
    pictures = [read_image(record) for record in data.records]
    np.testing.assert_array_equal(pictures[1], render_backdrop(4, 1, size=64))
    assert len({picture.tobytes() for picture in pictures}) == 3
    assert pictures[0].shape == (64, 64, 3)
    assert len(data.records[0].visibility) == len(data.schema.landmarks)


def test_what_cannot_be_meant_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds no picture"):
        load_dataset(f"nothing:{tmp_path}")
    with pytest.raises(DataError, match="is not a folder"):
        load_dataset(f"nothing:{tmp_path / 'missing'}")
    for location in ("0", "x", "5@1/8"):
        with pytest.raises(UsageError, match="cannot be drawn; expected backdrops:COUNT"):
            load_dataset(f"backdrops:{location}")


def test_it_is_not_written_as_shards_that_nobody_could_read(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="without a garment, which shards do not hold"):
        write_shards(load_dataset("backdrops:2@1/64"), [tmp_path / "shards"])
    assert not (tmp_path / "shards").exists()
