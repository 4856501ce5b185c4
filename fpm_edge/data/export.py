"""Writing any data set in a form that other tools read: pictures, one annotation file and, where needed, the schema."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Protocol

from fpm_edge.data.dataset import Dataset
from fpm_edge.data.export_coco import COCOForm
from fpm_edge.data.export_fashionai import FashionAIForm
from fpm_edge.data.export_pictures import WrittenPicture, picture_names, write_pictures
from fpm_edge_runtime.bundle.schema import LandmarkSchema
from fpm_edge_runtime.bundle.schema_file import SHIPPED_SCHEMAS, load_schema
from fpm_edge_runtime.errors import DataError, UsageError
from fpm_edge_runtime.files import write_atomically

__all__ = ["EXPORT_FORMS", "ExportForm", "Exported", "export_dataset", "schema_text"]

_SCHEMA_FILE = "schema.toml"


class ExportForm(Protocol):
    """One form to write a data set in."""

    @property
    def name(self) -> str:
        """The kind of the reader that reads it back."""

    @property
    def file(self) -> str:
        """Name of the annotation file."""

    def check(self, dataset: Dataset) -> None:
        """Raise UsageError where the form cannot hold the data set."""

    def annotations(self, dataset: Dataset, pictures: Mapping[str, WrittenPicture]) -> tuple[bytes, tuple[str, ...]]:
        """The annotation file.

        Args:
            dataset: one that `check` let pass.
            pictures: `Record.photograph` → its file.

        Returns:
            content: of the file.
            notes: what of the data set it does not hold, or not exactly.
        """


EXPORT_FORMS: Mapping[str, ExportForm] = MappingProxyType({form.name: form for form in (COCOForm(), FashionAIForm())})


@dataclass(frozen=True)
class Exported:
    """What was written.

    Attributes:
        spec: for `load_dataset`.
        schema: file to give as schema along with the spec; None where the reader finds the schema by itself.
        records, pictures: how many.
        notes: what was lost, or changed.
    """

    spec: str
    schema: Path | None
    records: int
    pictures: int
    notes: tuple[str, ...]


def export_dataset(dataset: Dataset, output: Path, to: str, *, advance: Callable[[], None] = lambda: None) -> Exported:
    """Write `dataset` into a folder.

    The annotation file comes last, whole or not at all, and without it no reader takes the folder. Nothing that was
    begun stays behind when this fails.

    Args:
        dataset: any.
        output: folder that is empty or does not exist.
        to: one of `EXPORT_FORMS`.
        advance: called after each picture.

    Raises:
        UsageError: no such form, one that cannot hold the data set, no garment in it, or a folder that is not empty.
        DataError: a picture cannot be read, or the disk refused.
    """
    if to not in EXPORT_FORMS:
        raise UsageError(f"cannot write {to!r}; expected one of: {', '.join(EXPORT_FORMS)}")
    form = EXPORT_FORMS[to]
    if output.exists() and (not output.is_dir() or any(output.iterdir())):
        raise UsageError(f"{output} is not an empty folder; name a new one, or remove what is in it")
    if not any((record.visibility >= 0).any() for record in dataset.records):
        raise UsageError(f"{dataset.name} has no garment, so there is nothing to annotate; copy its pictures")
    form.check(dataset)
    names, renamed = picture_names(dataset.records, (form.file, _SCHEMA_FILE))
    schema = None if _is_shipped(dataset.schema) else output / _SCHEMA_FILE
    new = not output.exists()
    try:
        output.mkdir(parents=True, exist_ok=True)
        pictures = write_pictures(dataset.records, names, output, advance)
        content, notes = form.annotations(dataset, pictures)
        if schema is not None:
            write_atomically(schema, schema_text(dataset.schema))
        write_atomically(output / form.file, content)
    except BaseException as error:
        _remove_begun(output, new)
        if isinstance(error, OSError):
            raise DataError(f"{error.filename or output}: cannot be written: {error.strerror or error}") from error
        raise
    if renamed:
        notes = (*notes, f"{renamed} pictures are called otherwise than before")
    return Exported(f"{form.name}:{output / form.file}", schema, len(dataset), len(pictures), notes)


def schema_text(schema: LandmarkSchema) -> str:
    """A schema as `load_schema` reads it from a TOML file."""
    # Of the toolkit; writing a shipped schema's data does not need it.
    import tomli_w

    def names(indices: tuple[int, ...]) -> list[str]:
        return [schema.landmarks[index] for index in indices]

    return tomli_w.dumps(
        {
            "name": schema.name,
            "landmarks": list(schema.landmarks),
            "flip_pairs": [names((index, other)) for index, other in enumerate(schema.flip) if index < other],
            "categories": {key: names(indices) for key, indices in schema.categories.items()},
            "normalizers": {key: names(pair) for key, pair in schema.normalizers.items()},
            "groups": {key: names(indices) for key, indices in schema.groups.items()},
        }
    )


def _is_shipped(schema: LandmarkSchema) -> bool:
    return schema.name in SHIPPED_SCHEMAS and load_schema(schema.name) == schema


def _remove_begun(output: Path, new: bool) -> None:
    """Remove what was written: the folder was empty, or not there."""
    if new:
        shutil.rmtree(output, ignore_errors=True)
        return
    for child in os.scandir(output):
        if child.is_dir(follow_symlinks=False):
            shutil.rmtree(child, ignore_errors=True)
        else:
            Path(child).unlink(missing_ok=True)
