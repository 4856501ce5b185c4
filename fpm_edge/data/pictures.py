"""Looking at every picture of a data set: which are damaged, and which are the same under several names."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from fpm_edge.data.dataset import Dataset
from fpm_edge.data.problems import Problem, ProblemKind
from fpm_edge.data.record import Record, read_encoded, read_image
from fpm_edge.data.workers import worker_count
from fpm_edge_runtime.errors import DataError
from fpm_edge_runtime.pixels.blank import is_one_colour
from fpm_edge_runtime.pixels.image import decode_image

__all__ = ["PictureScan", "damaged", "scan_pictures"]

# Pictures are handed out in batches of so many: results are kept, pictures are not.
_BATCH = 256


@dataclass(frozen=True)
class PictureScan:
    """What the pictures are like.

    Attributes:
        problems: damaged pictures, those whose bytes another one has too, and those of nearly one colour.
        sizes: `Record.photograph` → (width, height) in pixels, of those that are not damaged.
    """

    problems: tuple[Problem, ...]
    sizes: dict[str, tuple[int, int]]


def scan_pictures(dataset: Dataset, advance: Callable[[], None] = lambda: None) -> PictureScan:
    """Decode every picture once and compare their SHA-256. Drawn garments are decoded, but have no bytes to compare.

    Args:
        advance: called after each photograph.
    """
    problems: list[Problem] = []
    sizes: dict[str, tuple[int, int]] = {}
    first_with: dict[str, Record] = {}
    # Pillow decodes without holding the interpreter's lock.
    with ThreadPoolExecutor(worker_count(_BATCH)) as pool:
        for record, seen in _seen(pool, dataset):
            advance()
            if isinstance(seen, DataError):
                problems.append(damaged(dataset, record, seen))
                continue
            sizes[record.photograph] = seen.size
            if seen.one_colour:
                message = "nothing is to be seen on it; look at the file, or leave its rows out"
                problems.append(Problem(ProblemKind.ONE_COLOUR, dataset.name, record.identifier, None, message))
            first = first_with.setdefault(seen.digest, record) if seen.digest else record
            if first is not record:
                message = f"the file has the same bytes as that of {first.identifier}; expected each picture once"
                problems.append(Problem(ProblemKind.SAME_PICTURE, dataset.name, record.identifier, None, message))
    return PictureScan(tuple(problems), sizes)


def damaged(dataset: Dataset, record: Record, error: DataError) -> Problem:
    """The problem of a picture that cannot be read."""
    return Problem(ProblemKind.DAMAGED_PICTURE, dataset.name, record.identifier, None, str(error))


@dataclass(frozen=True)
class _Seen:
    """Digest of the picture's file, empty for a drawn one, its (width, height), and whether there is nothing on it."""

    digest: str
    size: tuple[int, int]
    one_colour: bool


def _seen(pool: ThreadPoolExecutor, dataset: Dataset) -> Iterator[tuple[Record, _Seen | DataError]]:
    """Each photograph once, by its first record."""
    firsts: dict[str, Record] = {}
    for record in dataset.records:
        firsts.setdefault(record.photograph, record)
    records = list(firsts.values())
    for start in range(0, len(records), _BATCH):
        batch = records[start : start + _BATCH]
        yield from zip(batch, pool.map(_look, batch), strict=True)


def _look(record: Record) -> _Seen | DataError:
    try:
        data = read_encoded(record)
        pixels = read_image(record) if data is None else decode_image(data, str(record.image))
    except DataError as error:
        return error
    digest = "" if data is None else hashlib.sha256(data).hexdigest()
    return _Seen(digest, (pixels.shape[1], pixels.shape[0]), is_one_colour(pixels))
