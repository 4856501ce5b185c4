"""DeepFashion's ``list_landmarks`` text files: the landmark benchmark, and the in-shop and consumer-to-shop lists."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from fpm_edge.data.collect import collect
from fpm_edge.data.dataset import Dataset
from fpm_edge.data.files import annotation_file, data_name, open_text, words_of
from fpm_edge.data.images import ImageFinder
from fpm_edge.data.problems import ProblemKind
from fpm_edge.data.rows import BadRowError, ReadOptions, Row
from fpm_edge_runtime.bundle.schema import LandmarkSchema
from fpm_edge_runtime.bundle.schema_file import load_schema
from fpm_edge_runtime.errors import DataError, UsageError

__all__ = ["DeepFashionReader"]

_FILES = (
    "list_landmarks.txt",
    "Anno/list_landmarks.txt",
    "list_landmarks_*.txt",
    "Anno/list_landmarks_*.txt",
)
# clothes_type → category of deepfashion8. The order of a type's landmarks in a row is that of the schema's subset.
_TYPES = {"1": "upper_body", "2": "lower_body", "3": "full_body"}
# 0 visible; 1 invisible or occluded; 2 truncated or cut off, so not in the picture.
_VISIBILITY = {"0": 1.0, "1": 0.0, "2": -1.0}


class DeepFashionReader:
    """Reads ``list_landmarks*.txt``; pictures are relative to its folder, or beside it if that is called Anno."""

    kind = "deepfashion"
    form = "deepfashion:DIR or deepfashion:FILE.txt"

    def read(self, location: str, *, schema: LandmarkSchema | None, options: ReadOptions) -> Dataset:
        """See `DatasetReader.read`; the schema is deepfashion8 unless given.

        Raises:
            UsageError: the schema does not have deepfashion8's landmarks or categories.
        """
        shipped = load_schema("deepfashion8")
        schema = schema or shipped
        if schema.landmarks != shipped.landmarks or schema.categories != shipped.categories:
            raise UsageError(f"schema {schema.name!r} cannot be used with deepfashion: files; expected deepfashion8")
        path = annotation_file(location, _FILES)
        lines = _Lines(path)

        def parse(words: list[str] | BadRowError) -> Row:
            if isinstance(words, BadRowError):
                raise words
            return _parse(words, lines.landmarks_at, shipped)

        finder = ImageFinder(path, options.images)
        return collect(path, schema, lines.rows(), parse, finder, options, name=data_name(path))


class _Lines:
    """The two header lines and the rows of a file; `landmarks_at` is known once rows are read."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.landmarks_at = 0

    def rows(self) -> Iterator[tuple[str, list[str] | BadRowError]]:
        with open_text(self._path, any_bytes=True) as text:
            promised = self._count(text.readline())
            self.landmarks_at = self._first_landmark(text.readline().split())
            found = 0
            for number, line in enumerate(text, 3):
                if line.strip():
                    found += 1
                    yield f"line {number}", words_of(line)
        if found != promised:
            raise DataError(
                f"{self._path}, line 1: promises {promised} rows, but {found} follow; is the file cut short?"
            )

    def _count(self, line: str) -> int:
        try:
            return int(line)
        except ValueError:
            raise DataError(f"{self._path}, line 1: {line.strip()[:40]!r}; expected the number of rows") from None

    def _first_landmark(self, header: list[str]) -> int:
        """Words before the first landmark: 3 with variation_type, 2 without (some in-shop lists)."""
        for fields in (["image_name", "clothes_type", "variation_type"], ["image_name", "clothes_type"]):
            if header[: len(fields)] == fields and header[len(fields) :][:1] == ["landmark_visibility_1"]:
                return len(fields)
        raise DataError(
            f"{self._path}, line 2: {' '.join(header[:4])!r}; expected image_name clothes_type [variation_type] "
            "landmark_visibility_1 landmark_location_x_1 landmark_location_y_1 …"
        )


def _parse(words: list[str], landmarks_at: int, schema: LandmarkSchema) -> Row:
    if len(words) < landmarks_at:
        raise BadRowError(ProblemKind.MALFORMED_ROW, None, f"{len(words)} words; expected at least {landmarks_at}")
    if words[1] not in _TYPES:
        raise BadRowError(
            ProblemKind.UNKNOWN_CATEGORY,
            "clothes_type",
            f"{words[1]!r}; expected 1 (upper), 2 (lower) or 3 (full body)",
        )
    category = _TYPES[words[1]]
    indices = schema.categories[category]
    cells = words[landmarks_at:]
    if len(cells) != 3 * len(indices):
        raise BadRowError(
            ProblemKind.MALFORMED_ROW,
            None,
            f"{len(cells)} words of landmarks; expected {3 * len(indices)} for clothes_type {words[1]}",
        )
    landmarks = np.full((len(schema.landmarks), 2), -1.0)
    visibility = np.full(len(schema.landmarks), -1.0)
    for number, index in enumerate(indices, 1):
        code, x, y = cells[3 * number - 3 : 3 * number]
        if code not in _VISIBILITY:
            raise BadRowError(
                ProblemKind.BAD_VISIBILITY,
                f"landmark_visibility_{number}",
                f"{code!r}; expected 0 (visible), 1 (occluded) or 2 (cut off)",
            )
        visibility[index] = _VISIBILITY[code]
        try:
            landmarks[index] = float(x), float(y)
        except ValueError:
            raise BadRowError(
                ProblemKind.BAD_CELL, f"landmark_location_{number}", f"{x!r} {y!r}; expected two numbers"
            ) from None
    return Row(words[0], category, landmarks, visibility, key=(words[0], category))
