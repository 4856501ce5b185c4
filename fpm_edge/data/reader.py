"""Reading any data set by one spec, ``KIND:PATH``."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Protocol

from fpm_edge.data.coco import COCOReader
from fpm_edge.data.dataset import Dataset
from fpm_edge.data.deepfashion import DeepFashionReader
from fpm_edge.data.deepfashion2 import DeepFashion2Reader
from fpm_edge.data.fashionai import FashionAIReader
from fpm_edge.data.lsp import LSPReader
from fpm_edge.data.nothing import BackdropsReader, NothingReader
from fpm_edge.data.problems import Problem
from fpm_edge.data.rendered import RenderedReader
from fpm_edge.data.rows import ReadOptions
from fpm_edge.data.shards import ShardReader
from fpm_edge.data.yolo import YOLOReader
from fpm_edge_runtime.bundle.schema import LandmarkSchema
from fpm_edge_runtime.bundle.schema_file import load_schema
from fpm_edge_runtime.errors import UsageError

__all__ = ["READERS", "DatasetReader", "load_dataset"]


class DatasetReader(Protocol):
    """One form of data set."""

    @property
    def kind(self) -> str:
        """What comes before the colon of a spec."""

    @property
    def form(self) -> str:
        """The specs it takes, for messages."""

    def read(self, location: str, *, schema: LandmarkSchema | None, options: ReadOptions) -> Dataset:
        """Read the data set at `location`, what comes after the colon of a spec.

        Args:
            location: file, folder, or whatever the form takes.
            schema: names of the landmarks; None for the form's own.
            options: see `ReadOptions`.

        Raises:
            DataError: the file is missing or damaged, or has a bad row that is not to be skipped.
            UsageError: the location or schema cannot be what was meant.
        """


READERS: Mapping[str, DatasetReader] = MappingProxyType(
    {
        reader.kind: reader
        for reader in (
            FashionAIReader(),
            DeepFashionReader(),
            DeepFashion2Reader(),
            COCOReader(),
            LSPReader(),
            YOLOReader(),
            RenderedReader(),
            ShardReader(),
            NothingReader(),
            BackdropsReader(),
        )
    }
)


def load_dataset(
    spec: str,
    *,
    schema: str | LandmarkSchema | None = None,
    skip_bad: bool = False,
    categories: Collection[str] | None = None,
    check_images: bool = True,
    images: Path | None = None,
    crop: bool = True,
    progress: Callable[[int, int], None] | None = None,
    on_problem: Callable[[Problem], None] | None = None,
) -> Dataset:
    """The data set of a spec: ``fashionai:DIR``, ``deepfashion:DIR``, ``deepfashion2:DIR``, ``coco:JSON``,
    ``lsp:DIR``, ``yolo:YAML``, ``rendered:COUNT``, ``shards:DIR``, ``nothing:DIR``, ``backdrops:COUNT``.

    Args:
        spec: ``KIND:PATH``; see the `form` of each of `READERS`.
        schema: name or .toml file of a landmark schema, or the schema; None for the kind's own.
        skip_bad: leave bad rows out and list them in `Dataset.skipped`, instead of refusing the file.
        categories: keep only these.
        check_images: find every picture, and compare the landmarks with its size.
        images: folder that the names of pictures are relative to; None for the kind's usual layout.
        crop: keep the boxes of the records (of COCO, DeepFashion2, YOLO and LSP), so that pictures are cropped to them.
        progress: called with (done, total) while garments are drawn.
        on_problem: called with each bad row that is skipped, and each row that is left out for another reason.

    Raises:
        UsageError: unknown kind or malformed spec; the message lists the forms.
        DataError: the file is missing or damaged, has a bad row that is not to be skipped, or nothing is left.
        SchemaError: the schema, or one of the categories, is unknown.
    """
    kind, colon, location = spec.partition(":")
    if not colon or not location or kind not in READERS:
        forms = "; ".join(reader.form for reader in READERS.values())
        raise UsageError(f"data set {spec!r} is not KIND:PATH of a known kind; expected one of: {forms}")
    if schema is not None and not isinstance(schema, LandmarkSchema):
        schema = load_schema(schema)
    options = ReadOptions(skip_bad, check_images, images, progress, on_problem)
    dataset = READERS[kind].read(location, schema=schema, options=options)
    if not crop:
        dataset = replace(dataset, records=tuple(replace(record, box=None) for record in dataset.records))
    return dataset if categories is None else dataset.subset(categories=categories)
