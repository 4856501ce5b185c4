"""Everything that is wrong with a data set, read to its end."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass

from fpm_edge.data.check import DataSummary, describe
from fpm_edge.data.dataset import Dataset, EmptyDatasetError
from fpm_edge.data.problems import Problem, ProblemKind
from fpm_edge.data.reader import load_dataset
from fpm_edge_runtime.bundle.schema import LandmarkSchema
from fpm_edge_runtime.errors import DataError

__all__ = ["Finding", "Inspection", "Reading", "inspect", "read_to_the_end"]


@dataclass(frozen=True)
class Reading:
    """What could be read of a data set.

    Attributes:
        spec: as given.
        dataset: the good rows; None if there are none.
        problems: of the others, in the order of the files.
    """

    spec: str
    dataset: Dataset | None
    problems: tuple[Problem, ...]


@dataclass(frozen=True)
class Finding:
    """All problems of one kind.

    Attributes:
        kind: what it is.
        is_warning: the data can be used nevertheless.
        count: how often.
        examples: the first few.
    """

    kind: ProblemKind
    is_warning: bool
    count: int
    examples: tuple[Problem, ...]


@dataclass(frozen=True)
class Inspection:
    """What a data set holds, and what is wrong with it.

    Attributes:
        summary: of the good rows; None if there are none.
        findings: one a kind, problems before warnings.
        problems, warnings: how many in all.
    """

    summary: DataSummary | None
    findings: tuple[Finding, ...]
    problems: int
    warnings: int


def read_to_the_end(
    spec: str,
    *,
    schema: str | LandmarkSchema | None = None,
    categories: Collection[str] | None = None,
    check_images: bool = True,
    progress: Callable[[int, int], None] | None = None,
) -> Reading:
    """Read a data set past every bad row.

    Args:
        spec, schema, check_images, progress: see `load_dataset`.
        categories: keep only these in the data set; the problems are those of all rows.

    Raises:
        UsageError, SchemaError: as `load_dataset`.
        DataError: not one row could be read, good or bad.
    """
    problems: list[Problem] = []
    try:
        dataset = load_dataset(
            spec,
            schema=schema,
            skip_bad=True,
            check_images=check_images,
            progress=progress,
            on_problem=problems.append,
        )
    except DataError as error:
        if not problems:
            raise
        if isinstance(error, EmptyDatasetError):
            return Reading(spec, None, tuple(problems))
        unreadable = Problem(ProblemKind.UNREADABLE, spec, "", None, str(error))
        return Reading(spec, None, (*problems, unreadable))
    if categories is not None:
        dataset = dataset.subset(categories=categories)
    return Reading(spec, dataset, tuple(problems))


def inspect(reading: Reading, others: Iterable[Problem] = (), *, examples: int = 5) -> Inspection:
    """Group the problems of a reading and `others` (of its pictures and landmarks) by kind; the same one counts once.

    Args:
        examples: how many of each kind to keep.
    """
    groups: dict[ProblemKind, list[Problem]] = {}
    for problem in dict.fromkeys((*reading.problems, *others)):
        groups.setdefault(problem.kind, []).append(problem)
    findings = tuple(
        Finding(kind, kind.is_warning, len(groups[kind]), tuple(groups[kind][:examples]))
        for kind in ProblemKind
        if kind in groups
    )
    return Inspection(
        summary=None if reading.dataset is None else describe(reading.dataset),
        findings=findings,
        problems=sum(finding.count for finding in findings if not finding.is_warning),
        warnings=sum(finding.count for finding in findings if finding.is_warning),
    )
