"""How far the device's answers have moved from the float model's, with and without true landmarks.

For one point let q be the device's landmark, f the float model's and g the true one, all in NE units. The triangle
inequality gives | |q − g| − |f − g| | ≤ |q − f|: the *disagreement* |q − f|, which needs no label, bounds from above
what the device can have lost (or gained) in NE. `compare_landmarks` measures both on a data set; `self_check` measures
disagreement on the cases that a bundle carries.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from fpm_edge.accuracy.bootstrap import bootstrap_intervals
from fpm_edge_runtime.bundle.manifest import Interval, StageMeasurement
from fpm_edge_runtime.bundle.schema import LandmarkSchema
from fpm_edge_runtime.errors import DataError, UsageError
from fpm_edge_runtime.pixels.metrics import normalized_error

__all__ = [
    "DriftReport",
    "PartDrift",
    "StageDrift",
    "compare_landmarks",
]


@dataclass(frozen=True)
class StageDrift:
    """One stage of the device against the same stage of the float model, in the paper's NE.

    `stage` counts from 1. Without true landmarks only `disagreement` is known and the others are None;
    `relative_drift` (NE drift over float NE) is also None where the float model makes no error at all.
    """

    stage: int
    disagreement: Interval
    float_ne: float | None = None
    converted_ne: float | None = None
    drift: Interval | None = None
    relative_drift: Interval | None = None

    def measurement(self) -> StageMeasurement:
        """The manifest's entry. Raises UsageError where the true landmarks were not given."""
        if self.float_ne is None or self.converted_ne is None or self.drift is None or self.relative_drift is None:
            raise UsageError(f"stage {self.stage} was compared without true landmarks; its NE is not known")
        return StageMeasurement(
            stage=self.stage,
            float_ne=self.float_ne,
            converted_ne=self.converted_ne,
            drift=self.drift,
            relative_drift=self.relative_drift,
            disagreement=self.disagreement,
        )


@dataclass(frozen=True)
class PartDrift:
    """One landmark, or one category, at the last stage; further fields as in `StageDrift`, all None at count 0.

    Attributes:
        name: of the landmark or category.
        count: of its points that were compared.
        pictures: that hold them.
    """

    name: str
    count: int
    pictures: int
    disagreement: Interval | None = None
    float_ne: float | None = None
    converted_ne: float | None = None
    drift: Interval | None = None
    relative_drift: Interval | None = None


