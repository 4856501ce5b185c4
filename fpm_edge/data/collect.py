"""From the items of annotation files to a data set: bad ones refuse the file, or are skipped and counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from fpm_edge.data.dataset import Dataset
from fpm_edge.data.images import ImageFinder, doubtful
from fpm_edge.data.judge import Judge
from fpm_edge.data.problems import ProblemKind
from fpm_edge.data.record import Record
from fpm_edge.data.rows import BadRowError, ReadOptions, Row
from fpm_edge_runtime.bundle.schema import LandmarkSchema
from fpm_edge_runtime.errors import DataError

__all__ = ["Collector", "collect"]

Item = TypeVar("Item")


@dataclass(frozen=True)
class _Kept:
    """A good row: its record, the name that it has of its picture, and where it is."""

    record: Record
    image: str
    finder: ImageFinder
    source: Path
    where: str


class Collector:
    """Gathers the records of one data set from one annotation file after the other."""

    def __init__(self, schema: LandmarkSchema, options: ReadOptions) -> None:
        self._schema = schema
        self._options = options
        self._kept: list[_Kept] = []
        self._finders: list[ImageFinder] = []
        self._skipped: list[str] = []
        self._first_seen: dict[Hashable, tuple[Path, str]] = {}
        self._uses: Counter[str] = Counter()

    def add(
        self, source: Path, items: Iterable[tuple[str, Item]], parse: Callable[[Item], Row], finder: ImageFinder
    ) -> None:
        """Parse and judge every item of a file.

        Args:
            source: the file, for messages.
            items: pairs of where the item is ("line 12") and the item as the reader holds it.
            parse: item → Row; raises BadRowError.
            finder: name of a picture → its file.

        Raises:
            DataError: a bad row (unless it is to be skipped).
        """
        self._finders.append(finder)
        judge = Judge(self._schema, finder, check_images=self._options.check_images)
        for where, item in items:
            try:
                row = parse(item)
                record = judge.record(row)
                self._refuse_the_same(row, record, source, where)
            except BadRowError as error:
                self._skip(error, source, where)
                continue
            self._uses[row.image] += 1
            if self._uses[row.image] > 1:
                record = replace(record, identifier=f"{row.image}#{self._uses[row.image]}")
            self._kept.append(_Kept(record, row.image, finder, source, where))

    def dataset(self, name: str, notes: tuple[str, ...]) -> Dataset:
        """The data set of all files.

        Raises:
            DataError: a picture that two names could mean (unless such rows are to be skipped), or no row was good.
        """
        # Only now are all names known; the first row with a file is no surer of it than the second.
        others = doubtful(self._finders)
        records = []
        for kept in self._kept:
            other = others.get((kept.finder, kept.image))
            if other is None:
                records.append(kept.record)
                continue
            problem = (
                f"{kept.image} was found without its folders as {kept.record.image}, which {other} could be too; "
                "put the pictures into the folders that their names have"
            )
            self._skip(BadRowError(ProblemKind.DOUBTFUL_PICTURE, None, problem), kept.source, kept.where)
        return Dataset(tuple(records), self._schema, name, tuple(self._skipped), notes)

    def _refuse_the_same(self, row: Row, record: Record, source: Path, where: str) -> None:
        key = row.key or (row.image, row.category, row.box, record.landmarks.tobytes())
        file, line = self._first_seen.setdefault(key, (source, where))
        if (file, line) != (source, where):
            kind = ProblemKind.DUPLICATE_ROW if file == source else ProblemKind.SEVERAL_FILES
            first = line if file == source else f"{file}, {line}"
            raise BadRowError(kind, None, f"{row.image}, {row.category} is in {first} already; expected it once")

    def _skip(self, error: BadRowError, source: Path, where: str) -> None:
        problem = error.at(str(source), where)
        if not self._options.skip_bad:
            raise DataError(f"{problem}. Use --skip-bad to skip such rows") from None
        self._skipped.append(str(problem))
        if self._options.on_problem is not None:
            self._options.on_problem(problem)


def collect(
    source: Path,
    schema: LandmarkSchema,
    items: Iterable[tuple[str, Item]],
    parse: Callable[[Item], Row],
    finder: ImageFinder,
    options: ReadOptions,
    *,
    name: str,
    notes: Callable[[], tuple[str, ...]] = tuple,
) -> Dataset:
    """The data set of a single file; see `Collector.add`.

    Args:
        schema: of the data set.
        options: see `ReadOptions`.
        name: of the data set.
        notes: called when all items are read; see `Dataset.notes`.

    Raises:
        DataError: a bad row (unless `options.skip_bad`), or no good row at all.
    """
    collector = Collector(schema, options)
    collector.add(source, items, parse, finder)
    return collector.dataset(name, notes())
