"""NE, PCK and summaries, against values worked out by hand."""

import json

import numpy as np
import pytest

from fpm_edge.accuracy.metrics import contest_error, normalizer_indices, pck, point_mask, summarize
from fpm_edge_runtime.bundle.schema import LandmarkSchema
from fpm_edge_runtime.bundle.schema_file import load_schema
from fpm_edge_runtime.errors import DataError, SchemaError, UsageError
from fpm_edge_runtime.pixels.metrics import normalized_error

SCHEMA = LandmarkSchema(
    name="toy",
    landmarks=("a", "b", "c"),
    flip=(1, 0, 2),
    categories={"top": (0, 1, 2), "skirt": (0, 1), "sock": (2,)},
    normalizers={"top": (0, 1)},
    groups={"ends": (0, 1), "middle": (2,)},
)


def test_contest_error_counts_visible_points_over_the_normalizing_distance() -> None:
    truth = np.array([[[0, 0], [0, 50], [10, 10]]] * 2, np.float32)
    predicted = truth + np.array([3, 4], np.float32)
    visibility = np.array([[1, 0, 1], [1, 1, -1]], np.int8)
    errors = contest_error(predicted, truth, visibility, np.array([[0, 1], [0, 1]]))
    np.testing.assert_allclose(errors, [[0.1, np.nan, 0.1], [0.1, 0.1, np.nan]])


def test_contest_error_of_an_answer_that_is_not_finite_is_infinite() -> None:
    predicted = np.array([[[np.nan, 0], [np.inf, 0], [1, 1]]])
    truth = np.ones((1, 3, 2))
    errors = contest_error(predicted, truth * [[[0], [1], [2]]], np.ones((1, 3), np.int8), np.array([[0, 1]]))
    assert np.isposinf(errors[0, :2]).all()


def test_contest_error_is_undefined_without_a_normalizing_distance() -> None:
    truth = np.array([[[0, 0], [0, 50], [10, 10]]] * 3, np.float32)
    truth[2, 1] = truth[2, 0]
    visibility = np.array([[1, 1, 1], [1, -1, 1], [1, 1, 1]], np.int8)
    errors = contest_error(truth, truth, visibility, np.array([[-1, -1], [0, 1], [0, 1]]))
    assert np.isnan(errors).all()
    summary = summarize(errors, visibility == 1, SCHEMA, ["skirt", "top", "top"])
    assert (summary.count, summary.undefined) == (0, 8)
    assert np.isnan(summary.mean)


def test_normalizers_follow_the_category() -> None:
    schema = load_schema("fashionai24")
    np.testing.assert_array_equal(
        normalizer_indices(schema, ["blouse", "skirt", "dress", "trousers"]), [[5, 6], [15, 16], [5, 6], [15, 16]]
    )
    np.testing.assert_array_equal(normalizer_indices(SCHEMA, ["sock"]), [[-1, -1]])
    assert normalizer_indices(SCHEMA, []).shape == (0, 2)


def test_point_mask() -> None:
    visibility = np.array([[-1, 0, 1]], np.int8)
    np.testing.assert_array_equal(point_mask(visibility, "labelled"), [[False, True, True]])
    np.testing.assert_array_equal(point_mask(visibility, "visible"), [[False, False, True]])
    with pytest.raises(UsageError, match="labelled or visible"):
        point_mask(visibility, "all")  # type: ignore[arg-type]


def test_pck_counts_errors_up_to_the_threshold() -> None:
    errors = np.array([[0.1, 0.2, 0.3, np.nan], [0.9, 0.2, 0.0, 0.0]])
    mask = np.array([[True] * 4, [True, False, False, False]])
    assert pck(errors, mask, 0.2) == 0.5
    assert np.isnan(pck(errors, np.zeros_like(mask), 0.2))


def test_summary_pools_points_and_averages_landmarks_apart() -> None:
    errors = np.array([[0.1, 0.3, np.nan], [0.2, 9.0, 9.0], [9.0, 9.0, 0.6]])
    mask = np.array([[True, True, False], [True, False, False], [False, False, True]])
    summary = summarize(errors, mask, SCHEMA, ["top", "skirt", "top"])
    assert summary.mean == pytest.approx((0.1 + 0.3 + 0.2 + 0.6) / 4)
    assert summary.macro == pytest.approx((0.15 + 0.3 + 0.6) / 3)
    assert (summary.count, summary.undefined) == (4, 0)
    assert [(p.name, p.count) for p in summary.landmarks] == [("a", 2), ("b", 1), ("c", 1)]
    np.testing.assert_allclose([p.mean for p in summary.landmarks], [0.15, 0.3, 0.6])
    np.testing.assert_allclose([p.mean for p in summary.groups], [0.2, 0.6])
    np.testing.assert_allclose([p.mean for p in summary.categories], [1 / 3, 0.2, np.nan])
    plain = json.loads(json.dumps(summary.to_dict(), allow_nan=False))
    assert plain["categories"]["sock"] == {"mean": None, "count": 0}


def test_summary_refuses_what_does_not_fit() -> None:
    with pytest.raises(DataError, match=r"\(2, 3\)"):
        summarize(np.zeros((1, 3)), np.ones((1, 3), np.bool_), SCHEMA, ["top", "top"])
    with pytest.raises(SchemaError, match="'hat'"):
        summarize(np.zeros((1, 3)), np.ones((1, 3), np.bool_), SCHEMA, ["hat"])


def test_shapes_that_do_not_fit_are_refused() -> None:
    points = np.zeros((2, 3, 2))
    with pytest.raises(DataError, match="must both be"):
        normalized_error(points, points[:1], np.ones((2, 2)))
    with pytest.raises(DataError, match="sizes"):
        normalized_error(points, points, np.array([[10, 10], [0, 10]]))
    with pytest.raises(DataError, match="visibility"):
        contest_error(points, points, np.ones((2, 2), np.int8), np.zeros((2, 2), int))
    with pytest.raises(DataError, match="normalizers"):
        contest_error(points, points, np.ones((2, 3), np.int8), np.full((2, 2), 3))
