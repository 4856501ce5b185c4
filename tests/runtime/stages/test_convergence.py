"""A session leaves stages out where the landmarks have stopped moving."""

import math
from typing import Any

import numpy as np
import pytest
from four_stages import four_stages

from fpm_edge_runtime import Bundle, Session, UsageError
from fpm_edge_runtime.bundle.manifest import Convergence, Interval
from fpm_edge_runtime.stages.convergence import moved_px

STILL = Convergence(px=1.0, max_ne_loss=0.01, ne_loss=Interval(0.0, -0.01, 0.005), stages_run=2.5, pictures=20)


def points(*xy: tuple[float, float]) -> np.ndarray:
    return np.array(xy, np.float32)


def test_the_farthest_clear_landmark_of_the_category_counts() -> None:
    before, after = points((0, 0), (0, 0), (0, 0)), points((3, 4), (1, 0), (9, 9))
    scores = np.array([0.25, 0.9, 0.9], np.float32)
    labelled = np.array([True, True, False])
    assert moved_px(before, after, scores, labelled) == 5.0
    assert moved_px(before, after, np.array([0.24, 0.9, 0.9], np.float32), labelled) == 1.0


def test_nothing_clear_is_nothing_settled() -> None:
    where = points((0, 0), (1, 1))
    assert moved_px(where, where, np.zeros(2, np.float32), np.ones(2, np.bool_)) == math.inf
    assert moved_px(where, where, np.ones(2, np.float32), np.zeros(2, np.bool_)) == math.inf


# ---- sessions ----


def peaks(*cells: tuple[int, int], height: float = 0.9) -> np.ndarray:
    """(1, 4, 6, 4) float32 maps of three landmarks whose peaks are in these cells (x, y)."""
    maps = np.zeros((1, 4, 6, 4), np.float32)
    for landmark, (x, y) in enumerate(cells):
        maps[0, y, x, landmark] = height
    return maps


@pytest.fixture
def moving(float_bundle: Bundle, fake_engine: Any) -> Session:
    """The third landmark, which "warm" does not have, moves into every stage; the first stops after stage 2."""
    session = four_stages(float_bundle, STILL).session(fake_engine)
    fake_engine.answers = {
        "heatmap_1": peaks((1, 1), (2, 2), (1, 2)),
        "heatmap_2": peaks((2, 1), (2, 2), (2, 2)),
        "heatmap_3": peaks((2, 1), (2, 2), (3, 2)),
        "heatmap_4": peaks((2, 1), (2, 2), (4, 2)),
    }
    return session


PICTURE = np.full((32, 48, 3), 90, np.uint8)


def test_stops_after_the_first_stage_that_moved_nothing(moving: Session) -> None:
    found = moving.detect(PICTURE, category="warm", converge_px=0.5)
    assert (found.stages_run, found.stop_reason) == (3, "converged")
    assert np.array_equal(found.landmarks, list(moving.stages(PICTURE))[2].landmarks)


def test_goes_on_while_a_landmark_moves(moving: Session) -> None:
    found = moving.detect(PICTURE, converge_px=0.5)
    assert (found.stages_run, found.stop_reason) == (4, "all stages")
    # One cell is 8 pixels of the input.
    assert moving.detect(PICTURE, converge_px=8.01).stages_run == 2


def test_without_it_all_stages_run(moving: Session) -> None:
    assert moving.detect(PICTURE, category="warm").stages_run == 4


def test_maps_without_a_clear_peak_never_converge(moving: Session, fake_engine: Any) -> None:
    fake_engine.answers = {f"heatmap_{stage}": peaks((1, 1), (1, 1), (1, 1), height=0.2) for stage in (1, 2, 3, 4)}
    assert moving.detect(PICTURE, converge_px=100.0).stages_run == 4


def test_the_last_stage_that_may_run_has_its_own_reason(moving: Session) -> None:
    found = moving.detect(PICTURE, category="warm", stages=3, converge_px=0.5)
    assert (found.stages_run, found.stop_reason) == (3, "stage limit")


def test_pixels_are_of_the_input_whatever_the_picture(moving: Session) -> None:
    large = np.full((320, 480, 3), 90, np.uint8)
    assert moving.detect(large, converge_px=8.01).stages_run == 2


def test_what_the_bundle_was_fitted_to(moving: Session) -> None:
    assert moving.detect(PICTURE, category="warm", converge_px="fitted").stages_run == 3


def test_nothing_fitted(float_bundle: Bundle, fake_engine: Any) -> None:
    session = float_bundle.session(fake_engine)
    with pytest.raises(UsageError, match=r"'fitted', and the bundle has no such value"):
        session.detect(PICTURE, converge_px="fitted")


@pytest.mark.parametrize("value", [-1.0, math.nan, "some"])
def test_bad_distances(moving: Session, value: Any) -> None:
    with pytest.raises(UsageError, match="expected pixels of the input, 0 or more, or 'fitted'"):
        moving.detect(PICTURE, converge_px=value)
