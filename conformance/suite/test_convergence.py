"""Stages are left out where the landmarks have stopped moving: after the same stage as in the reference."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from conformance.suite.client import Client
from conformance.suite.hollow import STILL, hollow, peaks, recognition
from conformance.suite.pair import Pair
from conformance.suite.pictures import Files, noise

pytestmark = pytest.mark.needs("detect", "given_engine", "converge")

PICTURE = noise(48, 32)
STAGES = (1, 2, 3, 4)
# The third landmark, which "warm" does not have, moves into every stage; the first stops after stage 2.
PLACES = [((1, 1), (2, 2), (1, 2)), ((2, 1), (2, 2), (2, 2)), ((2, 1), (2, 2), (3, 2)), ((2, 1), (2, 2), (4, 2))]


def moving(heights: Any = (0.9, 0.9, 0.9)) -> dict[str, Any]:
    return {f"heatmap_{stage}": [peaks(*PLACES[stage - 1], heights=heights)] for stage in STAGES}


@pytest.fixture
def pair(client: Client, files: Files, bundles: dict[str, Path]) -> Pair:
    return Pair(client, files, bundles["four stages"], answers=moving())


def test_stops_after_the_first_stage_that_moved_nothing(pair: Pair) -> None:
    found = pair.detect(PICTURE, category="warm", converge_px=0.5)
    assert (found.stages_run, found.stop_reason) == (3, "converged")
    assert pair.runs() == ["stage_1", "context", "stage_2", "stage_3"]


def test_goes_on_while_a_landmark_moves(pair: Pair) -> None:
    found = pair.detect(PICTURE, converge_px=0.5)
    assert (found.stages_run, found.stop_reason) == (4, "all stages")
    # One cell is 8 pixels of the input, whatever the picture.
    for picture in (PICTURE, noise(480, 320)):
        assert pair.detect(picture, converge_px=8.5).stages_run == 2
        assert pair.detect(picture, converge_px=7.0).stages_run == 4


def test_nothing_moved_is_0(client: Client, files: Files, bundles: dict[str, Path]) -> None:
    still = {name: [peaks(*PLACES[0])] for name in moving()}
    pair = Pair(client, files, bundles["four stages"], answers=still)
    assert pair.detect(PICTURE, converge_px=0).stages_run == 2


def test_the_last_stage_that_may_run_has_its_own_reason(pair: Pair) -> None:
    assert pair.detect(PICTURE, category="warm", stages=3, converge_px=0.5).stop_reason == "stage limit"
    assert pair.detect(PICTURE, category="warm", stages=2, converge_px=100.0).stop_reason == "stage limit"


def test_what_the_bundle_was_fitted_to(pair: Pair) -> None:
    assert pair.detect(PICTURE, category="warm", converge_px="fitted").stages_run == 3
    assert pair.detect(PICTURE, converge_px="fitted").stages_run == 4


@pytest.mark.parametrize(("height", "stages"), [(0.24, 4), (0.26, 2)])
def test_only_clear_peaks_say_that_something_is_settled(
    client: Client, files: Files, bundles: dict[str, Path], height: float, stages: int
) -> None:
    pair = Pair(client, files, bundles["four stages"], answers=moving((height, height, height)))
    assert pair.detect(PICTURE, converge_px=100.0).stages_run == stages


def test_which_landmarks_count_is_what_the_garment_seems_to_be(client: Client, files: Files, tmp_path: Path) -> None:
    path = tmp_path / "both.fpm"
    path.write_bytes(hollow(types=("float32",) * 4, convergence=STILL, recognize=recognition(4)))
    for heights, stages in (((0.9, 0.05, 0.05), 3), ((0.9, 0.9, 0.9), 4), ((0.05, 0.02, 0.1), 4)):
        pair = Pair(client, files, path, answers=moving(heights))
        assert pair.detect(PICTURE, converge_px=0.5).stages_run == stages


@pytest.mark.needs("clock")
def test_a_deadline_may_come_first(client: Client, files: Files, bundles: dict[str, Path]) -> None:
    clock = {f"stage_{stage}": [10] for stage in STAGES}
    pair = Pair(client, files, bundles["four stages"], answers=moving(), clock=clock)
    assert pair.detect(PICTURE, category="warm", converge_px=0.5, deadline_ms=20.5).stop_reason == "deadline"
    assert pair.detect(PICTURE, category="warm", converge_px=0.5, deadline_ms=30.5).stop_reason == "converged"


def test_nothing_fitted(client: Client, files: Files, bundles: dict[str, Path]) -> None:
    pair = Pair(client, files, bundles["float32"])
    assert pair.refused("detect", PICTURE, converge_px="fitted") == "UsageError"
    assert pair.refused("detect", PICTURE, converge_px=-1.0) == "UsageError"


def test_landmarks_by_chance(client: Client, files: Files, bundles: dict[str, Path]) -> None:
    rng = np.random.default_rng(2)
    frames = 40
    # Of one garment in one place, seen more and more exactly.
    noisy = rng.normal(0, 0.5, (frames, 4, 3, 2)) / np.arange(1, 5)[:, None, None]
    places = rng.uniform(0.5, 3.5, (3, 2)) + noisy
    heights = rng.uniform(0.1, 0.9, (frames, 3))
    answers = {
        f"heatmap_{stage}": [
            peaks(*map(tuple, places[frame, stage - 1].tolist()), heights=heights[frame].tolist())
            for frame in (0, 0, *range(frames))
        ]
        for stage in STAGES
    }
    pair = Pair(client, files, bundles["four stages"], answers=answers)
    ran = [pair.detect(PICTURE, converge_px=3.5).stages_run for _ in range(frames)]
    assert set(ran) == {2, 3, 4}
