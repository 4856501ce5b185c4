"""The three data sets of the paper: Hu et al., "Fashion pose machine", Proc. SPIE 10836, 2018, section 3.1."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from fpm_edge.data.dataset import Dataset
from fpm_edge.data.location import local_path
from fpm_edge.data.parts import find_parts
from fpm_edge.data.reader import load_dataset
from fpm_edge_runtime.errors import UsageError

__all__ = ["CATEGORIES", "CONTEST", "PUBLISHED", "PaperSplit", "SplitSizes", "paper_split"]

CATEGORIES = ("blouse", "trousers", "dress")


@dataclass(frozen=True)
class SplitSizes:
    """How many pictures each part has."""

    train: int
    validation: int
    test: int


PUBLISHED = SplitSizes(18_420, 8_107, 5_076)
"""What the paper prints: `CONTEST` and three more each, one header line a category; 5,076 is most likely 5,976."""

CONTEST = SplitSizes(18_417, 8_104, 5_973)
"""Rows of these categories in round 1 of the contest: train, warm-up and test A, before duplicates are removed."""

_PARTS = {"train": "train", "validation": "warmup", "test": "test_a"}


@dataclass(frozen=True)
class PaperSplit:
    """The paper's experiment on the data at hand.

    Attributes:
        train: the contest's training part, without the pictures that its test parts have too.
        validation: its warm-up part.
        test: its test A.
        published: sizes in the paper.
        contest: sizes of the contest's complete parts.
        actual: sizes of these three data sets.
    """

    train: Dataset
    validation: Dataset
    test: Dataset
    published: SplitSizes
    contest: SplitSizes
    actual: SplitSizes


def paper_split(
    spec: str,
    *,
    skip_bad: bool = False,
    check_images: bool = True,
    progress: Callable[[int, int], None] | None = None,
) -> PaperSplit:
    """The paper's training, validation and test data: blouses, trousers and dresses of the contest's parts.

    Args:
        spec: ``fashionai:DIR``, where DIR has the contest's train, warm-up and test A.
        skip_bad, check_images, progress: see `load_dataset`.

    Raises:
        UsageError: the data set is of another kind, or lacks one of the parts.
        DataError: as `load_dataset`, also where a part has none of the three categories.
    """
    kind, _, location = spec.partition(":")
    parts = find_parts(local_path(location)) if kind == "fashionai" else {}
    missing = [part for part in _PARTS.values() if part not in parts]
    if missing:
        raise UsageError(
            f"{spec} has no part {', '.join(missing)}; the paper's experiment needs fashionai:DIR, where DIR has the "
            f"contest's parts train, warmup and test_a (found: {', '.join(parts) or 'none'}). "
            "Use a holdout to split other data"
        )

    def load(name: str) -> Dataset:
        dataset = load_dataset(
            f"{spec}#{_PARTS[name]}",
            schema="fashionai24",
            skip_bad=skip_bad,
            check_images=check_images,
            categories=CATEGORIES,
            progress=progress,
        )
        return replace(dataset, name=f"FPM paper, {name}")

    train, validation, test = load("train"), load("validation"), load("test")
    actual = SplitSizes(len(train), len(validation), len(test))
    return PaperSplit(train, validation, test, PUBLISHED, CONTEST, actual)
