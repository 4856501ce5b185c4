"""How good predicted landmarks are: two NEs that are never mixed, PCK, and summaries.

- `fpm_edge_runtime.normalized_error`: the paper's NE (also DeepFashion's). Coordinates are divided by the picture's
  width and height.
- `contest_error`: FashionAI's NE. Distances are divided by the length of a garment part, visible landmarks only.
- `pck`: the share of points whose error is at most a threshold.

All sums are float64. An error is NaN where it is undefined and inf where the prediction is not finite, so that a
network that diverged can never look good by leaving points out.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from fpm_edge_runtime.bundle.schema import LandmarkSchema
from fpm_edge_runtime.errors import DataError, UsageError
from fpm_edge_runtime.pixels.metrics import Errors, Points, check_points, distance

__all__ = ["Part", "Summary", "contest_error", "normalizer_indices", "pck", "point_mask", "summarize"]

Mask = NDArray[np.bool_]


def point_mask(visibility: NDArray[np.int8], which: Literal["labelled", "visible"]) -> Mask:
    """Which points count: `labelled` ones (visibility 0 or 1), or `visible` ones only (visibility 1).

    Args:
        visibility: (pictures, landmarks) int8, −1 not labelled, 0 occluded, 1 visible.
    """
    if which == "labelled":
        return np.asarray(visibility >= 0)
    if which == "visible":
        return np.asarray(visibility == 1)
    raise UsageError(f"unknown choice of points {which!r}; expected labelled or visible")


def contest_error(
    predicted: Points, truth: Points, visibility: NDArray[np.int8], normalizers: NDArray[np.integer[Any]]
) -> Errors:
    """FashionAI's NE of every visible point: the L2 distance over the length of a garment part.

    NE = Σ (d_k / s_k) · δ(v_k = 1) / Σ δ(v_k = 1) (FashionAI global challenge 2018, landmark track), with s_k the
    distance between the true armpits (blouse, outwear, dress) or waistband ends (skirt, trousers). This function gives
    the terms d_k / s_k; `summarize` gives the mean.

    Args:
        predicted, truth: (pictures, landmarks, 2) x, y in pixels of the picture.
        visibility: (pictures, landmarks) int8, −1 not labelled, 0 occluded, 1 visible.
        normalizers: (pictures, 2) landmark indices, −1 where a picture has none; see `normalizer_indices`.

    Returns:
        (pictures, landmarks) float64; NaN where the point is not visible, and in every point of a picture whose
        normalising landmarks are missing, not labelled, or in the same place.

    Raises:
        DataError: shapes do not fit, or an index is outside the landmarks.
    """
    check_points(predicted, truth)
    pictures, landmarks = predicted.shape[:2]
    if visibility.shape != (pictures, landmarks):
        raise DataError(f"visibility has shape {visibility.shape}; expected ({pictures}, {landmarks})")
    if normalizers.shape != (pictures, 2) or ((normalizers < -1) | (normalizers >= landmarks)).any():
        raise DataError(f"normalizers must be ({pictures}, 2) landmark indices from −1 to {landmarks - 1}")
    row = np.arange(pictures)
    first, second = normalizers[:, 0], normalizers[:, 1]
    known = (normalizers >= 0).all(axis=1) & (visibility[row, first] >= 0) & (visibility[row, second] >= 0)
    length = distance(truth[row, first], truth[row, second], np.float64(1.0))
    length = np.where(known & (length > 0) & np.isfinite(length), length, np.nan)
    errors = distance(predicted, truth, np.float64(1.0)) / length[:, np.newaxis]
    return np.where(visibility == 1, errors, np.nan)


def normalizer_indices(schema: LandmarkSchema, categories: Sequence[str]) -> NDArray[np.intp]:
    """(pictures, 2) the normalising landmarks of each picture's category, −1 where the schema names none."""
    pairs = [schema.normalizers.get(category, (-1, -1)) for category in categories]
    return np.array(pairs, np.intp).reshape(len(pairs), 2)


