"""COCO key points as JSON: ``images``, ``annotations`` and ``categories`` with their key-point names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fpm_edge.data.collect import collect
from fpm_edge.data.dataset import Dataset
from fpm_edge.data.files import data_name, open_text
from fpm_edge.data.images import ImageFinder
from fpm_edge.data.json_document import parse_json
from fpm_edge.data.keypoints import find_name, match_landmarks, normal_name, number_list, visibility_of
from fpm_edge.data.location import local_path
from fpm_edge.data.problems import Problem, ProblemKind
from fpm_edge.data.record import Box
from fpm_edge.data.rows import BadRowError, ReadOptions, Row
from fpm_edge_runtime.bundle.schema import LandmarkSchema
from fpm_edge_runtime.bundle.schema_file import SHIPPED_SCHEMAS, load_schema
from fpm_edge_runtime.errors import DataError, UsageError

__all__ = ["COCOReader"]

_SAME_ID = "annotations with the id of another one were read all the same, as exports that were merged have them"


@dataclass(frozen=True)
class _Category:
    """How the annotations of one COCO category map to the schema.

    Attributes:
        count: K, key points of an annotation.
        source: (L,) which key point is each landmark of the schema.
        name: category of the schema, or None: see `_category_of`.
    """

    count: int
    source: NDArray[np.intp]
    name: str | None


class COCOReader:
    """Reads COCO key points; ``bbox`` becomes `Record.box`, so that each garment or person is cropped, unless the
    annotation has ``"crop": false``.

    Key points are matched to the schema's landmarks by name (case, spaces and hyphens do not matter) or, where not
    one name is the schema's and the numbers of points are equal, by order. Annotations of crowds and those without
    any key point are left out. Both are said in `Dataset.notes`. The same garment is the same picture and place; ids of
    annotations that occur twice are only warned of. Pictures are relative to the folder of the file, and
    must have the ``width`` and ``height`` that it states.
    """

    kind = "coco"
    form = "coco:FILE.json[.gz]"

    def read(self, location: str, *, schema: LandmarkSchema | None, options: ReadOptions) -> Dataset:
        """See `DatasetReader.read`; without a schema, the shipped one whose landmark names the file has."""
        path = local_path(location)
        if not path.is_file():
            raise DataError(f"{path}: no such file; expected COCO key points as JSON")
        document = _load(path)
        images = _by_id(path, document, "images")
        entries = _by_id(path, document, "categories")
        annotations = document["annotations"]
        used = {_id(annotation.get("category_id")) for annotation in annotations if isinstance(annotation, dict)}
        named = {key: entry for key, entry in entries.items() if key in used and _names(entry)}
        if not named:
            raise DataError(f"{path}: no category with annotations names its keypoints; expected COCO key points")
        schema = schema or _matching_schema(path, named)
        notes: Counter[str] = Counter()
        categories = {key: _map(path, entry, schema, notes) for key, entry in named.items()}

        def parse(annotation: dict[str, Any]) -> Row:
            return _parse(annotation, images, categories, schema, notes)

        repeated = _repeated_ids(annotations)

        def items() -> Iterator[tuple[str, dict[str, Any]]]:
            for number, annotation in enumerate(annotations):
                where = f"annotations[{number}]"
                if isinstance(annotation, dict) and _is_empty(annotation):
                    notes["annotations of crowds or without key points were left out"] += 1
                    continue
                if number in repeated:
                    notes[_SAME_ID] += 1
                    if options.on_problem is not None:
                        message = (
                            f"{annotation['id']!r} is that of annotations[{repeated[number]}] too; expected each once"
                        )
                        options.on_problem(Problem(ProblemKind.SAME_ID, str(path), where, "id", message))
                yield where, annotation

        def said() -> tuple[str, ...]:
            return tuple(f"{count} {note}" for note, count in notes.items())

        finder = ImageFinder(path, options.images)
        return collect(path, schema, items(), parse, finder, options, name=data_name(path), notes=said)


def _load(path: Path) -> dict[str, Any]:
    try:
        with open_text(path) as text:
            document = parse_json(text.read())
    except ValueError as error:
        raise DataError(f"{path}: not valid JSON: {error}") from error
    if not isinstance(document, dict):
        raise DataError(
            f"{path}: a JSON {type(document).__name__}; expected an object with images, annotations, categories"
        )
    for key in ("images", "annotations", "categories"):
        if not isinstance(document.get(key), list):
            raise DataError(f"{path}: {key!r} is missing or no list; expected COCO key points")
    return document


def _id(value: object) -> int | str | None:
    return value if isinstance(value, int | str) else None


def _by_id(path: Path, document: dict[str, Any], key: str) -> dict[int | str | None, dict[str, Any]]:
    """The entries of a list by their id."""
    entries = {}
    for number, entry in enumerate(document[key]):
        if not isinstance(entry, dict) or _id(entry.get("id")) is None:
            raise DataError(f"{path}, {key}[{number}]: no id; expected an object with an id")
        if entry["id"] in entries:
            raise DataError(f"{path}, {key}[{number}]: id {entry['id']} occurs twice; expected each once")
        entries[entry["id"]] = entry
    return entries


def _repeated_ids(annotations: Sequence[object]) -> dict[int, int]:
    """Number of an annotation → of the first with its id; without those alike throughout, which are duplicates."""
    first_with: dict[int | str, int] = {}
    repeated = {}
    for number, annotation in enumerate(annotations):
        key = _id(annotation.get("id")) if isinstance(annotation, dict) else None
        if key is not None and annotations[first_with.setdefault(key, number)] != annotation:
            repeated[number] = first_with[key]
    return repeated


def _is_empty(annotation: dict[str, Any]) -> bool:
    """Whether the annotation says itself that it has no key points."""
    return bool(annotation.get("iscrowd")) or annotation.get("num_keypoints") == 0


def _names(category: dict[str, Any]) -> list[object]:
    """The key-point names of a category; empty if it has none."""
    names = category.get("keypoints")
    return names if isinstance(names, list) else []


def _matching_schema(path: Path, categories: dict[int | str | None, dict[str, Any]]) -> LandmarkSchema:
    """The shipped schema all of whose landmarks every category names."""
    for name in SHIPPED_SCHEMAS:
        schema = load_schema(name)
        wanted = {normal_name(landmark) for landmark in schema.landmarks}
        if all(wanted <= {normal_name(point) for point in entry["keypoints"]} for entry in categories.values()):
            return schema
    raise UsageError(
        f"{path}: its keypoints are those of no shipped schema ({', '.join(SHIPPED_SCHEMAS)}); "
        "name a schema, or the path of a .toml file that defines it"
    )


def _map(path: Path, entry: dict[str, Any], schema: LandmarkSchema, notes: Counter[str]) -> _Category:
    label = entry.get("name", entry["id"])
    source, named = match_landmarks(entry["keypoints"], schema, f"{path}: category {label!r}")
    if not named:
        notes[f"category ({label}) whose keypoints were matched to schema {schema.name!r} by order, not by name"] += 1
    known = list(schema.categories)
    index = 0 if len(known) == 1 else find_name(entry.get("name"), known, f"{path}: category {label!r}")
    name = None if index is None else known[index]
    return _Category(len(entry["keypoints"]), source, name)


def _parse(
    annotation: object,
    images: dict[int | str | None, dict[str, Any]],
    categories: dict[int | str | None, _Category],
    schema: LandmarkSchema,
    notes: Counter[str],
) -> Row:
    if not isinstance(annotation, dict):
        raise BadRowError(ProblemKind.MALFORMED_ROW, None, "not an object; expected a COCO annotation")
    entry = images.get(_id(annotation.get("image_id")), {})
    image = entry.get("file_name")
    if not isinstance(image, str):
        raise BadRowError(
            ProblemKind.MISSING_PICTURE,
            "image_id",
            f"{annotation.get('image_id')!r}; expected the id of an image with a file_name",
        )
    category = categories.get(_id(annotation.get("category_id")))
    if category is None:
        raise BadRowError(
            ProblemKind.UNKNOWN_CATEGORY,
            "category_id",
            f"{annotation.get('category_id')!r}; expected the id of a category that names its keypoints",
        )
    table = number_list(annotation.get("keypoints"), 3 * category.count, "keypoints").reshape(-1, 3)[category.source]
    visibility = visibility_of(table[:, 2], schema.landmarks)
    name = category.name or _category_of(visibility >= 0, schema, notes)
    # What `data convert` writes where a picture is not to be cropped.
    box = None if annotation.get("crop") is False else _box(annotation.get("bbox"))
    return Row(image, name, table[:, :2], visibility, box, stated_size=(_side(entry, "width"), _side(entry, "height")))


def _side(image: dict[str, Any], name: str) -> float | None:
    """Width or height of an image as the file says, None where it does not."""
    value = image.get(name)
    if value is None or (isinstance(value, int | float) and not isinstance(value, bool)):
        return value
    raise BadRowError(ProblemKind.BAD_CELL, f"images.{name}", f"{str(value)[:60]!r}; expected pixels")


def _box(value: object) -> Box | None:
    """COCO's (x, y, width, height) → edges."""
    if value is None:
        return None
    x, y, width, height = (float(v) for v in number_list(value, 4, "bbox"))
    return x, y, x + width, y + height


def _category_of(labelled: NDArray[np.bool_], schema: LandmarkSchema, notes: Counter[str]) -> str:
    """The category of a garment whose file does not tell: the smallest that has all the labelled landmarks.

    Where two such categories do not contain one another (a hem alone is of upper or lower body), it is the
    largest that has them, of which every map is trained.
    """
    seen = set(np.flatnonzero(labelled).tolist())
    able = {name: set(indices) for name, indices in schema.categories.items() if seen <= set(indices)}
    if not able:
        raise BadRowError(
            ProblemKind.FOREIGN_LANDMARK,
            "keypoints",
            f"no category of schema {schema.name!r} has all the labelled landmarks",
        )
    smallest = [name for name, mine in able.items() if not any(other < mine for other in able.values())]
    if len(smallest) == 1:
        notes["categories were derived from the labelled landmarks, as the file names none of the schema's"] += 1
        return smallest[0]
    notes["categories stay open after looking at the labelled landmarks; the largest that fits was taken"] += 1
    return max(able, key=lambda name: len(able[name]))
