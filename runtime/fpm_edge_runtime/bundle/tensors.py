"""From one piece's tensor to the next one's, where the two are of different precision."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fpm_edge_runtime.bundle.manifest import TensorSpec

__all__ = ["arranged", "is_convertible"]


def is_convertible(source: TensorSpec, target: TensorSpec) -> bool:
    """Whether `converted` can pass `source` on as `target`: same shape and layout; equal, or of different types."""
    if (source.shape, source.layout) != (target.shape, target.layout):
        return False
    return source == target or source.dtype != target.dtype


def arranged(tensor: NDArray[Any], source: TensorSpec | None, target: TensorSpec) -> NDArray[Any]:
    """A tensor as a piece takes it: the image (which no piece makes: no source) in its layout, others `converted`."""
    if source is not None:
        if source.dtype == target.dtype:
            return tensor
        # Few bundles mix precisions.
        from fpm_edge_runtime.bundle.conversion import converted

        return converted(tensor, source, target)
    return np.ascontiguousarray(tensor.transpose(0, 3, 1, 2)) if target.layout == "NCHW" else tensor