@dataclass(frozen=True)
class DriftReport:
    """What `compare_landmarks` found: every stage over all points, every landmark and category at the last stage.

    `categories` is empty where the pictures' categories were not given.
    """

    pictures: int
    points: int
    stages: tuple[StageDrift, ...]
    landmarks: tuple[PartDrift, ...]
    categories: tuple[PartDrift, ...] = ()

    @property
    def worst_landmark(self) -> PartDrift:
        """The landmark with the largest relative drift; without true landmarks, with the largest disagreement."""
        return max((entry for entry in self.landmarks if entry.count), key=_badness)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON; what is not known is None."""
        plain: dict[str, Any] = msgspec.to_builtins(self)
        return plain | {"worst_landmark": self.worst_landmark.name}


def _badness(entry: PartDrift) -> tuple[float, float]:
    relative = entry.relative_drift.estimate if entry.relative_drift else -np.inf
    return relative, entry.disagreement.estimate if entry.disagreement else -np.inf


def compare_landmarks(
    device: NDArray[np.floating[Any]],
    reference: NDArray[np.floating[Any]],
    mask: NDArray[np.bool_],
    sizes: NDArray[Any],
    truth: NDArray[np.floating[Any]] | None,
    schema: LandmarkSchema,
    categories: Sequence[str] | None = None,
    seed: int = 0,
) -> DriftReport:
    """Drift and disagreement of the device against the float model, with 95 % bootstrap bounds over pictures.

    All means pool the points of `mask`. Both models are compared on the same points and the same resampled pictures.

    Args:
        device, reference: (pictures, stages, landmarks, 2) x, y in pixels of the picture; reference is the float model.
        mask: (pictures, landmarks) which points count.
        sizes: (pictures, 2) width and height of the pictures, pixels.
        truth: (pictures, landmarks, 2) true landmarks, pixels; or None.
        schema: names the landmarks.
        categories: (pictures,) category of each, for the drift of every category; or None.
        seed: of the bootstrap.

    Raises:
        DataError: shapes do not fit, a landmark is not finite, or `mask` holds no point.
    """
    if device.ndim != 4 or device.shape != reference.shape or device.shape[1] == 0:
        raise DataError(
            f"device {device.shape} and reference {reference.shape} must both be (pictures, stages, landmarks, 2)"
        )
    pictures, stages, landmarks = device.shape[:3]
    if mask.shape != (pictures, landmarks) or landmarks != len(schema.landmarks):
        raise DataError(
            f"mask {mask.shape} must be ({pictures}, {len(schema.landmarks)}): pictures × landmarks of {schema.name!r}"
        )
    if categories is not None and len(categories) != pictures:
        raise DataError(f"{len(categories)} categories for {pictures} pictures; expected one each")
    if not mask.any():
        raise DataError("no point to compare: the mask is empty; give pictures with labelled landmarks")
    for name, points in (("device", device), ("reference", reference)):
        _check_finite(points, mask, name, schema)

    errors: list[_Errors] = []
    for stage in range(stages):
        q, f = device[:, stage], reference[:, stage]
        apart = np.where(mask, normalized_error(q, f, sizes), 0.0)
        if truth is None:
            errors.append(_Errors(apart, None, None))
        else:
            true_f, true_q = normalized_error(f, truth, sizes), normalized_error(q, truth, sizes)
            errors.append(_Errors(apart, np.where(mask, true_f, 0.0), np.where(mask, true_q, 0.0)))

    counts = mask.astype(np.float64)
    by_stage = [
        StageDrift(stage + 1, **_intervals(found.summed(), counts.sum(axis=1, keepdims=True), seed)[0])
        for stage, found in enumerate(errors)
    ]
    by_landmark = _by_part(schema.landmarks, errors[-1], counts, seed)
    by_category: tuple[PartDrift, ...] = ()
    if categories is not None:
        names = tuple(name for name in schema.categories if name in set(categories))
        member = np.array([[category == name for name in names] for category in categories], np.float64)
        by_category = _by_part(
            names, errors[-1].summed().times(member), counts.sum(axis=1, keepdims=True) * member, seed
        )
    return DriftReport(pictures, int(mask.sum()), tuple(by_stage), by_landmark, by_category)


def _by_part(names: Sequence[str], errors: "_Errors", counts: NDArray[np.float64], seed: int) -> tuple[PartDrift, ...]:
    """One entry a name; errors and counts are (pictures, names)."""
    present = np.flatnonzero(counts.any(axis=0))
    found = dict(zip(present.tolist(), _intervals(errors.columns(present), counts[:, present], seed), strict=True))
    points, pictures = counts.sum(axis=0).astype(int), np.count_nonzero(counts, axis=0)
    return tuple(PartDrift(name, int(points[i]), int(pictures[i]), **found.get(i, {})) for i, name in enumerate(names))


@dataclass(frozen=True)
class _Errors:
    """(pictures, quantities) summed NE: device to float, float to truth, device to truth. 0 outside the mask."""

    apart: NDArray[np.float64]
    of_float: NDArray[np.float64] | None
    of_device: NDArray[np.float64] | None

    def summed(self) -> "_Errors":
        return self._each(lambda errors: errors.sum(axis=1, keepdims=True))

    def columns(self, chosen: NDArray[np.intp]) -> "_Errors":
        return self._each(lambda errors: errors[:, chosen])

    def times(self, weights: NDArray[np.float64]) -> "_Errors":
        return self._each(lambda errors: errors * weights)

    def _each(self, change: Callable[[NDArray[np.float64]], NDArray[np.float64]]) -> "_Errors":
        return _Errors(
            change(self.apart),
            None if self.of_float is None else change(self.of_float),
            None if self.of_device is None else change(self.of_device),
        )


def _intervals(errors: _Errors, counts: NDArray[np.float64], seed: int) -> list[dict[str, Any]]:
    """For each quantity the fields that `StageDrift` and `PartDrift` share."""
    apart = bootstrap_intervals(errors.apart, counts, seed=seed)
    if errors.of_float is None or errors.of_device is None:
        return [{"disagreement": interval} for interval in apart]
    moved = errors.of_device - errors.of_float
    drift = bootstrap_intervals(moved, counts, seed=seed)
    base = errors.of_float.sum(axis=0)
    relative: list[Interval | None] = [None] * len(apart)
    wrong = np.flatnonzero(base)
    if wrong.size:
        for i, interval in zip(
            wrong, bootstrap_intervals(moved[:, wrong], errors.of_float[:, wrong], seed=seed), strict=True
        ):
            relative[i] = interval
    points = counts.sum(axis=0)
    return [
        {
            "disagreement": apart[i],
            "float_ne": float(base[i] / points[i]),
            "converted_ne": float(errors.of_device[:, i].sum() / points[i]),
            "drift": drift[i],
            "relative_drift": relative[i],
        }
        for i in range(len(apart))
    ]


def _check_finite(
    points: NDArray[np.floating[Any]], mask: NDArray[np.bool_], name: str, schema: LandmarkSchema
) -> None:
    bad = ~np.isfinite(points).all(axis=-1) & mask[:, np.newaxis]
    if bad.any():
        picture, stage, landmark = (int(i) for i in np.argwhere(bad)[0])
        raise DataError(
            f"{name} landmark {schema.landmarks[landmark]} of picture {picture} at stage {stage + 1} is not finite; "
            "that model does not work, and its drift is no number"
        )
