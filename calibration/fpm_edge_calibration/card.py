"""The record of a calibration: reproducible, and readable by a person."""

import hashlib
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from fpm_edge_runtime.bundle.manifest import CalibrationCard

__all__ = ["calibration_card"]


def calibration_card(
    *,
    strategy: str,
    source: str,
    seed: int,
    identifiers: Sequence[str],
    inputs: Sequence[NDArray[np.uint8]],
    estimator: str,
    ranges: Mapping[str, tuple[float, float]],
) -> CalibrationCard:
    """Describe a calibration.

    Args:
        inputs: the network inputs (height, width, 3) uint8 in the order of `identifiers`; their digest goes in.
        ranges: tensor name → (minimum, maximum) in real units.
    """
    digest = hashlib.sha256()
    for array in inputs:
        digest.update(np.ascontiguousarray(array).tobytes())
    return CalibrationCard(
        strategy=strategy,
        source=source,
        seed=seed,
        samples=tuple(identifiers),
        digest=digest.hexdigest(),
        estimator=estimator,
        ranges={name: (float(low), float(high)) for name, (low, high) in sorted(ranges.items())},
    )
