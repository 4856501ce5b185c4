"""Training on several data sets at once: all of one, and of the others as much as makes up a share of every epoch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from fpm_edge.data.dataset import Dataset, Sampled
from fpm_edge_runtime.errors import UsageError

__all__ = ["mixed"]


def mixed(main: Dataset, others: Sequence[tuple[Dataset, float]]) -> Dataset:
    """`main` with others beside it, of which an epoch takes so many records that they are that share of it.

    An epoch goes on in another set where the last one ended, so that in time all of it is seen.

    Args:
        main: an epoch takes every record of it once.
        others: data sets of the same landmarks, each with its share of an epoch, above 0; together below 1.

    Raises:
        UsageError: the shares are none, or leave nothing for `main`.
        SchemaError: a data set has other landmarks.
    """
    total = sum(share for _, share in others)
    if not all(0 < share < 1 for _, share in others) or not total < 1:
        listed = ", ".join(f"{share:g}" for _, share in others)
        raise UsageError(f"shares of an epoch are {listed}; expected numbers above 0 that add up to less than 1")
    records = list(main.records)
    sampled = []
    for other, share in others:
        other.expect_landmarks(main.schema, f"the data {main.name} beside it")
        records.extend(other.records)
        sampled.append(Sampled(len(other), max(1, round(len(main) * share / (1 - total)))))
    names = ", ".join(f"{share:.0%} {other.name}" for other, share in others)
    return replace(main, records=tuple(records), sampled=tuple(sampled), name=f"{main.name} with {names}")
