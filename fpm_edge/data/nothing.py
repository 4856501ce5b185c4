"""Pictures without any garment: a network learns from them to say nothing, and is measured on whether it does."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from fpm_edge.data.dataset import Dataset
from fpm_edge.data.location import local_path
from fpm_edge.data.record import Record, RenderKey
from fpm_edge.data.rows import ReadOptions
from fpm_edge_runtime.bundle.recognition import NOTHING
from fpm_edge_runtime.bundle.schema import LandmarkSchema
from fpm_edge_runtime.bundle.schema_file import load_schema
from fpm_edge_runtime.errors import DataError, UsageError

__all__ = ["NOTHING", "BackdropsReader", "NothingReader"]

_SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".bmp"}
_BACKDROPS = re.compile(r"([0-9]{1,8})(?:@([0-9]{1,9})(?:/([0-9]{1,4}))?)?")
_DEFAULT_SIZE = 256
_SIZES = range(32, 4097)


class NothingReader:
    """Every picture of a folder, in the order of the names; folders inside it are not looked at."""

    kind = "nothing"
    form = "nothing:DIR"

    def read(self, location: str, *, schema: LandmarkSchema | None, options: ReadOptions) -> Dataset:
        """See `DatasetReader.read`; any schema can be given, fashionai24 if none is.

        Raises:
            DataError: there is no such folder, or no picture in it.
        """
        folder = local_path(location)
        if not folder.is_dir():
            raise DataError(f"{folder} is not a folder; expected one with pictures in which there is no garment")
        paths = sorted(path for path in folder.iterdir() if path.suffix.lower() in _SUFFIXES)
        if not paths:
            raise DataError(f"{folder} holds no picture; expected {', '.join(sorted(_SUFFIXES))}")
        return _dataset([(path, path.name) for path in paths], schema, folder.name)


class BackdropsReader:
    """Places without a garment, drawn on demand: floors, walls, shops, streets."""

    kind = "backdrops"
    form = "backdrops:COUNT or backdrops:COUNT@SEED or backdrops:COUNT@SEED/SIZE"

    def read(self, location: str, *, schema: LandmarkSchema | None, options: ReadOptions) -> Dataset:
        """See `DatasetReader.read`; seed 0 and size 256 unless given; any schema, fashionai24 if none is.

        Raises:
            UsageError: the location is malformed.
        """
        match = _BACKDROPS.fullmatch(location)
        count, seed, size = (int(v or 0) for v in match.groups()) if match else (0, 0, 0)
        size = size if match and match.group(3) else _DEFAULT_SIZE
        if count < 1 or size not in _SIZES:
            raise UsageError(
                f"backdrops:{location} cannot be drawn; expected {self.form}, with COUNT from 1 and SIZE from "
                f"{_SIZES.start} to {_SIZES.stop - 1} pixels, such as backdrops:200@7/256"
            )
        keys = [(RenderKey(seed, i, size, empty=True), f"backdrops/{seed}/{size}/{i}") for i in range(count)]
        return _dataset(keys, schema, f"backdrops-{count}-{seed}-{size}")


def _dataset(
    pictures: list[tuple[Path, str]] | list[tuple[RenderKey, str]], schema: LandmarkSchema | None, name: str
) -> Dataset:
    schema = schema or load_schema("fashionai24")
    count = len(schema.landmarks)
    points = np.full((count, 2), -1.0, np.float32)
    visibility = np.full(count, -1, np.int8)
    points.setflags(write=False)
    visibility.setflags(write=False)
    return Dataset(tuple(Record(image, NOTHING, points, visibility, key) for image, key in pictures), schema, name)
