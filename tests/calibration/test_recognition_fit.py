"""Rules for recognising garments find what the scores say, and state how often they are right."""

import re

import numpy as np
import pytest

from fpm_edge_calibration.folds import FOLDS, folds_of
from fpm_edge_calibration.recognition_fit import (
    FEWEST_EACH,
    Scored,
    fit_categories,
    fit_confidences,
    why_no_categories,
    why_no_confidences,
)
from fpm_edge_calibration.softmax import fit_softmax, log_softmax
from fpm_edge_runtime import LandmarkSchema
from fpm_edge_runtime.bundle.recognition import Recognition
from fpm_edge_runtime.bundle.recognition_check import check_recognition
from fpm_edge_runtime.stages.recognizer import probabilities

SCHEMA = LandmarkSchema("four", ("a", "b", "c", "d"), (0, 1, 2, 3), {"top": (0, 1, 2), "coat": (0, 1, 3), "sock": (3,)})


def seen(name: str, categories: list[str], noise: float, seed: int = 0, stages: int = 2) -> Scored:
    """Peaks of 0.8 where the category has a landmark and of 0.1 elsewhere, give or take `noise`."""
    rng = np.random.default_rng(seed)
    scores = np.full((len(categories), stages, 4), 0.1)
    for row, category in enumerate(categories):
        scores[row][:, list(SCHEMA.categories.get(category, ()))] = 0.8
    scores = np.clip(scores + rng.normal(0, noise, scores.shape), 0, 1).astype(np.float32)
    return Scored(name, scores, tuple(categories), tuple(f"{name} {i}" for i in range(len(categories))))


GARMENTS = ["top"] * 60 + ["coat"] * 40
NOTHING = ["none"] * 50


# ---- the regression ----


def test_regression_is_where_the_gradient_is_zero() -> None:
    rng = np.random.default_rng(1)
    features, labels, weights = rng.normal(0, 1, (200, 3)), rng.integers(0, 4, 200), rng.uniform(0.5, 1.5, 200) / 200
    expected = rng.normal(0, 2, (4, 3))
    table = fit_softmax(features, labels, weights, expected, 0.01)
    shares = np.exp(log_softmax(table, features))
    wanted = np.eye(4)[labels]
    gradient = ((shares - wanted) * weights[:, None]).T @ np.column_stack([np.ones(200), features])
    gradient[:, 1:] += 0.01 * (table[:, 1:] - expected)
    assert np.abs(gradient).max() <= 1e-9
    assert abs(table[:, 0].sum()) < 1e-9
    assert fit_softmax(features, labels, weights, expected, 0.01).tolist() == table.tolist()


def test_what_is_expected_may_be_certain_and_wrong() -> None:
    """Every probability is 0 or 1 then, and nothing curves; least of all the biases, which have no penalty."""
    table = fit_softmax(np.ones((2, 1)), np.array([1, 0]), np.full(2, 0.5), np.array([[-2000.0], [2000.0]]), 1e-4)
    np.testing.assert_allclose(np.exp(log_softmax(table, np.ones((1, 1)))), [[0.5, 0.5]], atol=1e-6)
    rng = np.random.default_rng(3)
    labels = np.repeat(np.arange(3), 30)
    signs = np.where(rng.random((3, 60)) < 0.3, 1.0, -1.0)
    # Each looks like another one.
    features = np.clip(np.where(signs[(labels + 1) % 3] > 0, 0.9, 0.1) + rng.normal(0, 0.2, (90, 60)), 0, 1)
    table = fit_softmax(features, labels, np.full(90, 1 / 90), 4 * signs, 1e-4)
    assert (log_softmax(table, features).argmax(axis=1) == labels).all()


def test_regression_finds_the_rule_that_made_the_data() -> None:
    rng = np.random.default_rng(2)
    true = np.array([[0.0, 2.0, -1.0], [0.5, -2.0, 1.0]])
    features = rng.normal(0, 1, (20_000, 2))
    labels = (rng.random(20_000) < np.exp(log_softmax(true, features))[:, 1]).astype(np.intp)
    table = fit_softmax(features, labels, np.full(20_000, 1 / 20_000), np.zeros((2, 2)), 1e-6)
    np.testing.assert_allclose(table[1] - table[0], true[1] - true[0], atol=0.1)


def test_the_penalty_keeps_weights_small_where_classes_part() -> None:
    features, labels = np.array([[0.0], [1.0]]), np.array([0, 1])
    loose = fit_softmax(features, labels, np.full(2, 0.5), np.zeros((2, 1)), 1e-4)
    tight = fit_softmax(features, labels, np.full(2, 0.5), np.zeros((2, 1)), 1e-1)
    assert np.isfinite(loose).all()
    assert np.abs(tight[:, 1]).max() < np.abs(loose[:, 1]).max()


def test_what_the_samples_say_nothing_about_is_as_expected() -> None:
    # The second feature is 0 in every sample.
    features, labels = np.array([[0.0, 0.0], [1.0, 0.0]]), np.array([0, 1])
    table = fit_softmax(features, labels, np.full(2, 0.5), np.array([[0.0, 3.0], [0.0, -3.0]]), 1e-2)
    np.testing.assert_allclose(table[:, 2], [3.0, -3.0], atol=1e-6)
    assert table[1, 1] > table[0, 1] + 1.0


# ---- folds ----


