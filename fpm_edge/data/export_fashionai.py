"""A data set as FashionAI's CSV: whole pixels, 24 landmarks, one garment of a category in a picture."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from fpm_edge.data.dataset import Dataset
from fpm_edge.data.export_pictures import WrittenPicture
from fpm_edge.data.record import Record
from fpm_edge_runtime.bundle.schema_file import load_schema
from fpm_edge_runtime.errors import UsageError

__all__ = ["FashionAIForm"]


class FashionAIForm:
    """``annotations.csv`` with the contest's columns: what it cannot hold is refused, what it rounds or drops said."""

    name = "fashionai"
    file = "annotations.csv"

    def check(self, dataset: Dataset) -> None:
        """See `ExportForm.check`.

        Raises:
            UsageError: other landmarks or categories than FashionAI's, or two garments of a category in one picture.
        """
        shipped = load_schema("fashionai24")
        schema = dataset.schema
        if schema.landmarks != shipped.landmarks or schema.categories != shipped.categories:
            raise UsageError(
                f"FashionAI's CSV holds the 24 landmarks of fashionai24, and {dataset.name} has the "
                f"{len(schema.landmarks)} of schema {schema.name!r}; write it with --to coco"
            )
        seen: set[tuple[str, str]] = set()
        for record in dataset.records:
            if (record.photograph, record.category) in seen:
                raise UsageError(
                    f"FashionAI's CSV holds one {record.category} a picture, and {record.identifier} is another one of "
                    f"the same picture in {dataset.name}; write it with --to coco"
                )
            seen.add((record.photograph, record.category))

    def annotations(self, dataset: Dataset, pictures: Mapping[str, WrittenPicture]) -> tuple[bytes, tuple[str, ...]]:
        """The file, and what it does not hold. See `ExportForm.annotations`."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(["image_id", "image_category", *dataset.schema.landmarks])
        moved: list[float] = []
        boxes = bare = 0
        for record in dataset.records:
            labelled = record.visibility >= 0
            if not labelled.any():
                bare += 1
                continue
            boxes += record.box is not None
            whole = np.rint(record.landmarks)
            moved += np.hypot(*(whole - record.landmarks)[labelled].T).tolist()
            writer.writerow([pictures[record.photograph].name, record.category, *_cells(record, whole)])
        notes = []
        if rounded := sum(distance > 0 for distance in moved):
            notes.append(
                f"{rounded} of {len(moved)} landmarks were rounded to whole pixels, by {max(moved):.2f} px at most"
            )
        if boxes:
            notes.append(f"{boxes} boxes are left out, so these pictures will not be cropped")
        if bare:
            notes.append(f"{bare} pictures without a garment are left out of the annotations")
        return text.getvalue().encode(), tuple(notes)


def _cells(record: Record, whole: NDArray[np.float32]) -> list[str]:
    return [
        f"{int(x)}_{int(y)}_{v}" if v >= 0 else "-1_-1_-1"
        for (x, y), v in zip(whole.tolist(), record.visibility.tolist(), strict=True)
    ]
