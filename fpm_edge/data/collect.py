"""From the items of an annotation file to a data set: bad ones refuse the file, or are skipped and counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from fpm_edge.data.dataset import Dataset
from fpm_edge.data.files import ImageFinder
from fpm_edge.data.judge import Judge
from fpm_edge.data.record import Record
from fpm_edge.data.rows import BadRowError, ReadOptions, Row
from fpm_edge_runtime.errors import DataError
from fpm_edge_runtime.schema import LandmarkSchema

__all__ = ["collect"]

Item = TypeVar("Item")


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
    """Parse and judge every item of a file.

    Args:
        source: the file, for messages.
        schema: of the data set.
        items: pairs of where the item is ("line 12") and the item as the reader holds it.
        parse: item → Row; raises BadRowError.
        finder: name of a picture → its file.
        options: see `ReadOptions`.
        name: of the data set.
        notes: called when all items are read; see `Dataset.notes`.

    Raises:
        DataError: a bad row (unless `options.skip_bad`), or no good row at all.
    """
    judge = Judge(schema, finder, check_images=options.check_images)
    records: list[Record] = []
    skipped: list[str] = []
    first_seen: dict[Hashable, str] = {}
    uses: Counter[str] = Counter()
    for where, item in items:
        try:
            row = parse(item)
            record = judge.record(row)
            key = row.key or (row.image, row.category, row.box, record.landmarks.tobytes())
            if key in first_seen:
                raise BadRowError(
                    None, f"{row.image}, {row.category} is in {first_seen[key]} already; expected it once"
                )
            first_seen[key] = where
        except BadRowError as problem:
            line = f"{source}, {where}: {problem}"
            if not options.skip_bad:
                raise DataError(f"{line}. Use --skip-bad to skip such rows") from None
            skipped.append(line)
            continue
        uses[row.image] += 1
        if uses[row.image] > 1:
            record = replace(record, identifier=f"{row.image}#{uses[row.image]}")
        records.append(record)
    return Dataset(tuple(records), schema, name, tuple(skipped), notes())
