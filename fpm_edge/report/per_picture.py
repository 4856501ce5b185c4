"""The errors of single pictures, which two reports on the same pictures are compared by."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from fpm_edge.accuracy.metrics import point_mask
from fpm_edge.accuracy.predict import Predictions, Truth
from fpm_edge.report.data import PictureErrors, PictureList
from fpm_edge_runtime.bundle.schema import LandmarkSchema
from fpm_edge_runtime.pixels.metrics import normalized_error

__all__ = ["picture_errors", "picture_list"]

# NE of 1e-5 is a two-hundredth of a pixel of 512; a mean of up to 24 points has a digit more.
_POINT_DIGITS = 5
_MEAN_DIGITS = 6


def picture_list(truth: Truth, categories: Sequence[str]) -> PictureList:
    """Category and labelled points of each picture. `categories`: the names, in the order of the data set's facts."""
    number = {name: index for index, name in enumerate(categories)}
    points = point_mask(truth.visibility, "labelled").sum(axis=1)
    return PictureList(tuple(number[name] for name in truth.categories), tuple(points.tolist()))


def picture_errors(found: Predictions, truth: Truth, schema: LandmarkSchema) -> PictureErrors:
    """The paper's NE of every picture after each stage, and of its landmarks after the last one."""
    mask = point_mask(truth.visibility, "labelled")
    counts = mask.sum(axis=1)
    stages = []
    errors = np.zeros(mask.shape)
    for stage in range(found.landmarks.shape[1]):
        errors = normalized_error(found.landmarks[:, stage], truth.landmarks, found.sizes)
        means = np.where(mask, errors, 0.0).sum(axis=1) / np.maximum(counts, 1)
        stages.append(_plain(means, counts > 0, _MEAN_DIGITS))
    return PictureErrors(
        stages=tuple(stages),
        landmarks={
            name: _plain(errors[:, index], mask[:, index], _POINT_DIGITS)
            for index, name in enumerate(schema.landmarks)
            if mask[:, index].any()
        },
    )


def _plain(values: NDArray[np.float64], known: NDArray[np.bool_], digits: int) -> tuple[float | None, ...]:
    return tuple(round(v, digits) if k else None for v, k in zip(values.tolist(), known.tolist(), strict=True))
