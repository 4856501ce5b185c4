"""Histograms of streams, and the ranges that estimators take from them."""

import numpy as np
import pytest
from numpy.typing import NDArray

from fpm_edge_calibration import ESTIMATORS, RangeEstimator
from fpm_edge_calibration.entropy import Entropy
from fpm_edge_calibration.histogram import BINS, FromHistogram, Histogram
from fpm_edge_calibration.mean_square import MeanSquare
from fpm_edge_calibration.percentile import Percentile
from fpm_edge_runtime.errors import DataError

RULES = (Percentile(), MeanSquare(), Entropy())


def histogram_of(*batches: NDArray[np.float32]) -> Histogram:
    histogram = Histogram()
    for batch in batches:
        histogram.add(batch, float(batch.min()), float(batch.max()))
    return histogram


def normal(seed: int, scale: float = 1.0, count: int = 20_000) -> NDArray[np.float32]:
    return np.random.default_rng(seed).normal(0, scale, count).astype(np.float32)


def quantization_error(values: NDArray[np.float32], ends: tuple[float, float]) -> float:
    low, high = ends
    scale = (high - low) / 255
    zero = round(-low / scale)
    return float(np.mean((values - (np.clip(np.rint(values / scale) + zero, 0, 255) - zero) * scale) ** 2))


def test_every_value_is_counted_in_its_bin() -> None:
    values = normal(1)
    values[:500] = 0
    histogram = histogram_of(values)
    edges = np.append(histogram.centres - histogram.width / 2, histogram.centres[-1] + histogram.width / 2)
    assert np.array_equal(histogram.counts, np.histogram(values[values != 0], edges)[0])
    assert histogram.zeros == 500
    assert (histogram.low, histogram.high) == (float(values.min()), float(values.max()))


def test_neither_order_nor_batches_matter() -> None:
    batches = [normal(1, 0.01), normal(2, 30.0), -np.abs(normal(3)), np.zeros(7, np.float32), normal(4, 1e-4)]
    forth, back = histogram_of(*batches), histogram_of(*reversed(batches))
    together = histogram_of(np.concatenate(batches))
    for other in (back, together):
        assert np.array_equal(forth.counts, other.counts)
        assert np.array_equal(forth.centres, other.centres)
        assert (forth.low, forth.high, forth.zeros) == (other.low, other.high, other.zeros)


@pytest.mark.parametrize("scale", [1e-12, 1e-3, 1.0, 1e5, 1e30])
def test_half_of_the_bins_or_more_are_in_use_at_every_scale(scale: float) -> None:
    histogram = histogram_of(np.float32([-1, 0.5, 2]) * np.float32(scale))
    span = 3 * scale / histogram.width
    assert BINS / 2 - 2 <= span <= BINS
    assert histogram.counts.sum() == 3


def test_values_far_from_zero() -> None:
    # Zero needs a bin as well: every quantizer's range includes it.
    histogram = histogram_of(np.float32([1e6, 1e6 + 1]))
    assert histogram.counts.sum() == 2
    assert histogram.centres[0] < 1e6 / BINS


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_ranges_lie_within_the_extremes_and_include_zero(rule: Percentile | MeanSquare | Entropy) -> None:
    for values in (normal(1), np.abs(normal(2)), -np.abs(normal(3)), np.abs(normal(4)) + 5, np.float32([3])):
        low, high = rule.range_of(histogram_of(values))
        assert min(float(values.min()), 0.0) <= low <= 0.0 <= high <= max(float(values.max()), 0.0)
        assert low < high


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_a_tensor_that_was_always_zero_has_an_empty_range(rule: Percentile | MeanSquare | Entropy) -> None:
    assert rule.range_of(histogram_of(np.zeros(9, np.float32))) == (0.0, 0.0)


@pytest.mark.parametrize("rule", [Percentile(), Entropy()], ids=lambda rule: rule.name)
def test_one_outlier_does_not_set_the_range(rule: Percentile | Entropy) -> None:
    values = np.append(np.abs(normal(1, 1.0, 200_000)), np.float32(60))
    _, high = rule.range_of(histogram_of(values))
    assert high < 20


def test_the_percentile_leaves_out_its_share_of_what_is_not_zero() -> None:
    values = np.arange(1, 10_001, dtype=np.float32)
    zeros = np.zeros(90_000, np.float32)
    assert Percentile(0.99).range_of(histogram_of(values, zeros)) == pytest.approx((0.0, 9900), abs=4)
    assert Percentile(0.99).range_of(histogram_of(-values)) == pytest.approx((-9900, 0.0), abs=4)
    assert Percentile(1.0).range_of(histogram_of(values)) == (0.0, 10_000)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_mean_square_range_is_better_than_any_other_that_is_tried(seed: int) -> None:
    # Heavy tails on both sides, of different weight.
    values = np.random.default_rng(seed).standard_t(3, 50_000).astype(np.float32)
    values[values < 0] *= 0.3
    low, high = MeanSquare().range_of(histogram_of(values))
    found = quantization_error(values, (low, high))
    assert found < 0.95 * quantization_error(values, (float(values.min()), float(values.max())))
    others = [(low * a, high * b) for a in (0.5, 0.8, 1.0, 1.25, 2.0) for b in (0.5, 0.8, 1.0, 1.25, 2.0)]
    assert found <= min(quantization_error(values, ends) for ends in others) * 1.02


def test_the_mean_square_range_of_even_values_is_all_of_them() -> None:
    values = np.random.default_rng(1).uniform(-1, 3, 50_000).astype(np.float32)
    assert MeanSquare().range_of(histogram_of(values)) == pytest.approx((-1, 3), rel=0.05)


def test_the_entropy_range_of_even_values_is_all_of_them() -> None:
    values = np.random.default_rng(1).uniform(-3, 3, 50_000).astype(np.float32)
    assert Entropy().range_of(histogram_of(values)) == pytest.approx((-3, 3), rel=0.05)


@pytest.mark.parametrize("name", sorted(ESTIMATORS))
def test_estimators_by_name(name: str) -> None:
    estimator: RangeEstimator = ESTIMATORS[name]()
    estimator.update({"a": normal(1), "b": np.abs(normal(2))})
    estimator.update({"a": normal(3)})
    ranges = estimator.ranges()
    assert set(ranges) == {"a", "b"}
    assert ranges["b"][0] == pytest.approx(0.0, abs=1e-3)
    assert estimator.name.startswith(name)
    with pytest.raises(DataError, match="the output of layer a is not finite"):
        estimator.update({"a": np.float32([1, np.nan])})


def test_the_state_does_not_grow() -> None:
    estimator = FromHistogram(MeanSquare())
    for seed in range(20):
        estimator.update({"a": normal(seed, float(seed + 1), 1000)})
    (histogram,) = estimator._histograms.values()
    assert histogram.counts.nbytes == BINS * 8
    assert histogram.counts.sum() + histogram.zeros == 20_000