def pck(errors: Errors, mask: Mask, threshold: float) -> float:
    """Percentage of correct keypoints, as a share: points of `mask` whose error is ≤ `threshold`.

    PCK@α of Yang and Ramanan, "Articulated human detection with flexible mixtures of parts", PAMI 2013, where the
    error is divided by the body's (here: the picture's or the garment's) size. Undefined errors do not count.

    Args:
        errors: (pictures, landmarks) from `normalized_error` or `contest_error`.
        mask: (pictures, landmarks) which points count.

    Returns:
        0 to 1; NaN where no point counts.
    """
    values = errors[mask & ~np.isnan(errors)]
    return float(np.mean(values <= threshold)) if values.size else float("nan")


@dataclass(frozen=True)
class Part:
    """The mean error of one landmark, category or group over its `count` points; NaN where it has none."""

    name: str
    mean: float
    count: int


@dataclass(frozen=True)
class Summary:
    """Means of one kind of error.

    Attributes:
        mean: over all points pooled: every point weighs the same. The figure to compare and to gate on.
        macro: mean of the landmark means: every landmark that occurs weighs the same.
        count: points in `mean`.
        undefined: points that were asked for but have no error (no normalising length); they are in no mean.
        landmarks, categories, groups: the parts, in the order of the schema; each mean pools the part's points.
    """

    mean: float
    macro: float
    count: int
    undefined: int
    landmarks: tuple[Part, ...]
    categories: tuple[Part, ...]
    groups: tuple[Part, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON; a mean over no points is None."""

        def parts(items: tuple[Part, ...]) -> dict[str, dict[str, float | int | None]]:
            return {p.name: {"mean": _number(p.mean), "count": p.count} for p in items}

        return {
            "mean": _number(self.mean),
            "macro": _number(self.macro),
            "count": self.count,
            "undefined": self.undefined,
            "landmarks": parts(self.landmarks),
            "categories": parts(self.categories),
            "groups": parts(self.groups),
        }


def summarize(errors: Errors, mask: Mask, schema: LandmarkSchema, categories: Sequence[str]) -> Summary:
    """Means of `errors` over the points of `mask`: in all, by landmark, by category, by group.

    Args:
        errors: (pictures, landmarks) from `normalized_error` or `contest_error`.
        mask: (pictures, landmarks) which points count, e.g. from `point_mask`.
        schema: names the landmarks, categories and groups.
        categories: the category of each picture.

    Raises:
        DataError: shapes do not fit the schema or each other.
        SchemaError: a category is not in the schema.
    """
    expected = (len(categories), len(schema.landmarks))
    if errors.shape != expected or mask.shape != expected:
        raise DataError(f"errors {errors.shape} and mask {mask.shape} must both be {expected}: pictures × landmarks")
    for category in set(categories):
        schema.landmarks_of(category)
    defined = mask & ~np.isnan(errors)
    values = np.where(defined, errors, 0.0)
    sums, counts = values.sum(axis=0), defined.sum(axis=0)
    landmarks = tuple(
        Part(name, _ratio(total, count), int(count))
        for name, total, count in zip(schema.landmarks, sums, counts, strict=True)
    )
    of = np.array(categories, dtype=object)
    by_category = []
    for name in schema.categories:
        mine = of == name
        count = defined[mine].sum()
        by_category.append(Part(name, _ratio(values[mine].sum(), count), int(count)))
    groups = []
    for name, members in schema.groups.items():
        chosen = list(members)
        groups.append(Part(name, _ratio(sums[chosen].sum(), counts[chosen].sum()), int(counts[chosen].sum())))
    means = [part.mean for part in landmarks if part.count]
    return Summary(
        mean=_ratio(sums.sum(), counts.sum()),
        macro=float(np.mean(means)) if means else float("nan"),
        count=int(counts.sum()),
        undefined=int((mask & np.isnan(errors)).sum()),
        landmarks=landmarks,
        categories=tuple(by_category),
        groups=tuple(groups),
    )


def _ratio(total: Any, count: Any) -> float:
    return float(total / count) if count else float("nan")


def _number(value: float) -> float | None:
    return None if np.isnan(value) else value
