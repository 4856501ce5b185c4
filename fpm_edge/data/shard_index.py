"""The index of a folder of shards: which record lies where, and everything about it but its picture.

``index.json`` holds the format's name and version, the index, and the SHA-256 of the index as it stands in the file.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import msgspec

from fpm_edge.data.record import Box
from fpm_edge_runtime.bundle.schema import LandmarkSchema
from fpm_edge_runtime.errors import DataError

__all__ = ["INDEX_FILE", "Entry", "ShardFile", "ShardIndex", "encode_index", "load_index"]

INDEX_FILE = "index.json"
_FORMAT = "fpm-edge shards"
_VERSION = 1


class Entry(msgspec.Struct, frozen=True, array_like=True):
    """One record, written as a list to be short.

    Attributes:
        number: position in the data set, from 0, counted over all folders.
        photograph: see `ShardKey.photograph`.
        identifier, category, box: of the `Record`.
        landmarks: L pairs (x, y) of little-endian float32, pixels of the picture in the shard.
        visibility: L int8.
        shard: number of its file in `ShardIndex.shards`.
        offset, length, crc32: of the encoded picture in that file.
    """

    number: int
    photograph: int
    identifier: str
    category: str
    box: Box | None
    landmarks: bytes
    visibility: bytes
    shard: int
    offset: int
    length: int
    crc32: int


class ShardFile(msgspec.Struct, frozen=True):
    """A shard beside the index: its name, and its size in bytes."""

    name: str
    size: int


class ShardIndex(msgspec.Struct, frozen=True):
    """What one folder holds of a data set.

    Attributes:
        set_id: the same in all folders of one set, and in no other set.
        folder, folders: number of this folder, from 0, and how many the set has.
        name, schema, notes: of the data set.
        total: records of the data set, in all folders.
        shards: the files in this folder.
        entries: the records in them.
    """

    set_id: str
    folder: int
    folders: int
    name: str
    schema: LandmarkSchema
    notes: tuple[str, ...]
    total: int
    shards: tuple[ShardFile, ...]
    entries: tuple[Entry, ...]


class _Header(msgspec.Struct):
    """The part of the file that every version has."""

    format: str
    version: int


class _File(_Header):
    sha256: str
    index: msgspec.Raw


def encode_index(index: ShardIndex) -> bytes:
    """The content of ``index.json``."""
    content = msgspec.json.encode(index)
    digest = hashlib.sha256(content).hexdigest()
    return msgspec.json.encode(_File(_FORMAT, _VERSION, digest, msgspec.Raw(content))) + b"\n"


def load_index(folder: Path) -> ShardIndex:
    """The index of a folder.

    Raises:
        DataError: there is none, it is damaged, or a newer version wrote it.
        SchemaError: its schema is inconsistent.
    """
    if not folder.is_dir():
        raise DataError(f"{folder}: no such file or folder; expected a folder of shards")
    path = folder / INDEX_FILE
    if not path.is_file():
        raise DataError(
            f"{folder}: no {INDEX_FILE}, which is written last; expected a folder that `fpm-edge data shard` finished"
        )
    content = path.read_bytes()
    try:
        header = msgspec.json.decode(content, type=_Header)
        if header.format != _FORMAT:
            raise DataError(f"{path}: format {header.format!r}; expected {_FORMAT!r}")
        if header.version > _VERSION:
            raise DataError(
                f"{path}: version {header.version} is newer than {_VERSION}, which this fpm-edge reads; update fpm-edge"
            )
        file = msgspec.json.decode(content, type=_File)
        if hashlib.sha256(file.index).hexdigest() != file.sha256:
            raise DataError(f"{path}: altered since it was written; copy it anew, or shard again")
        index = msgspec.json.decode(file.index, type=ShardIndex)
    except msgspec.MsgspecError as error:
        raise DataError(f"{path}: not an index of shards: {error}; copy it anew, or shard again") from error
    _check(path, index)
    return index


def _check(path: Path, index: ShardIndex) -> None:
    """Refuse an index that would lead outside its shards, or to landmarks that its schema does not have."""
    count = len(index.schema.landmarks)
    for shard in index.shards:
        if Path(shard.name).name != shard.name:
            raise DataError(f"{path}: shard {shard.name!r} is no plain file name; shard again")
    for entry in index.entries:
        if not 0 <= entry.shard < len(index.shards):
            raise DataError(f"{path}: record {entry.identifier!r} is in shard {entry.shard}, which is not listed")
        inside = entry.offset >= 0 and entry.length > 0
        if not inside or entry.offset + entry.length > index.shards[entry.shard].size:
            raise DataError(f"{path}: record {entry.identifier!r} lies outside its shard; shard again")
        if len(entry.landmarks) != 8 * count or len(entry.visibility) != count:
            raise DataError(f"{path}: record {entry.identifier!r} has not {count} landmarks; shard again")
        if entry.category not in index.schema.categories:
            raise DataError(f"{path}: record {entry.identifier!r} is of unknown category {entry.category!r}")
