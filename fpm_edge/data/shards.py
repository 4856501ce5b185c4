"""Shards on one disk or on several: ``shards:DIR[,DIR2,...]``. Needs no TensorFlow; `shard_writer` makes them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from fpm_edge.data.dataset import Dataset
from fpm_edge.data.location import local_path
from fpm_edge.data.record import Record, ShardKey
from fpm_edge.data.rows import ReadOptions
from fpm_edge.data.shard_index import ShardIndex, load_index
from fpm_edge_runtime.bundle.schema import LandmarkSchema
from fpm_edge_runtime.errors import DataError, UsageError

__all__ = ["ShardReader"]


class ShardReader:
    """Reads the indexes of all folders of a set; pictures are read where they lie, in any order, when wanted."""

    kind = "shards"
    form = "shards:DIR[,DIR2,...]"

    def read(self, location: str, *, schema: LandmarkSchema | None, options: ReadOptions) -> Dataset:
        """See `DatasetReader.read`. The data set is the one that was sharded: its name, its order, its digest.

        Raises:
            DataError: a folder or shard is missing, cut short or altered, or the folders are of different sets.
            UsageError: the schema is not the one of the shards.
        """
        folders = _folders(location)
        indexes = [load_index(folder) for folder in folders]
        _check_set(folders, indexes)
        first = indexes[0]
        if schema is not None and (schema.landmarks, schema.categories) != (
            first.schema.landmarks,
            first.schema.categories,
        ):
            raise UsageError(f"schema {schema.name!r} cannot be used with these shards; expected {first.schema.name!r}")
        if options.check_images:
            for folder, index in zip(folders, indexes, strict=True):
                _check_files(folder, index)
        numbered = dict(
            pair for folder, index in zip(folders, indexes, strict=True) for pair in _records(folder, index)
        )
        if sorted(numbered) != list(range(first.total)):
            raise DataError(
                f"{', '.join(map(str, folders))}: {len(numbered)} of {first.total} records are listed; shard again"
            )
        records = tuple(numbered[number] for number in range(first.total))
        return Dataset(records, schema or first.schema, first.name, notes=first.notes)


def _folders(location: str) -> list[Path]:
    whole = local_path(location)
    folders = [whole] if whole.exists() else [local_path(part) for part in location.split(",") if part]
    if len({folder.resolve() for folder in folders}) < len(folders):
        raise UsageError(f"shards:{location} names a folder twice; expected each once")
    return folders


def _check_set(folders: Sequence[Path], indexes: Sequence[ShardIndex]) -> None:
    """The folders are all those of one set, each once."""
    first = indexes[0]
    for folder, index in zip(folders, indexes, strict=True):
        if index.set_id != first.set_id:
            raise DataError(f"{folder} and {folders[0]} are of different sets of shards; name the folders of one")
    here = sorted(index.folder for index in indexes)
    if here != list(range(first.folders)):
        raise DataError(
            f"{', '.join(map(str, folders))}: of the {first.folders} folders of this set, number "
            f"{', '.join(str(n + 1) for n in here)} are here; name all of them, each once: shards:DIR,DIR2"
        )


def _check_files(folder: Path, index: ShardIndex) -> None:
    for shard in index.shards:
        path = folder / shard.name
        if not path.is_file():
            raise DataError(f"{path}: this shard is missing; bring it back, or shard again")
        size = path.stat().st_size
        if size != shard.size:
            what = "cut short" if size < shard.size else "too long"
            raise DataError(f"{path}: {what}: {size} bytes, expected {shard.size}; copy it anew, or shard again")


def _records(folder: Path, index: ShardIndex) -> Iterator[tuple[int, Record]]:
    """The records of a folder with their numbers in the data set."""
    paths = [folder / shard.name for shard in index.shards]
    for entry in index.entries:
        # Both are views of bytes, and so cannot be written to.
        landmarks = np.frombuffer(entry.landmarks, "<f4").reshape(-1, 2).astype(np.float32, copy=False)
        visibility = np.frombuffer(entry.visibility, np.int8)
        key = ShardKey(paths[entry.shard], entry.offset, entry.length, entry.crc32, entry.photograph)
        yield entry.number, Record(key, entry.category, landmarks, visibility, entry.identifier, entry.box)
