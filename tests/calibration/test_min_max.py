"""Range estimators."""

import numpy as np
import pytest

from fpm_edge_calibration import MinMax
from fpm_edge_runtime.errors import DataError


def test_min_max_is_the_extremes_over_all_batches() -> None:
    batches = [np.random.default_rng(i).normal(i, 1 + i, (4, 5, 6, 2)).astype(np.float32) for i in range(3)]
    estimator = MinMax()
    for number, batch in enumerate(batches):
        estimator.update({"a": batch, **({"b": -batch} if number else {})})
    together, later = np.concatenate(batches), np.concatenate(batches[1:])
    assert estimator.ranges() == {
        "a": (float(together.min()), float(together.max())),
        "b": (float(-later.max()), float(-later.min())),
    }
    assert estimator.name == "min-max"


def test_the_order_of_batches_does_not_matter() -> None:
    batches = [np.float32([1, 2]), np.float32([-7, 0]), np.float32([9])]
    forth, back = MinMax(), MinMax()
    for batch in batches:
        forth.update({"a": batch})
    for batch in reversed(batches):
        back.update({"a": batch})
    assert forth.ranges() == back.ranges() == {"a": (-7.0, 9.0)}


def test_what_it_gave_is_the_callers() -> None:
    estimator = MinMax()
    estimator.update({"a": np.float32([1, 2])})
    estimator.ranges()["a"] = (0.0, 0.0)
    assert estimator.ranges() == {"a": (1.0, 2.0)}


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_values_that_are_not_finite(value: float) -> None:
    estimator = MinMax()
    estimator.update({"stage_1_relu": np.float32([1, 2])})
    with pytest.raises(DataError, match="the output of layer stage_1_relu is not finite"):
        estimator.update({"stage_1_relu": np.float32([0, value, 3])})
    assert estimator.ranges() == {"stage_1_relu": (1.0, 2.0)}
