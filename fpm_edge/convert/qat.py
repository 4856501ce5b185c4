"""Quantization-aware training: fine-tune a float network under int8 quantizers."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import tensorflow as tf
import tf_keras

from fpm_edge.convert.inputs import network_inputs
from fpm_edge.convert.sampling import calibration_samples
from fpm_edge.data import Dataset
from fpm_edge.model.config import ModelConfig
from fpm_edge.train.loop import EpochLog, train
from fpm_edge.train.quantizers import Quantizers
from fpm_edge.train.seen import Seen
from fpm_edge.train.settings import TrainSettings
from fpm_edge_calibration import MinMax, RangeEstimator
from fpm_edge_converters import calibrated, freeze_ranges

__all__ = ["fine_tune"]

# The quantizers start from calibrated ranges and only then move with training.
_START_SAMPLES = 64


def fine_tune(
    config: ModelConfig,
    network: tf_keras.Model,
    dataset: Dataset,
    settings: TrainSettings,
    folder: Path,
    *,
    origin: str = "",
    seen: Seen | None = None,
    resume: bool = False,
    estimator: RangeEstimator | None = None,
    on_epoch: Callable[[EpochLog], None] | None = None,
) -> tf_keras.Model:
    """Train a copy of `network` with quantizers in place, and return it.

    `network` is also the teacher where `TrainSettings.float_weight` is above 0. Its batch normalisation was folded into
    the convolutions, so that there are no statistics that could move: it is frozen from the first step on.

    Args:
        config, network: float, batch normalisation folded.
        dataset: training pictures; some of them give the quantizers' first ranges.
        estimator: makes ranges of what it sees on these; None for min-max. Ranges then move towards the batches'
            extremes until `TrainSettings.freeze_ranges_after`; 0 keeps the estimator's.
        folder, origin, seen, resume, on_epoch: as for `train.loop.train`, which also gives the errors.
    """
    count = min(_START_SAMPLES, len(dataset))
    chosen = calibration_samples(dataset, count, "stratified", settings.seed, config, network)
    inputs = network_inputs(dataset, chosen, config)
    quantized = calibrated(network, inputs, estimator or MinMax())
    # tfmot's wrappers count optimiser steps in a variable that must exist before the step is traced.
    quantized(tf.zeros((1, config.input_height, config.input_width, 3)), training=False)
    quantizers = Quantizers(network, partial(freeze_ranges, quantized))
    train(
        quantized,
        config,
        dataset,
        settings,
        folder,
        origin=origin,
        seen=seen,
        resume=resume,
        quantizers=quantizers,
        on_epoch=on_epoch,
    )
    return quantized
