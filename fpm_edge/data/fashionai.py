"""FashionAI's CSV: ``image_id, image_category`` and one ``x_y_v`` column for each landmark."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import TypeAlias

from fpm_edge.data.cells import parse_cells
from fpm_edge.data.collect import Collector
from fpm_edge.data.csv_rows import Cells, read_csv
from fpm_edge.data.dataset import Dataset
from fpm_edge.data.files import annotation_file, data_name
from fpm_edge.data.images import ImageFinder
from fpm_edge.data.parts import TRAINING_PARTS, Part, find_parts, picture_names, split_selection
from fpm_edge.data.problems import Problem, ProblemKind
from fpm_edge.data.rows import BadRowError, ReadOptions, Row
from fpm_edge_runtime.bundle.schema import LandmarkSchema
from fpm_edge_runtime.bundle.schema_file import load_schema
from fpm_edge_runtime.errors import DataError

__all__ = ["FashionAIReader"]

_FIELDS = ("image_id", "image_category")
_Numbered: TypeAlias = tuple[str, Cells]

_FILES = ("annotations.csv", "annotations.csv.gz", "Annotations/*.csv", "Annotations/*.csv.gz")


class FashionAIReader:
    """Reads FashionAI, and any other data set written in the same form with the landmark names of its own schema.

    Pictures are named relative to the folder of the CSV file, or beside it if that folder is called Annotations.

    A folder whose subfolders are the contest's parts stands for train and warm-up together; ``#`` selects others.
    Pictures of a test part in the same folder are left out of the training parts, which `Dataset.notes` says.
    """

    kind = "fashionai"
    form = "fashionai:DIR or fashionai:FILE.csv[.gz] or fashionai:DIR#PART[+PART]"

    def read(self, location: str, *, schema: LandmarkSchema | None, options: ReadOptions) -> Dataset:
        """See `DatasetReader.read`; the schema is fashionai24 unless given."""
        schema = schema or load_schema("fashionai24")
        reading = _Reading(schema, options)
        path, selected = split_selection(location)
        parts = {} if not selected and _is_one_set(path) else find_parts(path)
        if not (selected or parts):
            file = annotation_file(location, _FILES)
            reading.add(file)
            return reading.dataset(data_name(file))
        chosen = _choose(path, parts, selected)
        tests = [part for name, part in parts.items() if name not in TRAINING_PARTS]
        for part in chosen:
            if part.name in TRAINING_PARTS:
                reading.add_untested(part, tests)
            else:
                reading.add(part.annotations)
        return reading.dataset(f"{path.resolve().name} ({'+'.join(part.name for part in chosen)})")


class _Reading:
    """The CSV files of one data set, read one after the other."""

    def __init__(self, schema: LandmarkSchema, options: ReadOptions) -> None:
        self._landmarks = schema.landmarks
        self._options = options
        self._collector = Collector(schema, options)
        self._notes: list[str] = []

    def add(self, file: Path) -> None:
        self._add(file, read_csv(file, _FIELDS, self._landmarks))

    def add_untested(self, part: Part, tests: Sequence[Part]) -> None:
        """Read a part without the pictures of the test parts, which a note counts."""
        tested = {picture: test.name for test in tests for picture in picture_names(test)}
        left_out = Counter[str]()
        rows = read_csv(part.annotations, _FIELDS, self._landmarks)
        self._add(part.annotations, self._untested(part.annotations, rows, tested, left_out))
        for test, count in left_out.items():
            self._notes.append(f"{count} rows of {part.name} were left out, as their pictures are in {test} too")

    def dataset(self, name: str) -> Dataset:
        return self._collector.dataset(name, tuple(self._notes))

    def _parse(self, cells: Cells) -> Row:
        if isinstance(cells, BadRowError):
            raise cells
        points, visibility = parse_cells(cells[2:], self._landmarks)
        image, category = cells[0].strip(), cells[1].strip()
        return Row(image, category, points, visibility, key=(image, category))

    def _add(self, file: Path, rows: Iterator[_Numbered]) -> None:
        self._collector.add(file, rows, self._parse, ImageFinder(file, self._options.images))

    def _untested(
        self, file: Path, rows: Iterator[_Numbered], tested: Mapping[str, str], left_out: Counter[str]
    ) -> Iterator[_Numbered]:
        """The rows whose pictures are in no test part; the others are counted in `left_out`."""
        for where, cells in rows:
            part = None if isinstance(cells, BadRowError) else tested.get(PurePosixPath(cells[0].strip()).name)
            if part is None or isinstance(cells, BadRowError):
                yield where, cells
                continue
            left_out[part] += 1
            if self._options.on_problem is not None:
                message = f"the picture {cells[0].strip()} is in {part} too; left out here"
                self._options.on_problem(Problem(ProblemKind.TESTED_TOO, str(file), where, None, message))


def _is_one_set(path: Path) -> bool:
    """Whether the path is an annotation file, or a folder with one of its own."""
    return path.is_file() or any(True for pattern in _FILES for _ in path.glob(pattern))


def _choose(folder: Path, parts: dict[str, Part], selected: Sequence[str]) -> list[Part]:
    """The parts selected, or without a selection those to train on."""
    if not folder.is_dir():
        raise DataError(f"{folder}: no such folder; expected one whose subfolders are FashionAI's parts")
    chosen = [name for name in TRAINING_PARTS if name in parts] if not selected else list(selected)
    missing = [name for name in chosen if name not in parts]
    if not chosen or missing:
        held = ", ".join(f"{part.name} ({part.annotations.relative_to(folder)})" for part in parts.values())
        folders = ", ".join(sorted(child.name for child in folder.iterdir() if child.is_dir())[:20])
        raise DataError(
            f"{folder}: no part {' or '.join(missing or TRAINING_PARTS)}; found the parts: {held or 'none'}; among the "
            f"folders: {folders or 'none'}. A part is a folder whose name has train, warmup, test_a or test_b in it, "
            "with a CSV file; select others with #, such as #test_a"
        )
    unlabelled = [parts[name] for name in chosen if not parts[name].labelled]
    if unlabelled:
        raise DataError(
            f"{unlabelled[0].annotations}: a list of pictures without landmarks; expected the annotations of "
            f"{unlabelled[0].name} beside it (the contest published those of its tests as answers)"
        )
    return [parts[name] for name in chosen]
