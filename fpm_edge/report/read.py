"""Read a report back from its ``report.json``."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import msgspec

from fpm_edge.report.data import FORMAT, PictureErrors, PictureList, ReportData, StageRow
from fpm_edge.report.json_schema import REPORT_FILE, ReportFile
from fpm_edge_runtime.errors import DataError

__all__ = ["read_report"]


class _Header(msgspec.Struct):
    format: int


def read_report(path: Path) -> ReportData:
    """The report of a ``report.json``, or of the folder that holds it. Its pictures are not read.

    Reports of older versions lack the fields that came later; they have the defaults.

    Raises:
        DataError: there is none, it is damaged, it contradicts itself, or a newer version wrote it.
    """
    file = path / REPORT_FILE if path.is_dir() else path
    if not file.is_file():
        what = f"no {REPORT_FILE} in this folder" if path.is_dir() else "no such file or folder"
        raise DataError(f"{path}: {what}; expected the folder or the {REPORT_FILE} of `fpm-edge report`")
    content = file.read_bytes()
    try:
        version = msgspec.json.decode(content, type=_Header).format
        if version > FORMAT:
            raise DataError(
                f"{file}: a report of format {version}, and this fpm-edge reads up to {FORMAT}; update fpm-edge, or "
                "make the report again with this version"
            )
        if version < 1:
            raise DataError(f"{file}: format is {version}; expected 1 to {FORMAT}; make the report again")
        read = msgspec.json.decode(content, type=ReportFile)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise DataError(f"{file}: not a report, or damaged: {error}; make it again with `fpm-edge report`") from error
    data = ReportData(**{field.name: getattr(read, field.name) for field in dataclasses.fields(read)})
    _check(file, data)
    return data


def _check(file: Path, data: ReportData) -> None:
    wrong = next(_complaints(data), None)
    if wrong is not None:
        raise DataError(f"{file}: damaged: {wrong}; make it again with `fpm-edge report`")


def _complaints(data: ReportData) -> Iterator[str]:
    """What would later be an index out of range or a division by 0, and numbers that do not belong together."""
    if not 0 <= data.main < len(data.variants):
        yield f"main is {data.main}, and it has {len(data.variants)} variants"
    each = data.dataset.per_picture
    if each is not None:
        if not len(each.points) == len(each.categories) == data.dataset.pictures:
            yield f"it has {len(each.points)} per_picture.points for {data.dataset.pictures} pictures"
        if any(not 0 <= number < len(data.dataset.categories) for number in each.categories):
            yield "per_picture.categories holds numbers of no category"
    for variant in data.variants:
        name = f"variant {variant.name!r}"
        if not variant.stages:
            yield f"{name} has no stages"
        if not all(_possible(row) for row in variant.stages):
            yield f"{name} has a size or a time that is not above 0"
        if variant.errors is None:
            continue
        if each is None:
            yield f"{name} has errors, and the data set no per_picture"
        elif not _fits(variant.errors, len(variant.stages), data.dataset.pictures):
            yield f"{name} has errors of other pictures or stages than the report"
        elif not _complete(variant.errors, each):
            yield f"{name} has labelled points without an error, or errors of others"


def _possible(row: StageRow) -> bool:
    times = (row.latency.inference.median, row.latency.engine.median, *row.latency.runs_ms)
    return row.bytes > 0 and all(time > 0 for time in times)


def _complete(errors: PictureErrors, each: PictureList) -> bool:
    """Whether every labelled point has its error: one left out would count as none."""
    labelled = [points > 0 for points in each.points]
    found = [sum(row[index] is not None for row in errors.landmarks.values()) for index in range(len(labelled))]
    means = all([value is not None for value in row] == labelled for row in errors.stages)
    return means and found == list(each.points)


def _fits(errors: PictureErrors, stages: int, pictures: int) -> bool:
    rows = (*errors.stages, *errors.landmarks.values())
    return len(errors.stages) == stages and all(len(row) == pictures for row in rows)
