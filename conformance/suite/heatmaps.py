"""Heatmaps by chance, of each kind that decoding has something to say about."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["CODES", "KINDS", "REAL_KINDS", "as_codes"]

Maps = NDArray[Any]
Make = Callable[[np.random.Generator, int, int, int], Maps]

CODES: Mapping[str, tuple[tuple[float, int], ...]] = {
    "int8": ((1 / 255, -128), (1 / 256, -128), (0.045, -3), (1.7e-3, 100)),
    "uint8": ((1 / 255, 0), (1 / 256, 0), (0.045, 125)),
    "int16": ((1 / 32767, 0), (3.1e-5, -7), (1e-3, 1000)),
}
"""Type → scales and zero points to try."""


def as_codes(values: Maps, kind: str, scale: float, zero_point: int) -> Maps:
    """Real numbers as codes."""
    limits = np.iinfo(kind)
    return np.clip(np.rint(values / scale) + zero_point, limits.min, limits.max).astype(kind)


def _grid(height: int, width: int) -> tuple[Any, Any]:
    rows, columns = np.mgrid[:height, :width]
    return rows[..., np.newaxis], columns[..., np.newaxis]


def peaks(rng: np.random.Generator, height: int, width: int, channels: int) -> Maps:
    """One Gaussian a map, some beyond the border, with a little noise."""
    rows, columns = _grid(height, width)
    x, y = rng.uniform(-1, width, channels), rng.uniform(-1, height, channels)
    wide, tall = rng.uniform(0.5, 2.5, (2, channels))
    top = rng.uniform(0.05, 1.0, channels)
    map_ = top * np.exp(-((columns - x) ** 2) / (2 * wide**2) - (rows - y) ** 2 / (2 * tall**2))
    return np.asarray(map_ + rng.normal(0, 0.01, map_.shape))


def two_peaks(rng: np.random.Generator, height: int, width: int, channels: int) -> Maps:
    """Two places of nearly the same height."""
    return np.maximum(peaks(rng, height, width, channels), peaks(rng, height, width, channels))


def uniform(rng: np.random.Generator, height: int, width: int, channels: int) -> Maps:
    """Anything anywhere."""
    return rng.uniform(-0.2, 1.0, (height, width, channels))


def ties(rng: np.random.Generator, height: int, width: int, channels: int) -> Maps:
    """Three heights only: the highest is in many places."""
    return np.asarray(rng.choice([0.1, 0.4, 0.6], (height, width, channels), p=[0.6, 0.3, 0.1]))


def plateaus(rng: np.random.Generator, height: int, width: int, channels: int) -> Maps:
    """A flat top of some cells, on a slope."""
    values = peaks(rng, height, width, channels) * 0.5
    for channel in range(channels):
        _put(values[..., channel], rng, 0.7, 4)
    return values


def saturated(rng: np.random.Generator, height: int, width: int, channels: int) -> Maps:
    """Cut off at the top, over a few cells or over many."""
    values = peaks(rng, height, width, channels)
    for channel in range(channels):
        _put(values[..., channel], rng, 1.5, 9)
    return values


def flat(rng: np.random.Generator, height: int, width: int, channels: int) -> Maps:
    """One value a map."""
    return np.broadcast_to(rng.choice([-0.5, 0.0, 0.3, 1.0, 2.0], channels), (height, width, channels)).copy()


def nearly_flat(rng: np.random.Generator, height: int, width: int, channels: int) -> Maps:
    """One value a map, but for one cell."""
    values = flat(rng, height, width, channels)
    for channel in range(channels):
        values[int(rng.integers(height)), int(rng.integers(width)), channel] += rng.choice([-0.2, 0.2])
    return values


def negative(rng: np.random.Generator, height: int, width: int, channels: int) -> Maps:
    """Nothing over 0."""
    return -np.abs(uniform(rng, height, width, channels)) - 0.01


def not_finite(rng: np.random.Generator, height: int, width: int, channels: int) -> Maps:
    """Some cells of some maps are infinite or no number; in some maps all are."""
    values = peaks(rng, height, width, channels)
    values[rng.random(values.shape) < 0.02] = rng.choice([np.nan, np.inf, -np.inf])
    values[..., rng.random(channels) < 0.1] = np.nan
    values[..., rng.random(channels) < 0.3] = 0.25
    return values


def tiny_numbers(rng: np.random.Generator, height: int, width: int, channels: int) -> Maps:
    """Heights that float32 keeps with few digits, or not at all."""
    return peaks(rng, height, width, channels) * rng.choice([1e-38, 1e-42, 1e-20, 1e30], channels)


def _put(values: Any, rng: np.random.Generator, value: float, most: int) -> None:
    height, width = values.shape
    top, left = int(rng.integers(height)), int(rng.integers(width))
    values[top : top + int(rng.integers(1, most)), left : left + int(rng.integers(1, most))] = value


KINDS: Mapping[str, Make] = {
    make.__name__.replace("_", " "): make
    for make in (peaks, two_peaks, uniform, ties, plateaus, saturated, flat, nearly_flat, negative)
}
"""Kinds that codes can hold as well as real numbers."""

REAL_KINDS: Mapping[str, Make] = {make.__name__.replace("_", " "): make for make in (not_finite, tiny_numbers)}
