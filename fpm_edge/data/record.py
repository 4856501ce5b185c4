"""One garment of a data set: its picture, its category and where its landmarks are."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from io import RawIOBase
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from fpm_edge.text.names import text_name
from fpm_edge_runtime.errors import DataError, ImageError
from fpm_edge_runtime.pixels.image import decode_image, load_image

__all__ = ["Box", "Record", "RenderKey", "ShardKey", "read_encoded", "read_image"]

# (x0, y0, x1, y1) in edge coordinates of a picture: (0, 0, width, height) is all of it.
Box: TypeAlias = tuple[float, float, float, float]


@dataclass(frozen=True, order=True)
class RenderKey:
    """A picture drawn on demand: `render_garment(seed, index, size=size)` always gives the same one.

    Attributes:
        seed: of the whole rendered data set.
        index: number of the garment in it, from 0.
        size: side of the square picture, pixels.
        empty: what is behind a garment, without one: `render_backdrop`.
    """

    seed: int
    index: int
    size: int
    empty: bool = False


@dataclass(frozen=True, order=True)
class ShardKey:
    """A picture inside a shard file.

    Attributes:
        path: the shard.
        offset, length: where the picture's encoded bytes lie in it.
        crc32: of these bytes, as `zlib.crc32`.
        photograph: number of the photograph; garments of the same one have the same, wherever their bytes are. The
            numbers are in the order in which the source's own photographs are sorted.
    """

    path: Path
    offset: int
    length: int
    crc32: int
    photograph: int


@dataclass(frozen=True, eq=False)
class Record:
    """One annotated garment (or person).

    Attributes:
        image: file of the picture, where it is in a shard, or the key that draws it.
        category: one of the categories of the data set's schema.
        landmarks: (L, 2) float32, (x, y) in pixels of the picture, pixel centres at integers;
            (−1, −1) where not labelled.
        visibility: (L,) int8; 1 visible, 0 labelled but occluded, −1 not labelled.
        identifier: unique within its data set and independent of where the data set is stored.
        box: region to crop, (x0, y0, x1, y1) in edge coordinates of the picture as `Letterbox.fit` takes it;
            it may reach beyond the picture. None for the whole picture.
    """

    image: Path | RenderKey | ShardKey
    category: str
    landmarks: NDArray[np.float32]
    visibility: NDArray[np.int8]
    identifier: str
    box: Box | None = None

    def __post_init__(self) -> None:
        # Of a file's name, and goes into digests and reports.
        object.__setattr__(self, "identifier", text_name(self.identifier))
        count = len(self.visibility)
        if self.landmarks.shape != (count, 2) or self.visibility.shape != (count,):
            raise DataError(
                f"record {self.identifier!r}: landmarks {self.landmarks.shape} and visibility {self.visibility.shape}; "
                "expected (L, 2) and (L,)"
            )
        if self.landmarks.dtype != np.float32 or self.visibility.dtype != np.int8:
            raise DataError(
                f"record {self.identifier!r}: landmarks {self.landmarks.dtype} and visibility "
                f"{self.visibility.dtype}; expected float32 and int8"
            )

    @property
    def photograph(self) -> str:
        """The same for garments of the same photograph, and for no others; sorts alike in a data set and its shards."""
        return f"{self.image.photograph:012d}" if isinstance(self.image, ShardKey) else str(self.image)


def read_image(record: Record) -> NDArray[np.uint8]:
    """The picture of a record, (height, width, 3) uint8 RGB, read from its file or shard, or drawn.

    Raises:
        ImageError: the file is missing, corrupt or not a picture.
        DataError: the shard is missing, cut short or altered.
    """
    if isinstance(record.image, Path):
        return load_image(record.image)
    if isinstance(record.image, ShardKey):
        return decode_image(_read_shard(record.image, record.identifier), f"{record.image.path}, {record.identifier}")
    # Drawing brings code that reading photographs does not need.
    from fpm_edge.render import render_backdrop, render_garment

    key = record.image
    if key.empty:
        return render_backdrop(key.seed, key.index, size=key.size)
    return render_garment(key.seed, key.index, size=key.size).image


def read_encoded(record: Record) -> bytes | None:
    """The bytes of a record's picture file, as they are on disk or in a shard; None for a drawn one.

    Raises:
        DataError: the file or shard is missing, cut short or altered.
    """
    if isinstance(record.image, RenderKey):
        return None
    if isinstance(record.image, ShardKey):
        return _read_shard(record.image, record.identifier)
    try:
        return record.image.read_bytes()
    except OSError as error:
        raise ImageError(f"{record.image}: cannot be read: {error.strerror}; check the path") from error


def _read_shard(key: ShardKey, identifier: str) -> bytes:
    # Opened anew each time: readers run in parallel, and share no position, no descriptor and no lock.
    try:
        with key.path.open("rb", buffering=0) as shard:
            shard.seek(key.offset)
            data = _read_exactly(shard, key.length)
    except OSError as error:
        raise DataError(
            f"{key.path}: record {identifier!r} cannot be read: {error.strerror}; bring the shard back, or shard again"
        ) from error
    if len(data) < key.length:
        raise DataError(f"{key.path}: cut short in record {identifier!r}; copy the shard anew, or shard again")
    if zlib.crc32(data) != key.crc32:
        raise DataError(f"{key.path}: the bytes of record {identifier!r} are altered; copy it anew, or shard again")
    return data


def _read_exactly(file: RawIOBase, length: int) -> bytes:
    """`length` bytes, or fewer at the end of the file: one call may return less than was asked for."""
    pieces: list[bytes] = []
    while length > 0 and (piece := file.read(length)):
        pieces.append(piece)
        length -= len(piece)
    return b"".join(pieces)
