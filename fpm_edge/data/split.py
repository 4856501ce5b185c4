"""Holding back part of a data set, photograph by photograph."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from fpm_edge.data.dataset import Dataset
from fpm_edge_runtime.errors import UsageError

__all__ = ["split_dataset"]


def split_dataset(dataset: Dataset, holdout: int | float, seed: int) -> tuple[Dataset, Dataset]:
    """Split into (train, held back). Garments of the same photograph stay together, so none is seen in training.

    The same data set, holdout and seed always give the same split, wherever the data set is stored. It is not
    stratified: categories fall as they fall.

    Args:
        dataset: at least two photographs.
        holdout: how many photographs to hold back, or as a float between 0 and 1 which share of them.
        seed: of the draw.

    Raises:
        UsageError: the holdout leaves one side without a photograph.
    """
    photographs = sorted({record.photograph for record in dataset.records})
    count = round(holdout * len(photographs)) if isinstance(holdout, float) else holdout
    sensible = not isinstance(holdout, float) or 0 < holdout < 1
    if not (sensible and 0 < count < len(photographs)):
        raise UsageError(
            f"cannot hold back {holdout} of the {len(photographs)} photographs of {dataset.name!r}; expected 1 to "
            f"{len(photographs) - 1} of them, or a share between 0 and 1 that leaves some on both sides"
        )
    order = np.random.default_rng(seed).permutation(len(photographs))
    held = {photographs[i] for i in order[:count]}
    is_held = [record.photograph in held for record in dataset.records]
    return (
        replace(dataset.subset(i for i, hold in enumerate(is_held) if not hold), name=f"{dataset.name} (train)"),
        replace(dataset.subset(i for i, hold in enumerate(is_held) if hold), name=f"{dataset.name} (held back)"),
    )
