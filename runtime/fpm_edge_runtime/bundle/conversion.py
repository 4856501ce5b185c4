"""Codes of one scale as codes of another, or as real numbers: what passes between pieces of different precision."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fpm_edge_runtime.bundle.manifest import TensorSpec

__all__ = ["converted"]


def converted(tensor: NDArray[Any], source: TensorSpec, target: TensorSpec) -> NDArray[Any]:
    """`tensor`, which is as `source` says, as `target` wants it: real = scale · (code − zero_point).

    The tensor itself where both are the same.
    """
    if source.dtype == target.dtype:
        return tensor
    values = tensor.astype(np.float32)
    if source.dtype != "float32":
        scale, zero_point = _affine(source)
        values -= zero_point
        values *= scale
    if target.dtype == "float32":
        return values
    scale, zero_point = _affine(target)
    values /= scale
    np.rint(values, out=values)
    values += zero_point
    limits = np.iinfo(target.dtype)
    return np.clip(values, limits.min, limits.max, out=values).astype(target.dtype)


def _affine(spec: TensorSpec) -> tuple[np.float32, np.float32]:
    """Scale and zero point of codes, which always have both."""
    return np.float32(spec.scale or 1.0), np.float32(spec.zero_point or 0)
