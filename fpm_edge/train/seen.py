"""Which photographs a model was trained on: kept with it, so that accuracy is not measured on what it has seen.

A run keeps them in ``trained_on.json`` beside its weights, a bundle at the end of its card. A photograph is 64 bits:
40 of its name's hash, 2 of the kind of its file, and 22 of the file's content. Names alone do not tell photographs
apart: the parts of DeepFashion2 all begin with ``image/000001.jpg``.
"""

import base64
import hashlib
import os
import re
from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from fpm_edge.data import Dataset, Record, ShardKey
from fpm_edge.data.photographs import is_drawn, name_hash, photograph_names
from fpm_edge.text.names import text_name
from fpm_edge_runtime import Bundle, BundleError, ModelError, UsageError, open_bundle
from fpm_edge_runtime.files import write_atomically

__all__ = ["SEEN_FILE", "Seen", "card_lines", "read_seen", "refuse_seen", "seen_by", "write_seen"]

SEEN_FILE = "trained_on.json"
"""In the folder of a model."""

_FORMAT = "fpm-edge photographs"
_RUN = "run.json"
_MARK_BITS, _KIND_BITS = 22, 2
_NAME_SHIFT = _MARK_BITS + _KIND_BITS
# What a mark is made of. Those of a file and of its copy in a shard, which may be smaller, say nothing of each other.
_DRAWN, _FILE, _SHARD = range(3)
# The end of a compressed picture is as good as all of it to tell two apart.
_TAIL = 256
# 160 kB: more would be felt in a bundle of 1 MB.
_MOST_IN_A_CARD = 20_000
_HEADING = "## Photographs that it was trained on"
_HELD = re.compile(r"`(--holdout [^`]*)`")


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Content of `SEEN_FILE`; `photographs` are the codes in order, each 8 bytes, little-endian, in Base64."""

    format: str
    version: int
    held_back: str
    photographs: bytes


@dataclass(frozen=True)
class Seen:
    """Photographs that a model was trained on, those of the models that it began with or learnt from included.

    Attributes:
        codes: (n,) uint64, ascending, each once.
        held_back: the options by which the others were held back, such as ``--holdout 100 --split-seed 0``; empty
            where nothing was.
    """

    codes: NDArray[np.uint64]
    held_back: str = ""

    @staticmethod
    def of(dataset: Dataset, *before: "Seen | None", held_back: str = "") -> "Seen":
        """Those of `dataset`, and those of the models that came before, where they are known."""
        codes = np.array([code for _, code in _codes(dataset)], np.uint64)
        codes = np.concatenate([codes, *(known.codes for known in before if known is not None)])
        return Seen(np.unique(codes), text_name(held_back))

    @property
    def fits_in_a_card(self) -> bool:
        """Whether a bundle can say which they are."""
        return len(self.codes) <= _MOST_IN_A_CARD

    @property
    def digest(self) -> str:
        """SHA-256 of the codes."""
        return hashlib.sha256(self._bytes).hexdigest()

    @property
    def _bytes(self) -> bytes:
        return self.codes.astype("<u8").tobytes()

    def among(self, dataset: Dataset) -> tuple[list[str], int]:
        """The photographs of `dataset` that are among them, and how many others only have the name of one of them."""
        names = dict.fromkeys(photograph_names(dataset))
        hashes = np.array([name_hash(name) >> _NAME_SHIFT for name in names], np.uint64)
        known = self.codes >> np.uint64(_NAME_SHIFT)
        common = dict.fromkeys(name for name, is_known in zip(names, np.isin(hashes, known), strict=True) if is_known)
        # Files are only looked into where their names are known.
        seen = dict.fromkeys(
            name
            for name, code in _codes(dataset, common)
            if any(_is_same(int(other), code) for other in self.codes[known == np.uint64(code >> _NAME_SHIFT)])
        )
        return list(seen), len(common) - len(seen)


def _codes(dataset: Dataset, wanted: Container[str] | None = None) -> Iterator[tuple[str, int]]:
    """Name and code of each photograph, of all or of those with `wanted` names; two files may have one name."""
    names = photograph_names(dataset)
    photographs = {(name, record.photograph): record for name, record in zip(names, dataset.records, strict=True)}
    for (name, _), record in photographs.items():
        if wanted is None or name in wanted:
            kind, mark = (_DRAWN, 0) if is_drawn(name) else _mark(record)
            short = mark & ((1 << _MARK_BITS) - 1)
            yield name, (name_hash(name) >> _NAME_SHIFT << _NAME_SHIFT) | kind << _MARK_BITS | short


def _mark(record: Record) -> tuple[int, int]:
    """What tells a photograph from others of its name."""
    if isinstance(record.image, ShardKey):
        return _SHARD, record.image.crc32
    try:
        with Path(str(record.image)).open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - _TAIL))
            return _FILE, name_hash(file.read(_TAIL).hex(), str(size))
    except OSError:
        # Of a picture that cannot be read, the name has to do.
        return _DRAWN, 0


def _is_same(one: int, other: int) -> bool:
    """Whether two codes of one name are of one photograph, or may be."""
    kinds = {code >> _MARK_BITS & (1 << _KIND_BITS) - 1 for code in (one, other)}
    return one == other or len(kinds) > 1 or kinds == {_DRAWN}


def write_seen(folder: Path, seen: Seen) -> None:
    """Write `SEEN_FILE` into a model's folder; it appears whole or not at all. Raises OSError."""
    content = msgspec.json.encode(_File(_FORMAT, 1, seen.held_back, seen._bytes))
    write_atomically(folder / SEEN_FILE, content + b"\n")


