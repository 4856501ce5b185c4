"""Drift against the float model on a data set."""

import json
from dataclasses import dataclass, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from fpm_edge.accuracy.drift import DriftReport, compare_landmarks
from fpm_edge_runtime.bundle.schema import LandmarkSchema
from fpm_edge_runtime.errors import DataError, UsageError

SCHEMA = LandmarkSchema(
    name="toy", landmarks=("a", "b", "c"), flip=(1, 0, 2), categories={"all": (0, 1, 2), "pair": (0, 1)}
)
PICTURES, STAGES, LANDMARKS = 12, 2, 3


@dataclass(frozen=True)
class Scene:
    """A data set and two models' answers on it."""

    device: NDArray[np.float64]
    reference: NDArray[np.float64]
    mask: NDArray[np.bool_]
    sizes: NDArray[np.int64]
    truth: NDArray[np.float64]

    def report(self, *, truth: bool = True, seed: int = 0) -> DriftReport:
        return compare_landmarks(
            self.device, self.reference, self.mask, self.sizes, self.truth if truth else None, SCHEMA, seed=seed
        )


def scene(seed: int, error: float = 5.0, drift: float = 2.0) -> Scene:
    generator = np.random.default_rng(seed)
    truth = generator.uniform(0, 100, (PICTURES, LANDMARKS, 2))
    reference = truth[:, None] + generator.normal(0, error, (PICTURES, STAGES, LANDMARKS, 2))
    device = reference + generator.normal(0, drift, reference.shape)
    mask = generator.random((PICTURES, LANDMARKS)) < 0.8
    mask[0] = True
    return Scene(device, reference, mask, generator.integers(80, 200, (PICTURES, 2)), truth)


def test_identical_models_have_no_drift_at_all() -> None:
    same = scene(0, drift=0.0)
    for entry in (*same.report().stages, *same.report().landmarks):
        assert entry.float_ne == entry.converted_ne
        for interval in (entry.drift, entry.relative_drift, entry.disagreement):
            assert interval is not None
            assert (interval.estimate, interval.lower, interval.upper) == (0, 0, 0)


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**31), st.floats(0, 20), st.floats(0, 20))
def test_drift_is_never_more_than_disagreement(seed: int, error: float, drift: float) -> None:
    """The bound of DESIGN 5.6, which lets a device without labels vouch for its NE."""
    report = scene(seed, error, drift).report()
    for entry in (*report.stages, *report.landmarks):
        assert entry.drift is not None
        assert entry.disagreement is not None
        assert abs(entry.drift.estimate) <= entry.disagreement.estimate + 1e-12
        assert entry.drift.upper <= entry.disagreement.upper + 1e-12


def test_values_by_hand() -> None:
    """One picture of 100 × 50; float is 0.03 off, the device 0.05, each along x; they are 0.02 apart."""
    truth = np.zeros((1, LANDMARKS, 2))
    reference = np.full((1, 1, LANDMARKS, 2), (3.0, 0.0))
    device = np.full((1, 1, LANDMARKS, 2), (5.0, 0.0))
    device[..., 2, :] = (0.0, 2.5)  # 0.05 off too, but along y
    report = compare_landmarks(
        device, reference, np.ones((1, LANDMARKS), np.bool_), np.array([[100, 50]]), truth, SCHEMA
    )
    stage = report.stages[0]
    assert (report.pictures, report.points, stage.stage) == (1, 3, 1)
    assert stage.float_ne == pytest.approx(0.03)
    assert stage.converted_ne == pytest.approx(0.05)
    assert stage.drift is not None
    assert stage.drift.estimate == pytest.approx(0.02)
    assert stage.relative_drift is not None
    assert stage.relative_drift.estimate == pytest.approx(2 / 3)
    assert stage.disagreement.estimate == pytest.approx((0.02 + 0.02 + np.hypot(0.03, 0.05)) / 3)
    assert stage.measurement().drift == stage.drift


