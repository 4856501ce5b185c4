"""A data set as COCO key points, which `coco:` reads back with the same landmarks, visibility, categories and boxes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from fpm_edge.data.dataset import Dataset
from fpm_edge.data.export_pictures import WrittenPicture
from fpm_edge.data.keypoints import VISIBILITY
from fpm_edge.data.record import Record

__all__ = ["COCOForm"]

# `Record.visibility` + 1 → COCO's v.
_CODES = np.array([code for _, code in sorted((ours, theirs) for theirs, ours in VISIBILITY.items())])


class COCOForm:
    """``annotations.json``: every category names all landmarks of the schema.

    COCO's tools want a ``bbox`` everywhere. That of a record without a box is the whole picture, and ``"crop": false``
    says so; only this reader knows that key.
    """

    name = "coco"
    file = "annotations.json"

    def check(self, dataset: Dataset) -> None:
        """Any data set can be written."""

    def annotations(self, dataset: Dataset, pictures: Mapping[str, WrittenPicture]) -> tuple[bytes, tuple[str, ...]]:
        """The file, and what it does not hold. See `ExportForm.annotations`."""
        numbers = {photograph: number for number, photograph in enumerate(pictures, 1)}
        categories = {name: number for number, name in enumerate(dataset.schema.categories, 1)}
        parts = {
            "info": [msgspec.json.encode({"description": dataset.name})],
            "images": (
                msgspec.json.encode(
                    {"id": numbers[key], "file_name": image.name, "width": image.width, "height": image.height}
                )
                for key, image in pictures.items()
            ),
            "categories": (
                msgspec.json.encode(
                    {
                        "id": number,
                        "name": name,
                        "supercategory": "",
                        "keypoints": dataset.schema.landmarks,
                        "skeleton": [],
                    }
                )
                for name, number in categories.items()
            ),
            "annotations": _annotations(dataset, pictures, numbers, categories),
        }
        # Put together from encoded pieces: a large set would be many times as large as Python objects.
        document = b",\n".join(
            b'"%s": %s' % (key.encode(), next(iter(items)) if key == "info" else b"[\n" + b",\n".join(items) + b"\n]")
            for key, items in parts.items()
        )
        bare = sum(1 for record in dataset.records if not (record.visibility >= 0).any())
        notes = (f"{bare} pictures without a garment have no annotation, so coco: leaves them out",) if bare else ()
        return b"{\n" + document + b"\n}\n", notes


def _annotations(
    dataset: Dataset, pictures: Mapping[str, WrittenPicture], numbers: Mapping[str, int], categories: Mapping[str, int]
) -> Iterator[bytes]:
    number = 0
    for record in dataset.records:
        if (record.visibility >= 0).any():
            number += 1
            image = pictures[record.photograph]
            entry = {"id": number, "image_id": numbers[record.photograph], "category_id": categories[record.category]}
            yield msgspec.json.encode({**entry, **_annotation(record, image)})


def _annotation(record: Record, image: WrittenPicture) -> dict[str, Any]:
    x0, y0, x1, y1 = record.box or (0, 0, image.width, image.height)
    labelled = record.visibility >= 0
    table = np.zeros((len(labelled), 3))
    table[labelled, :2] = _shortest(record.landmarks[labelled])
    table[:, 2] = _CODES[record.visibility + 1]
    annotation = {
        "keypoints": [_plain(value) for value in table.ravel().tolist()],
        "num_keypoints": int(labelled.sum()),
        "bbox": [_plain(value) for value in (x0, y0, x1 - x0, y1 - y0)],
        "area": _plain((x1 - x0) * (y1 - y0)),
        "iscrowd": 0,
    }
    return annotation if record.box is not None else {**annotation, "crop": False}


def _shortest(values: NDArray[np.float32]) -> NDArray[np.float64]:
    """The same numbers, with as few digits as tell them from other 32-bit ones: 12.3, not 12.300000190734863."""
    return values.astype(str).astype(np.float64)


def _plain(value: float) -> int | float:
    """Whole numbers without a point."""
    return int(value) if float(value).is_integer() else float(value)
