"""Pictures are read once, as many as fit."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fpm_edge.accuracy.kept_pictures import KeptPictures
from fpm_edge.data import Dataset, Record, load_dataset, read_image
from fpm_edge_runtime.errors import ImageError


@pytest.fixture
def records(tmp_path: Path) -> tuple[Record, ...]:
    """Two records whose pictures are files of 12 kB of pixels each."""
    drawn: Dataset = load_dataset("rendered:2@7/64")
    made = []
    for record in drawn.records:
        path = tmp_path / f"{len(made)}.png"
        Image.fromarray(read_image(record)).save(path)
        made.append(replace(record, image=path))
    return tuple(made)


def test_a_picture_is_read_once(records: tuple[Record, ...]) -> None:
    read = KeptPictures()
    first = read(records[0])
    assert np.array_equal(first, read_image(records[0]))
    Path(str(records[0].image)).unlink()
    assert read(records[0]) is first


def test_what_does_not_fit_is_read_again(records: tuple[Record, ...]) -> None:
    read = KeptPictures(limit=64 * 64 * 3)
    kept, other = (read(record) for record in records)
    for record in records:
        Path(str(record.image)).unlink()
    assert read(records[0]) is kept
    with pytest.raises(ImageError):
        read(records[1])
    assert not np.array_equal(kept, other)
