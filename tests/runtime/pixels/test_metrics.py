"""NE against values worked out by hand."""

import numpy as np

from fpm_edge_runtime.pixels.metrics import normalized_error


def test_normalized_error_divides_by_width_and_height() -> None:
    predicted = np.array([[[30.0, 40.0], [0.0, 0.0]]], np.float32)
    truth = np.array([[[0.0, 0.0], [10.0, 0.0]]], np.float32)
    errors = normalized_error(predicted, truth, np.array([[100, 200]]))
    np.testing.assert_allclose(errors, [[np.hypot(0.3, 0.2), 0.1]])
    assert errors.dtype == np.float64


def test_an_answer_that_is_not_finite_is_infinitely_wrong() -> None:
    predicted = np.array([[[np.nan, 0], [np.inf, 0], [1, 1]]])
    truth = np.ones((1, 3, 2))
    np.testing.assert_array_equal(normalized_error(predicted, truth, np.array([[10, 10]])), [[np.inf, np.inf, 0]])
