"""The data of a training run: what is trained on, what is held back, and what is beside it."""

from dataclasses import replace
from pathlib import Path

from fpm_edge.cli.options import DataSource, announce
from fpm_edge.data import Dataset, file_digest, load_dataset
from fpm_edge.data.location import local_path
from fpm_edge.data.paper import PaperSplit, paper_split
from fpm_edge.data.parts import find_parts
from fpm_edge.train.config_file import Beside, DataConfig
from fpm_edge.train.seen import Seen
from fpm_edge_runtime import UsageError

__all__ = ["PAPER", "data_config", "read_beside", "read_data", "source_of", "with_papers_split"]

PAPER = "paper"
"""Name of the recipe that is the paper's experiment."""

# What a spec ends with that stands for the paper's three parts.
_PAPERS_SPLIT = "#paper"


def read_beside(other: Beside, source: DataSource, main: Dataset, held: Dataset | None) -> Dataset:
    """Other data to train on, read as `source` is.

    Raises:
        UsageError: a photograph that is held back from training is among it, by its file, or by its name and content.
    """
    dataset = load_dataset(other.spec, schema=main.schema, skip_bad=source.skip_bad)
    announce(dataset)
    kept = {record.image.resolve() for record in held.records if isinstance(record.image, Path)} if held else set()
    leaked = [
        record.identifier
        for record in dataset.records
        if isinstance(record.image, Path) and record.image.resolve() in kept
    ]
    if held is not None and not leaked:
        leaked, _ = Seen.of(held).among(dataset)
    if leaked:
        raise UsageError(
            f"--with {other.share:g} {other.spec}: {len(leaked)} of its records are held back from training, the "
            f"first: {leaked[0]}; leave them out of it"
        )
    return dataset


def with_papers_split(source: DataSource, recipe: str | None) -> DataSource:
    """The paper's recipe on the contest's whole folder is the paper's experiment: say so in the spec."""
    kind, _, location = source.spec.partition(":")
    whole = source.holdout is None and source.categories is None and source.schema is None
    if recipe == PAPER and whole and kind == "fashionai" and find_parts(local_path(location)):
        return replace(source, spec=source.spec + _PAPERS_SPLIT)
    return source


def read_data(source: DataSource) -> tuple[Dataset, Dataset | None, tuple[str, ...]]:
    """Training data, what is held back, and notes."""
    if not source.spec.endswith(_PAPERS_SPLIT):
        return source.training(), None if source.holdout is None else source.held(), ()
    if not (source.holdout is None and source.categories is None and source.schema is None):
        raise UsageError(
            f"{source.spec} fixes what is held back, the categories and the schema; leave these options out"
        )
    return _paper_data(paper_split(source.spec.removesuffix(_PAPERS_SPLIT), skip_bad=source.skip_bad))


def _paper_data(split: PaperSplit) -> tuple[Dataset, Dataset, tuple[str, ...]]:
    published, actual = split.published, split.actual
    note = (
        "the paper's split: train, warm-up and test A of blouse, trousers and dress, "
        f"{actual.train:,} / {actual.validation:,} / {actual.test:,} pictures (published: {published.train:,} / "
        f"{published.validation:,} / {published.test:,}); accuracy is measured on test A"
    )
    return split.train, split.test, (note, *split.train.notes)


def source_of(data: DataConfig) -> DataSource:
    """A table of a file as options. Raises UsageError where its list of held-back pictures has changed."""
    holdout: float | Path | None
    if isinstance(data.holdout, str):
        holdout = Path(data.holdout)
        found = file_digest(holdout)
        if data.holdout_digest not in (None, found):
            raise UsageError(
                f"{holdout} no longer names the pictures that it did when the run was written down (digest "
                f"{found[:12]}, expected {str(data.holdout_digest)[:12]}); bring that list back, or name another"
            )
    else:
        holdout = data.holdout
    return DataSource(
        spec=data.spec,
        schema=data.schema,
        categories=None if data.categories is None else ",".join(data.categories),
        skip_bad=data.skip_bad,
        holdout=holdout,
        split_seed=data.split_seed,
        allow_seen=data.allow_seen,
    )


def data_config(source: DataSource, beside: tuple[Beside, ...]) -> DataConfig:
    """Options as the table of a file."""
    holdout = source.holdout
    return DataConfig(
        spec=source.spec,
        holdout=str(holdout) if isinstance(holdout, Path) else holdout,
        holdout_digest=file_digest(holdout) if isinstance(holdout, Path) else None,
        split_seed=source.split_seed,
        categories=None if source.categories is None else tuple(n.strip() for n in source.categories.split(",")),
        schema=source.schema,
        skip_bad=source.skip_bad,
        allow_seen=source.allow_seen,
        beside=beside,
    )
