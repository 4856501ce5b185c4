"""A detection drawn: what is believed, and nothing else."""

from typing import Any

import numpy as np
import pytest

from fpm_edge.pictures.overlay import believed, category_words, draw_detection
from fpm_edge_runtime.bundle.schema_file import load_schema
from fpm_edge_runtime.stages.results import Detection, Timings

SCHEMA = load_schema("fashionai24")
COUNT = len(SCHEMA.landmarks)
SKIRT = list(SCHEMA.landmarks_of("skirt"))
GREY = np.full((200, 200, 3), 128, np.uint8)


def answer(**fields: Any) -> Detection:
    """A skirt whose corners are clear; other landmarks lie in the middle."""
    landmarks = np.full((COUNT, 2), 100, np.float32)
    landmarks[SKIRT] = [[60, 40], [140, 40], [40, 160], [160, 160]]
    labelled = np.zeros(COUNT, np.bool_)
    labelled[SKIRT] = True
    given: dict[str, Any] = {
        "landmarks": landmarks,
        "scores": np.full(COUNT, 0.9, np.float32),
        "labelled": labelled,
        "doubts": {},
        "stages_run": 1,
        "stop_reason": "all stages",
        "timings": Timings(0, {}, 0, 0),
        "engine": "none",
        "category": "skirt",
    }
    return Detection(**given | fields)


def test_a_clear_peak_is_believed_where_nothing_better_is_known() -> None:
    scores = np.full(COUNT, 0.9, np.float32)
    scores[SKIRT[:2]] = (0.24, 0.26)
    np.testing.assert_array_equal(np.flatnonzero(believed(answer(scores=scores))), SKIRT[1:])


def test_confidence_is_what_counts_where_there_is_one() -> None:
    confidences = np.full(COUNT, 0.9, np.float32)
    confidences[SKIRT[:2]] = (0.49, 0.5)
    low = np.full(COUNT, 0.1, np.float32)
    low[SKIRT[3]] = 0  # a doubt
    found = answer(confidences=confidences, scores=low)
    np.testing.assert_array_equal(np.flatnonzero(believed(found)), SKIRT[1:3])


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({}, "skirt"),
        ({"category_score": 0.968}, "skirt 97 %"),
        ({"category": "none", "category_score": 0.9}, "no garment 90 %"),
        ({"category_score": 0.3}, "skirt? 30 %"),
        ({"category": None}, ""),
    ],
)
def test_the_category_in_words(fields: dict[str, Any], words: str) -> None:
    assert category_words(answer(**fields)) == words


def change(found: Detection, **options: Any) -> np.ndarray:
    image = np.asarray(draw_detection(GREY, found, SCHEMA, **options), np.int64)
    assert image.shape == GREY.shape
    difference: np.ndarray = np.abs(image - 128).max(axis=2)
    return difference


def test_only_what_is_believed_is_drawn() -> None:
    scores = np.full(COUNT, 0.9, np.float32)
    scores[SKIRT[2]] = 0.1
    changed = change(answer(scores=scores))
    assert changed[40, 60] > 80
    assert changed[150:170, 30:50].max() == 0  # no dot
    assert changed[158:163, 95:105].max() == 0  # no line to it
    assert changed[95:105, 95:105].max() == 0  # nothing of other categories


def test_a_picture_without_a_garment_gets_a_caption_only() -> None:
    nothing = answer(category="none", category_score=0.99, labelled=np.zeros(COUNT, np.bool_))
    changed = change(nothing)
    assert changed[:40].max() > 50
    assert changed[40:].max() == 0


def test_labels_only_on_request_and_a_note_in_the_caption() -> None:
    plain = change(answer())
    assert (change(answer(), labels=True) != plain).sum() > 200
    assert (change(answer(), note="12 ms") != plain).sum() > 50
