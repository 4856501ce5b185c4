"""Training on several data sets: shares of an epoch, and that all is seen in time."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fpm_edge.data import Dataset, load_dataset, mixed
from fpm_edge.model import ModelConfig, preset
from fpm_edge.model.network import build_model
from fpm_edge.model.networks import network_for
from fpm_edge.train.loop import train
from fpm_edge.train.pipeline import epoch_order, epoch_size
from fpm_edge.train.settings import TrainSettings
from fpm_edge.train.step import TrainStep
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


def test_the_last_batch_of_an_epoch_counts_its_pictures(
    both: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    step, seen = TrainStep.__call__, []

    def watched(self: TrainStep, batch: Any, count: int, number: int, total: int) -> Any:
        seen.append((count, len(batch.image)))
        return step(self, batch, count, number, total)

    monkeypatch.setattr(TrainStep, "__call__", watched)
    config = preset("tiny", both.schema, stages=1)
    assert isinstance(config, ModelConfig)
    train(build_model(config), config, both, TrainSettings(epochs=1, batch=8), tmp_path / "run")
    assert seen == [(8, 8), (8, 8), (4, 4)]


def test_a_network_without_silent_maps_takes_no_empty_pictures(both: Dataset, tmp_path: Path) -> None:
    config = preset("oneshot", both.schema, input_size=(64, 64))
    model = network_for(config).build(config)
    with pytest.raises(UsageError, match="'oneshot' cannot learn from pictures without a garment"):
        train(model, config, both, TrainSettings(epochs=1, batch=8), tmp_path / "run")