def test_folds_spread_each_kind_and_keep_groups_together() -> None:
    kinds = ["a"] * 10 + ["b"] * 15
    groups = [f"p{i // 2}" for i in range(10)] + [f"q{i}" for i in range(15)]
    folds = folds_of(kinds, groups)
    for fold in range(FOLDS):
        assert (folds[:10] == fold).sum() == 2
        assert (folds[10:] == fold).sum() == 3
    assert (folds[:10:2] == folds[1:10:2]).all()


# ---- categories ----


def test_what_the_scores_tell_apart_is_found() -> None:
    rules = fit_categories(seen("clothes", GARMENTS, 0.05), seen("walls", NOTHING, 0.05), SCHEMA)
    assert rules.names == ("top", "coat", "none")
    assert (rules.source, rules.pictures, rules.nothing_source, rules.nothing) == ("clothes", 100, "walls", 50)
    check_recognition(Recognition(rules), SCHEMA, 2)
    for rule in rules.stages:
        assert rule.found >= 0.97
        assert rule.nothing_found == 1.0
        assert rule.garments_lost <= 0.01
    fresh = seen("new", ["coat"] * 20 + ["top"] * 20, 0.05, seed=9)
    found = [rules.names[int(np.argmax(probabilities(rules.stages[1], row)))] for row in fresh.scores[:, 1]]
    assert np.mean([a == b for a, b in zip(found, fresh.categories, strict=True)]) >= 0.95


@pytest.mark.parametrize("most_lost", [0.0, 0.02, 0.1])
def test_none_is_as_strict_as_the_garments_allow(most_lost: float) -> None:
    """Peaks so noisy that some garments look like none."""
    garments, walls = seen("clothes", GARMENTS, 0.45), seen("walls", NOTHING, 0.45)
    rules = fit_categories(garments, walls, SCHEMA, most_lost)
    for rule in rules.stages:
        # Of 100 garments, exactly so many are lost.
        assert rule.garments_lost == pytest.approx(most_lost)
    stricter = fit_categories(garments, walls, SCHEMA, most_lost + 0.2)
    assert stricter.stages[0].nothing_found > rules.stages[0].nothing_found


def test_a_rare_category_counts_by_the_root_of_its_number() -> None:
    """With so few coats among tops, a rule that counted pictures would hardly see a coat in the noise."""
    garments = seen("clothes", ["top"] * 400 + ["coat"] * 25, 0.5)
    rules = fit_categories(garments, seen("walls", NOTHING, 0.05), SCHEMA)
    fresh = seen("new", ["top"] * 300 + ["coat"] * 300, 0.5, seed=3)
    found = np.array(
        [rules.names[int(np.argmax(probabilities(rules.stages[0], row)[:2]))] for row in fresh.scores[:, 0]]
    )
    tops, coats = (found[:300] == "top").mean(), (found[300:] == "coat").mean()
    assert tops > coats > 0.4


def test_the_same_pictures_give_the_same_rule() -> None:
    garments, walls = seen("clothes", GARMENTS, 0.3), seen("walls", NOTHING, 0.3)
    assert fit_categories(garments, walls, SCHEMA) == fit_categories(garments, walls, SCHEMA)


@pytest.mark.parametrize(
    ("categories", "nothing", "message"),
    [
        (["top"] * 7, 50, r"too few pictures of top \(7\); expected 8 or none of each"),
        (["top"] * 8 + ["coat"], 50, r"too few pictures of coat \(1\)"),
        (["top"] * 8 + ["hat"] * 8, 50, "have categories that schema 'four' lacks: hat"),
        (["top"] * 8, 7, "there are 7 pictures without a garment; expected 8 or more"),
    ],
)
def test_too_few_pictures(categories: list[str], nothing: int, message: str) -> None:
    why = why_no_categories(categories, nothing, SCHEMA)
    assert why is not None
    assert re.search(message, why)


def test_enough_pictures() -> None:
    assert why_no_categories(["top"] * FEWEST_EACH, FEWEST_EACH, SCHEMA) is None
    odd = LandmarkSchema("odd", ("a",), (0,), {"none": (0,)})
    assert "has a category 'none'" in (why_no_categories(["none"] * 99, 99, odd) or "")


# ---- confidences ----


def test_confidences_say_how_many_points_are_right() -> None:
    rng = np.random.default_rng(4)
    garments = seen("clothes", GARMENTS * 4, 0.0, stages=1)
    scores = rng.random(garments.scores.shape).astype(np.float32)
    garments = Scored(garments.name, scores, garments.categories, garments.photographs)
    # A point is right with the probability of its score squared.
    errors = np.where(rng.random(scores.shape) < scores**2, 0.01, 0.5)
    mask = np.ones((400, 4), np.bool_)
    mask[:, 3] = False
    fitted = fit_confidences(garments, errors, mask)
    assert (fitted.points, fitted.pictures, fitted.source) == (1200, 400, "clothes")
    check_recognition(Recognition(None, fitted), SCHEMA, 1)
    curve = fitted.stages[0]
    for score in (0.2, 0.5, 0.8):
        assert np.interp(score, curve.scores, curve.confidences) == pytest.approx(score**2, abs=0.08)
    assert curve.calibration_error < 0.06


def test_too_few_points() -> None:
    assert why_no_confidences(499) == "the scoring data has 499 labelled points; expected 500 or more"
    assert why_no_confidences(500) is None
