"""Which photograph a record shows: by a name that is the same wherever the data set is stored, and in its shards."""

from __future__ import annotations

import hashlib
import re

from fpm_edge.data.dataset import Dataset

__all__ = ["is_drawn", "name_hash", "photograph_names", "without_number"]

# The second garment of a photograph is called after it, with #2 (`Collector`).
_NUMBER = re.compile(r"#[0-9]+$")
# Drawn: seed, size and index. Another size is the same picture, only larger.
_DRAWN = re.compile(r"(rendered|backdrops)/([0-9]+)(?:/[0-9]+)?/([0-9]+)")


def without_number(identifier: str) -> str:
    """A record's identifier without the number of its garment: what the data call the photograph."""
    return _NUMBER.sub("", identifier)


def photograph_names(dataset: Dataset) -> tuple[str, ...]:
    """The name of each record's photograph, in the order of the records.

    Garments of one photograph have one name, even where the data call its file by two. Drawn pictures are called by
    seed and index, whatever their size.
    """
    first: dict[str, str] = {}
    for record in dataset.records:
        name = without_number(record.identifier)
        if drawn := _DRAWN.fullmatch(name):
            name = "/".join(drawn.groups())
        first[record.photograph] = min(name, first.get(record.photograph, name))
    return tuple(first[record.photograph] for record in dataset.records)


def is_drawn(name: str) -> bool:
    """Whether it is the name of a drawn picture, which no other picture has."""
    return _DRAWN.fullmatch(name) is not None


def name_hash(name: str, salt: str = "") -> int:
    """64 bits of a name, 0 to 2⁶⁴ − 1, evenly spread; others for each `salt`."""
    content = f"{salt}\0{name}".encode("utf-8", "surrogateescape")
    return int.from_bytes(hashlib.blake2b(content, digest_size=8).digest(), "big")