def read_seen(folder: Path) -> Seen | None:
    """What the model in `folder` was trained on; None where nothing says so, as of models from before this was kept.

    Raises:
        ModelError: the file is damaged, or missing though the run says that there is one.
    """
    path = folder / SEEN_FILE
    expected = _expected(folder / _RUN)
    if not path.is_file():
        if expected is None:
            return None
        raise ModelError(f"{path}: is missing, which says what the model was trained on; bring it back from the run")
    try:
        file = msgspec.json.decode(path.read_bytes(), type=_File)
    except (OSError, msgspec.MsgspecError) as error:
        raise ModelError(f"{path}: cannot be read: {error}; bring it back from the run") from error
    if (file.format, file.version) != (_FORMAT, 1):
        raise ModelError(f"{path}: {file.format!r}, version {file.version}; expected {_FORMAT!r}, version 1")
    seen = _decoded(file.photographs, file.held_back)
    if seen is None or expected not in (None, seen.digest):
        raise ModelError(f"{path}: is not what the run wrote (see {_RUN} there); bring it back from the run")
    return seen


def _expected(run: Path) -> str | None:
    """The digest in the record of the run."""
    try:
        return msgspec.json.decode(run.read_bytes(), type=_Run).trained_on
    except (OSError, msgspec.MsgspecError):
        # Without the record the file stands for itself; `--resume` is what refuses a damaged one.
        return None


class _Run(msgspec.Struct):
    trained_on: str | None = None


def _decoded(codes: bytes, held_back: str) -> Seen | None:
    """None where the codes are none."""
    if len(codes) % 8:
        return None
    seen = Seen(np.frombuffer(codes, "<u8").astype(np.uint64), held_back)
    return seen if all(a < b for a, b in pairwise(seen.codes)) else None


def card_lines(seen: Seen | None) -> list[str]:
    """The end of a bundle's card, from which `seen_by` reads them back; nothing where they are unknown or too many."""
    if seen is None or not len(seen.codes) or not seen.fits_in_a_card:
        return []
    codes = base64.b64encode(seen._bytes).decode()
    # A list may have any name.
    is_plain = seen.held_back.isprintable() and "`" not in seen.held_back
    held = f"; held back: `{seen.held_back}`" if seen.held_back and is_plain else ""
    return [
        _HEADING,
        "",
        f"{len(seen.codes)} photographs{held}. Hashes of their names and of the ends of their files, by which tools",
        "refuse to measure on them:",
        "",
        *(f"    {codes[at : at + 116]}" for at in range(0, len(codes), 116)),
        "",
    ]


def seen_by(model: Path | Bundle) -> Seen | None:
    """What a model was trained on, by its folder or its bundle; None where nothing says so.

    Raises:
        ModelError, BundleError: it is damaged.
    """
    if isinstance(model, Path):
        if model.is_dir():
            return read_seen(model)
        model = open_bundle(model)
    if "card.md" not in model.members:
        return None
    _, heading, section = model.read("card.md").decode("utf-8", "replace").rpartition(f"\n{_HEADING}\n")
    if not heading:
        return None
    words, _, codes = section.strip().rpartition("\n\n")
    held = _HELD.search(words)
    try:
        seen = _decoded(base64.b64decode("".join(codes.split()), validate=True), held[1] if held else "")
    except ValueError:
        seen = None
    if seen is None:
        raise BundleError("card.md: what it says of the photographs that it was trained on is damaged; convert again")
    return seen


def refuse_seen(dataset: Dataset, models: Iterable[tuple[str, Seen | None]], *, allowed: bool) -> tuple[str, ...]:
    """Refuse to measure models on what they were trained on.

    Args:
        dataset: what is to be measured on.
        models: what each is called, and what is known of it.
        allowed: say so instead.

    Returns:
        What there is to say.

    Raises:
        UsageError: there is a photograph that one of the models was trained on, and it is not `allowed`.
    """
    notes = []
    for name, seen in models:
        if seen is None:
            continue
        found, namesakes = seen.among(dataset)
        count = len(set(photograph_names(dataset)))
        if found:
            how = f"with {seen.held_back}" if seen.held_back else "with nothing held back"
            words = f"{name}: {len(found)} of {count} photographs to measure on were trained on, the first: "
            words += repr(found[0])
            if not allowed:
                advice = "measure on what was held back, on other data, or give --allow-seen"
                raise UsageError(f"{words} (it was trained {how}); {advice}")
            notes.append(words)
        if namesakes:
            notes.append(
                f"{name}: {namesakes} of {count} photographs have names of some that were trained on, and are other "
                "files; they are taken for others"
            )
    return tuple(notes)
