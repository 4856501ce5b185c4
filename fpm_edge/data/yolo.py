"""Pose data sets of YOLO (Ultralytics): a ``data.yaml``, pictures in ``images``, and a text file each in ``labels``."""

from __future__ import annotations

import math
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from fpm_edge.data.collect import Collector
from fpm_edge.data.dataset import Dataset
from fpm_edge.data.files import open_text, words_of
from fpm_edge.data.images import ImageFinder
from fpm_edge.data.keypoints import visibility_of
from fpm_edge.data.location import local_path
from fpm_edge.data.problems import ProblemKind
from fpm_edge.data.rows import BadRowError, ReadOptions, Row
from fpm_edge.data.yolo_config import load_config
from fpm_edge.data.yolo_form import BOX, RowForm, row_form
from fpm_edge.data.yolo_pictures import SplitPictures, label_file, pictures_of
from fpm_edge_runtime.bundle.schema import LandmarkSchema
from fpm_edge_runtime.errors import DataError

__all__ = ["YOLOReader"]

# Shares of a picture that no landmark of it can have: pixels were written in their place.
_FARTHEST = 2.0
_EMPTY = "objects without a labelled key point were left out"
_UNLABELLED = "pictures without a label file, or with an empty one, were left out"
_NO_VISIBILITY = (
    "key points at 0 0 or left of or above the picture were read as not labelled: the rows have no visibility"
)
_NEVER_VISIBLE = "key points have v = 1 and none has 2: all were read as occluded; write 2 where they are visible"

# A picture's name and the words of a line; or what is wrong with the file.
_Item: TypeAlias = tuple[str, list[str]] | BadRowError


class YOLOReader:
    """Reads YOLO pose labels; the box of each object becomes `Record.box`, so that it is cropped.

    A row is ``class cx cy width height`` and K times ``x y`` or ``x y v``, as shares of the picture; v as in COCO.
    Without v a key point counts as labelled unless it is at 0 0, as exporters write it, or has a negative coordinate,
    which is how Ultralytics itself marks it. Pictures without objects, and objects without labelled key points, are
    left out. All this is said in `Dataset.notes`.
    """

    kind = "yolo"
    form = "yolo:DATA.yaml or yolo:DATA.yaml#val"

    def read(self, location: str, *, schema: LandmarkSchema | None, options: ReadOptions) -> Dataset:
        """See `DatasetReader.read`; without a schema, one of the key points and classes that the YAML file names.

        Raises:
            UsageError: there is no such split, or not one class is a category of the schema.
        """
        path, split = _split_of(location)
        config = load_config(path)
        notes: Counter[str] = Counter()
        codes: Counter[float] = Counter()
        form = row_form(config, schema, notes)
        found = pictures_of(config, split)
        root = options.images or found.root
        finder = ImageFinder(path, root)

        def items() -> Iterator[tuple[str, _Item]]:
            sharing = Counter(label_file(picture) for picture in found.files)
            for number, picture in enumerate(found.files, 1):
                yield from _items(picture, found, notes, shared=sharing[label_file(picture)] > 1)
                if options.progress is not None:
                    options.progress(number, len(found.files))

        def parse(item: _Item) -> Row:
            return _parse(item, form, finder, notes, codes)

        def good() -> Iterator[tuple[str, _Item]]:
            for where, item in items():
                if _is_empty(item, form):
                    notes[_EMPTY] += 1
                else:
                    yield where, item

        collector = Collector(form.schema, options)
        collector.add(path, good(), parse, finder)
        if notes[_UNLABELLED] == len(found.files):
            raise DataError(
                f"{path}: not one of the {len(found.files)} pictures of {split} has a label file; expected for "
                f"{found.files[0]} {label_file(found.files[0])}"
            )
        if codes[1] and not codes[2]:
            notes[_NEVER_VISIBLE] = codes[1]
        said = tuple(f"{count} {note}" if count > 0 else note for note, count in notes.items())
        return collector.dataset(f"{path.stem} ({split})", said)


def _split_of(location: str) -> tuple[Path, str]:
    """The YAML file, and the split after the # or "train"."""
    whole = local_path(location)
    name, mark, split = location.rpartition("#")
    if whole.is_file() or not mark:
        return whole, "train"
    return local_path(name), split


