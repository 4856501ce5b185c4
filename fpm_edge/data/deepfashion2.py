"""DeepFashion2's own form: a picture ``image/000001.jpg`` and its garments in ``annos/000001.json``."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from fpm_edge.data.collect import Collector
from fpm_edge.data.dataset import Dataset
from fpm_edge.data.images import ImageFinder
from fpm_edge.data.json_document import parse_json
from fpm_edge.data.keypoints import normal_name, number_list, visibility_of
from fpm_edge.data.location import local_path
from fpm_edge.data.problems import ProblemKind
from fpm_edge.data.record import Box
from fpm_edge.data.rows import BadRowError, ReadOptions, Row
from fpm_edge_runtime.bundle.schema import LandmarkSchema
from fpm_edge_runtime.bundle.schema_file import load_schema
from fpm_edge_runtime.errors import DataError, UsageError

__all__ = ["DeepFashion2Reader"]

_ANNOTATIONS, _PICTURES = "annos", "image"
_ITEM = re.compile(r"item[0-9]+")
_EMPTY = "items without a labelled landmark were left out"

# A picture's name, the key of an item in its file, and the item; or what is wrong with the file.
_Item: TypeAlias = tuple[str, str, object] | BadRowError


class DeepFashion2Reader:
    """Reads DeepFashion2; each item of a picture is a record, cropped to its ``bounding_box``.

    Items without any labelled landmark are left out, which `Dataset.notes` says.
    """

    kind = "deepfashion2"
    form = "deepfashion2:DIR (with annos/ and image/ in it)"

    def read(self, location: str, *, schema: LandmarkSchema | None, options: ReadOptions) -> Dataset:
        """See `DatasetReader.read`; the schema is deepfashion2 unless given.

        Raises:
            UsageError: the schema does not have deepfashion2's landmarks or categories.
        """
        shipped = load_schema("deepfashion2")
        schema = schema or shipped
        if schema.landmarks != shipped.landmarks or schema.categories != shipped.categories:
            raise UsageError(f"schema {schema.name!r} cannot be used with deepfashion2: files; expected deepfashion2")
        folder = local_path(location)
        files = _annotation_files(folder)
        notes: Counter[str] = Counter()

        def items() -> Iterator[tuple[str, _Item]]:
            for number, file in enumerate(files, 1):
                for where, item in _items(file):
                    if _is_empty(item):
                        notes[_EMPTY] += 1
                    else:
                        yield where, item
                if options.progress is not None:
                    options.progress(number, len(files))

        collector = Collector(schema, options)
        source = folder / _ANNOTATIONS
        collector.add(source, items(), lambda item: _parse(item, shipped), ImageFinder(source, options.images))
        return collector.dataset(folder.resolve().name, tuple(f"{count} {note}" for note, count in notes.items()))


def _annotation_files(folder: Path) -> list[Path]:
    """The JSON files of ``annos/``, by name."""
    if not folder.is_dir():
        raise DataError(f"{folder}: no such file or folder; expected the folder with DeepFashion2's annos/ and image/")
    files = sorted((folder / _ANNOTATIONS).glob("*.json"))
    if not files:
        parts = [child for child in sorted(folder.iterdir()) if (child / _ANNOTATIONS).is_dir()]
        hint = f"name one of its parts: {', '.join(f'deepfashion2:{part}' for part in parts)}" if parts else ""
        raise DataError(
            f"{folder}: no annotation file in this folder; expected one of: {_ANNOTATIONS}/*.json"
            f"{'; ' if hint else ''}{hint}"
        )
    return files


def _items(file: Path) -> Iterator[tuple[str, _Item]]:
    """Where each item is, and the item; a file that cannot be used is one item, bad."""
    try:
        document = parse_json(file.read_bytes())
    except (OSError, ValueError) as error:
        yield file.name, BadRowError(ProblemKind.MALFORMED_ROW, None, f"not valid JSON: {error}; get the file anew")
        return
    if not isinstance(document, dict) or "item1" not in document:
        held = ", ".join(list(document)[:10]) or "nothing" if isinstance(document, dict) else type(document).__name__
        problem = f"no item1, but {held}; expected item1, item2, … with category_id, bounding_box and landmarks"
        yield file.name, BadRowError(ProblemKind.MALFORMED_ROW, None, problem)
        return
    for key, item in document.items():
        if _ITEM.fullmatch(key):
            yield f"{file.name}, {key}", (f"{_PICTURES}/{file.stem}.jpg", key, item)


def _is_empty(item: _Item) -> bool:
    """Whether the item says of each of its landmarks that it is not labelled."""
    if isinstance(item, BadRowError) or not isinstance(item[2], dict):
        return False
    values = item[2].get("landmarks")
    return isinstance(values, list) and len(values) >= 3 and all(code == 0 for code in values[2::3])


def _parse(item: _Item, schema: LandmarkSchema) -> Row:
    if isinstance(item, BadRowError):
        raise item
    image, key, fields = item
    if not isinstance(fields, dict):
        raise BadRowError(ProblemKind.MALFORMED_ROW, None, "not an object; expected category_id, landmarks, …")
    category = _category(fields, schema)
    indices = list(schema.categories[category])
    table = _table(fields.get("landmarks"), category, [schema.landmarks[index] for index in indices])
    landmarks = np.full((len(schema.landmarks), 2), -1.0)
    visibility = np.full(len(schema.landmarks), -1.0)
    landmarks[indices], visibility[indices] = table[:, :2], table[:, 2]
    return Row(image, category, landmarks, visibility, _box(fields.get("bounding_box")), key=(image, key))


def _category(fields: dict[str, Any], schema: LandmarkSchema) -> str:
    """The category by its number, which the name must not contradict."""
    names = list(schema.categories)
    number, name = fields.get("category_id"), fields.get("category_name")
    if isinstance(number, bool) or not isinstance(number, int) or not 1 <= number <= len(names):
        problem = f"{number!r}; expected 1 to {len(names)}, {names[0]} to {names[-1]}"
        raise BadRowError(ProblemKind.UNKNOWN_CATEGORY, "category_id", problem)
    category = names[number - 1]
    if name is not None and normal_name(name) != category:
        problem = f"{name!r}, and category_id is {number}, which is {category}; expected the same of both"
        raise BadRowError(ProblemKind.UNKNOWN_CATEGORY, "category_name", problem)
    return category


def _table(values: object, category: str, names: Sequence[str]) -> NDArray[np.float64]:
    """(landmarks of the category, 3) x, y in pixels and visibility as `Row` has it."""
    if isinstance(values, list) and len(values) != 3 * len(names):
        problem = f"{len(values)} numbers, {len(values) / 3:g} landmarks; expected {len(names)} landmarks of {category}"
        raise BadRowError(ProblemKind.MALFORMED_ROW, "landmarks", f"{problem}, {3 * len(names)} numbers")
    table = number_list(values, 3 * len(names), "landmarks").reshape(-1, 3)
    table[:, 2] = visibility_of(table[:, 2], names)
    return table


def _box(value: object) -> Box:
    x0, y0, x1, y1 = (float(v) for v in number_list(value, 4, "bounding_box"))
    return x0, y0, x1, y1
