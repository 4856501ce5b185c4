"""Scores become a garment, the landmarks that count, and how sure they are."""

from pathlib import Path

import numpy as np
import pytest

from conformance.suite.client import Client
from conformance.suite.compare import refused_alike, same_recognized
from fpm_edge_runtime import open_bundle
from fpm_edge_runtime.stages.recognizer import Recognizer

pytestmark = pytest.mark.needs("recognize")

MANY = 300


def same(client: Client, path: Path, stage: int, scores: np.ndarray, category: str | None) -> set[str | None]:
    """Both find the same; which categories they were."""
    recognizer = Recognizer(open_bundle(path).manifest)
    answered = client.ask("recognize", stage=stage, scores=scores, category=category)["results"]
    expected = [recognizer.at(stage, one, category) for one in scores]
    assert len(answered) == len(expected)
    for one, other in zip(expected, answered, strict=True):
        same_recognized(one, other)
    return {one.category for one in expected}


def _scores(count: int, seed: int) -> np.ndarray:
    """(pictures, landmarks) float32: some garments' landmarks are high, others low, some in doubt, some at the ends."""
    rng = np.random.default_rng(seed)
    scores = rng.random((MANY, count)) * (rng.random((MANY, 1)) ** 2)
    scores[rng.random((MANY, count)) < 0.3] = 0.0
    scores[rng.random((MANY, count)) < 0.05] = 1.0
    return scores.astype(np.float32)


@pytest.mark.parametrize("name", ["recognition", "shipped"])
def test_the_garment_is_found(client: Client, bundles: dict[str, Path], name: str) -> None:
    bundle = open_bundle(bundles[name])
    client.ask("open", path=bundles[name])
    for stage in range(1, bundle.stages + 1):
        scores = _scores(len(bundle.schema.landmarks), stage)
        assert len(same(client, bundles[name], stage, scores, None)) >= 3


@pytest.mark.parametrize("name", ["recognition", "shipped", "int8"])
def test_the_garment_is_given(client: Client, bundles: dict[str, Path], name: str) -> None:
    bundle = open_bundle(bundles[name])
    client.ask("open", path=bundles[name])
    scores = _scores(len(bundle.schema.landmarks), 9)[:20]
    for category in (*bundle.schema.categories, "any"):
        same(client, bundles[name], bundle.stages, scores, category)


def test_without_a_rule_all_landmarks_count(client: Client, bundles: dict[str, Path]) -> None:
    client.ask("open", path=bundles["int8"])
    assert same(client, bundles["int8"], 1, _scores(3, 1)[:5], None) == {None}


def test_scores_at_the_knots_of_a_curve(client: Client, bundles: dict[str, Path]) -> None:
    client.ask("open", path=bundles["recognition"])
    knots = np.array([0.0, 0.2, 0.6, 0.9, 1.0], np.float32)
    near = np.concatenate([knots, np.nextafter(knots, np.float32(2)), np.nextafter(knots, np.float32(-2))])
    same(client, bundles["recognition"], 1, np.repeat(near[:, np.newaxis], 3, axis=1), "all")


def test_a_category_that_there_is_not(client: Client, bundles: dict[str, Path]) -> None:
    client.ask("open", path=bundles["recognition"])
    recognizer = Recognizer(open_bundle(bundles["recognition"]).manifest)
    for name in ("hats", "", "none", "Warm"):
        found = refused_alike(
            lambda n=name: recognizer.check(n),
            lambda n=name: client.ask("recognize", stage=1, scores=[[0.5] * 3], category=n),
        )
        assert found == "SchemaError"