def _items(picture: Path, found: SplitPictures, notes: Counter[str], *, shared: bool) -> Iterator[tuple[str, _Item]]:
    """Where each row of a picture's label file is, and its words; one bad row where pictures share the file."""
    file = label_file(picture)
    name, place = os.path.relpath(picture, found.root), os.path.relpath(file, found.root)
    lines: list[str] = []
    if file.is_file():
        if shared:
            other = next(p for p in found.files if p != picture and label_file(p) == file)
            problem = f"these are the labels of {picture} and of {other}; expected a file each, so rename one of them"
            yield place, BadRowError(ProblemKind.DOUBTFUL_PICTURE, None, problem)
            return
        try:
            with open_text(file, any_bytes=True) as text:
                lines = list(text)
        except DataError as error:
            yield place, BadRowError(ProblemKind.MALFORMED_ROW, None, str(error))
            return
    elif not picture.is_file():
        yield place, BadRowError(ProblemKind.MISSING_PICTURE, None, f"the picture {picture} is missing, and its labels")
        return
    if not any(line.strip() for line in lines):
        notes[_UNLABELLED] += 1
    for number, line in enumerate(lines, 1):
        if line.strip():
            words = words_of(line)
            item: _Item = words if isinstance(words, BadRowError) else (Path(name).as_posix(), words)
            yield f"{place}, line {number}", item


def _is_empty(item: _Item, form: RowForm) -> bool:
    """Whether a row has v = 0 throughout or, without v, 0 0."""
    if isinstance(item, BadRowError) or len(item[1]) != form.columns:
        return False
    words = item[1][BOX + 2 :: 3] if form.config.numbers == 3 else item[1][BOX:]
    return all(word.strip("0") in ("", ".") for word in words)


def _parse(item: _Item, form: RowForm, finder: ImageFinder, notes: Counter[str], codes: Counter[float]) -> Row:
    if isinstance(item, BadRowError):
        raise item
    image, words = item
    config = form.config
    if len(words) != form.columns:
        problem = (
            f"{len(words)} columns; expected {form.columns}: class, 4 of the box, and {config.points} × "
            f"{config.numbers} of the key points (kpt_shape)"
        )
        raise BadRowError(ProblemKind.MALFORMED_ROW, None, problem)
    numbers = _numbers(words)
    category = form.category(numbers[0])
    size = np.array(_size(image, finder), np.float64)
    table = numbers[BOX:].reshape(-1, config.numbers)[form.source]
    if config.numbers == 3:
        visibility = visibility_of(table[:, 2], form.schema.landmarks)
        codes.update(table[:, 2].tolist())
    else:
        absent = (table < 0).any(axis=1) | (table == 0).all(axis=1)
        visibility = np.where(absent, -1.0, 1.0)
        if absent.any():
            notes[_NO_VISIBILITY] += int(absent.sum())
    far = (visibility >= 0) & (np.abs(table[:, :2]) > _FARTHEST).any(axis=1)
    if far.any():
        bad = int(far.argmax())
        x, y = table[bad, :2]
        problem = f"x={x:g}, y={y:g}; expected shares of the picture, from 0 to 1, not pixels"
        raise BadRowError(ProblemKind.OUT_OF_FRAME, form.schema.landmarks[bad], problem)
    centre, half = numbers[1:3] * size, numbers[3:5] * size / 2
    (x0, y0), (x1, y1) = (centre - half).tolist(), (centre + half).tolist()
    return Row(image, category, table[:, :2] * size, visibility, (x0, y0, x1, y1))


def _numbers(words: Sequence[str]) -> NDArray[np.float64]:
    values = [_number(word) for word in words]
    if None in values:
        bad = values.index(None)
        problem = f"{words[bad]!r} is not a finite number; expected {len(words)} numbers"
        raise BadRowError(ProblemKind.BAD_CELL, str(bad + 1), problem)
    return np.array(values, np.float64)


def _number(word: str) -> float | None:
    try:
        value = float(word)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _size(image: str, finder: ImageFinder) -> tuple[int, int]:
    """(width, height), which the shares are of. Without the picture there are no pixels."""
    path, size = finder.find(image)
    if path is None:
        problem = f"the picture {image} is missing; looked in {finder.roots}"
        raise BadRowError(ProblemKind.MISSING_PICTURE, None, problem)
    if size == (0, 0):
        problem = f"{path} is no picture, damaged, or too large; expected e.g. JPEG, PNG or WebP"
        raise BadRowError(ProblemKind.DAMAGED_PICTURE, None, problem)
    return size