def test_only_points_of_the_mask_count() -> None:
    whole = scene(1)
    spoiled = replace(whole, device=np.where(whole.mask[:, None, :, None], whole.device, np.nan))
    assert spoiled.report() == whole.report()


def test_every_stage_is_compared_with_its_own() -> None:
    one = scene(2)
    stages = one.report().stages
    last = replace(one, device=one.device[:, 1:], reference=one.reference[:, 1:]).report()
    assert [entry.stage for entry in stages] == [1, 2]
    assert replace(last.stages[0], stage=2) == stages[1]
    assert last.landmarks == one.report().landmarks


def test_without_truth_only_the_disagreement_is_known() -> None:
    one = scene(3)
    with_truth, without = one.report(), one.report(truth=False)
    for known, entry in zip(with_truth.stages, without.stages, strict=True):
        assert entry.disagreement == known.disagreement
        assert entry.float_ne is entry.converted_ne is entry.drift is entry.relative_drift is None
    with pytest.raises(UsageError, match="without true landmarks"):
        without.stages[0].measurement()
    json.dumps(without.to_dict(), allow_nan=False)


def test_the_worst_landmark_is_named() -> None:
    one = scene(4, drift=0.1)
    one.device[:, -1, 1] += 30
    assert one.report().worst_landmark.name == "b"
    assert one.report(truth=False).worst_landmark.name == "b"
    plain = json.loads(json.dumps(one.report().to_dict(), allow_nan=False))
    assert plain["worst_landmark"] == "b"
    assert plain["stages"][1]["drift"].keys() == {"estimate", "lower", "upper"}


def test_every_category_is_compared_by_itself() -> None:
    one = scene(6)
    categories = ["all", "pair", "pair"] * (PICTURES // 3)
    arguments = (one.device, one.reference, one.mask, one.sizes, one.truth, SCHEMA)
    report = compare_landmarks(*arguments, categories)
    assert [part.name for part in report.categories] == ["all", "pair"]
    for part in report.categories:
        of = np.array([name == part.name for name in categories])
        alone = compare_landmarks(*(values[of] for values in arguments[:5]), SCHEMA).stages[-1]  # type: ignore[arg-type,misc,index]
        assert (part.pictures, part.count) == (one.mask[of].any(axis=1).sum(), one.mask[of].sum())
        assert part.converted_ne == pytest.approx(alone.converted_ne)
        assert part.relative_drift is not None
        assert alone.relative_drift is not None
        assert part.relative_drift.estimate == pytest.approx(alone.relative_drift.estimate)
    assert one.report().categories == ()
    with pytest.raises(DataError, match="2 categories for 12 pictures"):
        compare_landmarks(*arguments, ["all", "pair"])


def test_a_landmark_without_points_has_no_numbers() -> None:
    one = scene(5)
    one.mask[:, 2] = False
    missing = one.report().landmarks[2]
    assert (missing.name, missing.count, missing.disagreement, missing.drift) == ("c", 0, None, None)


def test_relative_drift_is_unknown_where_the_float_model_is_perfect() -> None:
    one = scene(6, error=0.0)
    entry = one.report().stages[0]
    assert entry.float_ne == 0
    assert entry.relative_drift is None
    assert entry.drift is not None
    assert entry.drift.estimate > 0


def test_the_seed_decides_the_bounds() -> None:
    one = scene(7)
    assert one.report(seed=1) == one.report(seed=1)
    assert one.report(seed=1) != one.report(seed=2)


def test_comparisons_that_mean_nothing_are_refused() -> None:
    one = scene(8)
    with pytest.raises(DataError, match="must both be"):
        replace(one, device=one.device[:, :1]).report()
    with pytest.raises(DataError, match="mask"):
        replace(one, mask=one.mask[:, :2]).report()
    with pytest.raises(DataError, match="mask is empty"):
        replace(one, mask=np.zeros_like(one.mask)).report()
    one.device[0, 1, 2, 0] = np.nan
    with pytest.raises(DataError, match="device landmark c of picture 0 at stage 2 is not finite"):
        one.report()
