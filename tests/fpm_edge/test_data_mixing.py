"""Training on several data sets: shares of an epoch, and that all is seen in time."""

import numpy as np
import pytest

from fpm_edge.data import Dataset, load_dataset, mixed
from fpm_edge.train.pipeline import epoch_order, epoch_size
from fpm_edge_runtime.errors import SchemaError, UsageError


@pytest.fixture(scope="module")
def both() -> Dataset:
    main = load_dataset("rendered:12@3/64")
    return mixed(main, [(load_dataset("rendered:10@4/64"), 0.2), (load_dataset("backdrops:5@1/64"), 0.2)])


def test_an_epoch_takes_all_of_the_main_data_and_shares_of_the_others(both: Dataset) -> None:
    assert len(both) == 27
    assert epoch_size(both) == 20
    for epoch in range(3):
        order = epoch_order(both, 7, epoch)
        assert len(order) == len(set(order)) == 20
        assert set(range(12)) <= set(order)
        assert sum((order >= 12) & (order < 22)) == 4


def test_epochs_go_on_where_the_last_one_ended(both: Dataset) -> None:
    seen = [set(order[(order >= 12) & (order < 22)]) for order in (epoch_order(both, 7, epoch) for epoch in range(5))]
    assert seen[0] | seen[1] | seen[2] == set(range(12, 22))
    assert len(seen[0] & seen[1]) == 0
    counts = np.bincount([index for epoch in seen for index in epoch], minlength=22)[12:]
    assert set(counts) == {2}


def test_a_subset_takes_every_record(both: Dataset) -> None:
    part = both.subset(range(12, 27))
    assert epoch_size(part) == 15


@pytest.mark.parametrize("shares", [(0.5, 0.5), (0.0, 0.2), (1.2,), (float("nan"),)])
def test_shares_that_leave_nothing_are_refused(shares: tuple[float, ...]) -> None:
    main = load_dataset("rendered:2@3/64")
    with pytest.raises(UsageError, match="expected numbers above 0 that add up to less than 1"):
        mixed(main, [(main, share) for share in shares])


def test_other_landmarks_are_refused() -> None:
    main = load_dataset("rendered:2@3/64")
    with pytest.raises(SchemaError, match="use data with the same landmarks"):
        mixed(main, [(load_dataset("backdrops:2", schema="lsp14"), 0.2)])
