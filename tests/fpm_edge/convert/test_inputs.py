"""Network inputs are the pictures in order, whatever is kept of them."""

from typing import Any

import numpy as np
import pytest

from fpm_edge.convert.inputs import NetworkInputs, network_inputs
from fpm_edge.data import Dataset
from fpm_edge.model.store import read_config
from fpm_edge.train import pipeline
from fpm_edge.train.pipeline import load_sample


@pytest.mark.parametrize(("kept", "read"), [(0, 8), (2, 6), (4, 4)])
def test_what_does_not_fit_is_read_again(
    calibration_data: Dataset, tiny_model: Any, monkeypatch: pytest.MonkeyPatch, kept: int, read: int
) -> None:
    config: Any = read_config(tiny_model)
    chosen = [5, 3, 9, 0]
    expected = [load_sample(calibration_data, index, config).image for index in chosen]
    times: list[int] = []

    def counted(data: Dataset, index: int, config: Any) -> Any:
        times.append(index)
        return load_sample(data, index, config)

    monkeypatch.setattr(pipeline, "load_sample", counted)
    inputs = NetworkInputs(calibration_data, chosen, config, limit=kept * expected[0].nbytes)
    assert len(inputs) == 4
    for _ in range(2):
        np.testing.assert_array_equal(list(inputs), expected)
    assert len(times) == read
    np.testing.assert_array_equal(inputs[-1], expected[3])
    np.testing.assert_array_equal(inputs[1:3], expected[1:3])


def test_all_are_read_at_once(calibration_data: Dataset, tiny_model: Any) -> None:
    config: Any = read_config(tiny_model)
    inputs = network_inputs(calibration_data, range(3), config)
    np.testing.assert_array_equal(inputs[2], load_sample(calibration_data, 2, config).image)
