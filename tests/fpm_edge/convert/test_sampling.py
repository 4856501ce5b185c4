"""Which pictures calibrate, by what the network makes of them."""

from pathlib import Path

import numpy as np
import pytest

from fpm_edge.convert.quantized import LoadedModel, load_any
from fpm_edge.convert.sampling import STRATEGIES, calibration_samples
from fpm_edge.data import Dataset
from fpm_edge_calibration import stratum_of
from fpm_edge_runtime.errors import DataError, UsageError


@pytest.fixture(scope="module")
def loaded(tiny_model: Path) -> LoadedModel:
    return load_any(tiny_model)


def chosen(loaded: LoadedModel, data: Dataset, count: int, strategy: str, seed: int = 0) -> list[int]:
    return calibration_samples(data, count, strategy, seed, loaded.config, loaded.network)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_choice_is_a_function_of_its_arguments(strategy: str, loaded: LoadedModel, calibration_data: Dataset) -> None:
    first = chosen(loaded, calibration_data, 12, strategy)
    assert first == chosen(loaded, calibration_data, 12, strategy)
    assert first == sorted(set(first))
    assert len(first) == 12
    assert all(type(index) is int and 0 <= index < len(calibration_data) for index in first)
    assert chosen(loaded, calibration_data, len(calibration_data), strategy) == list(range(len(calibration_data)))
    with pytest.raises(DataError, match="has 40 pictures, 41 are needed"):
        chosen(loaded, calibration_data, 41, strategy)


def test_the_strategies_differ(loaded: LoadedModel, calibration_data: Dataset) -> None:
    choices = {strategy: tuple(chosen(loaded, calibration_data, 12, strategy)) for strategy in STRATEGIES}
    assert len(set(choices.values())) == len(STRATEGIES)


def test_stratified_covers_more_strata_than_chance(loaded: LoadedModel, calibration_data: Dataset) -> None:
    def strata(strategy: str, seed: int) -> int:
        records = [calibration_data.records[i] for i in chosen(loaded, calibration_data, 12, strategy, seed)]
        return len({stratum_of(r.category, r.landmarks, r.visibility) for r in records})

    assert np.mean([strata("stratified", seed) for seed in range(5)]) > np.mean(
        [strata("random", seed) for seed in range(5)]
    )


def test_worst_case_mining_starts_from_the_stratified_choice(loaded: LoadedModel, calibration_data: Dataset) -> None:
    # Three rounds swap at most an eighth of 16 each.
    kept = set(chosen(loaded, calibration_data, 16, "worst-case")) & set(
        chosen(loaded, calibration_data, 16, "stratified")
    )
    assert 10 <= len(kept) < 16


def test_arguments_that_cannot_be_meant(loaded: LoadedModel, calibration_data: Dataset) -> None:
    with pytest.raises(UsageError, match="unknown sample strategy 'best'; expected one of: random, stratified, k-"):
        chosen(loaded, calibration_data, 5, "best")
    with pytest.raises(UsageError, match="0 calibration samples"):
        chosen(loaded, calibration_data, 0, "random")
