"""Which pictures calibrate: by annotations alone, or by what the network makes of the pictures."""

from collections.abc import Sequence

import numpy as np
import tf_keras
from numpy.typing import NDArray

from fpm_edge.accuracy.metrics import point_mask
from fpm_edge.accuracy.predict import predict_network, truth_of
from fpm_edge.convert.inputs import NetworkInputs, network_inputs
from fpm_edge.data import Dataset
from fpm_edge.model.config import ModelConfig
from fpm_edge.text.progress import progress_bar
from fpm_edge_calibration import MinMax, choose_samples, farthest_first, stratum_of, swap_worst
from fpm_edge_converters import calibrated, input_batches
from fpm_edge_runtime.errors import DataError, UsageError
from fpm_edge_runtime.pixels.metrics import normalized_error

__all__ = ["STRATEGIES", "calibration_samples", "not_chosen"]

STRATEGIES = ("random", "stratified", "k-centre", "worst-case")

# Strategies that run the network look at so many pictures for each one to choose, drawn by strata, at least _POOL.
_POOL_SHARE = 8
_POOL = 512
# Worst-case mining swaps an eighth of the pictures, so many times.
_ROUNDS = 3
_SWAP_SHARE = 8


def calibration_samples(
    dataset: Dataset, count: int, strategy: str, seed: int, config: ModelConfig, network: tf_keras.Model
) -> list[int]:
    """Indices of `count` pictures, always the same for the same arguments, in ascending order.

    Args:
        strategy: ``random``; ``stratified``, as evenly over category × occlusion × pose as their sizes allow;
            ``k-centre``, farthest first in the space of stage 1's features; ``worst-case``, stratified, then three
            times those pictures of a larger pool whose landmarks quantization moves most, for those that it moves
            least.
        config, network: float, without batch normalisation.

    Raises:
        DataError: fewer pictures than asked for, or one that cannot be read.
        UsageError: unknown strategy, or a count below 1.
    """
    if strategy not in STRATEGIES:
        raise UsageError(f"unknown sample strategy {strategy!r}; expected one of: {', '.join(STRATEGIES)}")
    if count < 1:
        raise UsageError(f"{count} calibration samples; expected at least 1")
    if len(dataset) < count:
        raise DataError(
            f"the calibration data has {len(dataset)} pictures, {count} are needed; give more, or ask for fewer"
        )
    strata = [stratum_of(record.category, record.landmarks, record.visibility) for record in dataset.records]
    if strategy == "random":
        return choose_samples([""] * len(dataset), count, seed=seed)
    if strategy == "stratified":
        return choose_samples(strata, count, seed=seed)
    pool = choose_samples(strata, min(len(dataset), max(_POOL, _POOL_SHARE * count)), seed=seed)
    among = dataset.subset(pool)
    if strategy == "k-centre":
        features = _features(network, network_inputs(among, range(len(pool)), config))
        return sorted(pool[i] for i in farthest_first(features, count))
    chosen = choose_samples([strata[i] for i in pool], count, seed=seed)
    return sorted(pool[i] for i in _mine(among, chosen, config, network))


def not_chosen(dataset: Dataset, chosen: Sequence[int]) -> Dataset:
    """The pictures that set no range, to measure on. Raises UsageError where there is none."""
    rest = sorted(set(range(len(dataset))) - set(chosen))
    if not rest:
        raise UsageError(
            f"all {len(dataset)} pictures of {dataset.name} set the ranges, so none is left to measure drift on; "
            "give more pictures, fewer --samples, or other pictures with --score"
        )
    return dataset.subset(rest)


def _features(network: tf_keras.Model, inputs: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
    """(pictures, 2 · channels): mean and maximum over positions of what stage 1's head reads."""
    tap = tf_keras.Model(network.input, network.get_layer("stage_1_head").input)
    rows = []
    with progress_bar("features of stage 1", len(inputs)) as advance:
        for batch in input_batches(inputs):
            values = tap(batch, training=False).numpy()
            rows.append(np.concatenate([values.mean(axis=(1, 2)), values.max(axis=(1, 2))], axis=1))
            advance(len(batch))
    return np.concatenate(rows)


def _mine(pool: Dataset, chosen: list[int], config: ModelConfig, network: tf_keras.Model) -> list[int]:
    """Worst-case mining with the quantized network's own opinion; ranges by min-max, which extremes set."""
    truth = truth_of(pool)
    mask = point_mask(truth.visibility, "labelled")
    inputs = NetworkInputs(pool, range(len(pool)), config)
    expected = predict_network(network, config, pool, inputs.sample)
    for _ in range(_ROUNDS):
        quantized = calibrated(network, [inputs[i] for i in chosen], MinMax())
        found = predict_network(quantized, config, pool, inputs.sample)
        apart = normalized_error(found.landmarks[:, -1], expected.landmarks[:, -1], found.sizes)
        moved = np.where(mask, apart, 0.0).sum(axis=1) / np.maximum(mask.sum(axis=1), 1)
        chosen = swap_worst(chosen, moved, max(1, len(chosen) // _SWAP_SHARE))
    return chosen
