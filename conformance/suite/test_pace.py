"""With a given clock, a deadline lets the same stages run as in the reference."""

from pathlib import Path

import numpy as np
import pytest

from conformance.suite.client import Client
from conformance.suite.hollow import peaks
from conformance.suite.pair import Pair
from conformance.suite.pictures import Files, noise

pytestmark = pytest.mark.needs("detect", "given_engine", "clock")

PICTURE = noise(48, 32)
WARM_UP = 2  # runs of each piece when a session is loaded


def test_time_passes_while_pieces_run_and_never_else(client: Client, files: Files, bundles: dict[str, Path]) -> None:
    clock = {"stage_1": [1, 2, 3.5, 4.5], "context": [7], "stage_2": [100, 200, 0.125]}
    pair = Pair(client, files, bundles["float32"], clock=clock)
    timings = pair.detect(noise(90, 70)).timings
    assert timings.pieces == pytest.approx({"stage_1": 3.5, "context": 7, "stage_2": 0.125})
    assert (timings.preprocess_ms, timings.decode_ms) == (0, 0)
    assert timings.total_ms == pytest.approx(10.625)
    assert pair.detect(PICTURE).timings.pieces["stage_1"] == pytest.approx(4.5)


def test_a_stage_that_would_not_end_in_time_is_not_begun(
    client: Client, files: Files, bundles: dict[str, Path]
) -> None:
    # Stage 2 alone would fit into 45 ms; with the context, which has not run yet, it does not.
    pair = Pair(client, files, bundles["float32"], clock={"context": [40], "stage_2": [20]})
    found = pair.detect(PICTURE, deadline_ms=45)
    assert (found.stages_run, found.stop_reason) == (1, "deadline")
    found = pair.detect(PICTURE, deadline_ms=60.5)
    assert (found.stages_run, found.stop_reason) == (2, "all stages")
    assert pair.detect(PICTURE, deadline_ms=59.5).stages_run == 1
    assert pair.runs() == ["stage_1", "stage_1", "context", "stage_2", "stage_1"]


def test_stage_1_runs_whatever_the_deadline(client: Client, files: Files, bundles: dict[str, Path]) -> None:
    pair = Pair(client, files, bundles["float32"], clock={"stage_1": [50], "stage_2": [1]})
    assert pair.detect(PICTURE, deadline_ms=0).stop_reason == "deadline"
    assert pair.detect(PICTURE, deadline_ms=50.5).stop_reason == "deadline"
    assert pair.detect(PICTURE, deadline_ms=51.5).stop_reason == "all stages"


def test_a_limit_is_the_reason_where_it_comes_first(client: Client, files: Files, bundles: dict[str, Path]) -> None:
    pair = Pair(client, files, bundles["four stages"], clock={f"stage_{stage}": [10] for stage in (1, 2, 3, 4)})
    assert pair.detect(PICTURE, stages=1, deadline_ms=0).stop_reason == "stage limit"
    assert pair.detect(PICTURE, stages=2, deadline_ms=25).stop_reason == "stage limit"
    assert pair.detect(PICTURE, stages=3, deadline_ms=25).stop_reason == "deadline"


def test_each_stage_is_weighed_by_itself(client: Client, files: Files, bundles: dict[str, Path]) -> None:
    clock = {"stage_1": [10], "context": [5], "stage_2": [20], "stage_3": [40], "stage_4": [80]}
    pair = Pair(client, files, bundles["four stages"], clock=clock)
    ran = [pair.detect(PICTURE, deadline_ms=limit).stages_run for limit in (34.5, 35.5, 74.5, 75.5, 154.5, 155.5)]
    assert ran == [1, 2, 2, 3, 3, 4]


def test_the_first_run_of_a_session_is_forgotten(client: Client, files: Files, bundles: dict[str, Path]) -> None:
    pair = Pair(client, files, bundles["float32"], clock={"stage_2": [500, 20]})
    assert pair.detect(PICTURE, deadline_ms=20.5).stages_run == 2


def test_what_may_be_expected_is_19_of_20(client: Client, files: Files, bundles: dict[str, Path]) -> None:
    """The nearest rank of the 95 % quantile: of 20 times the 19th, of 21 the 20th, of 40 the 38th."""
    rng = np.random.default_rng(0)
    first = rng.permutation(np.arange(1, 21)).tolist()
    times = [1000, *first, 21, *rng.permutation(np.arange(22, 41)).tolist()]
    pair = Pair(client, files, bundles["float32"], clock={"stage_2": times})
    for number in range(2, 41):
        # Before the 20th there are fewer; a deadline that stops it adds no time.
        if number == 21:
            assert pair.detect(PICTURE, deadline_ms=18.5).stop_reason == "deadline"
            assert pair.detect(PICTURE, deadline_ms=19.5).stages_run == 2
            assert pair.detect(PICTURE, deadline_ms=19.5).stop_reason == "deadline"
        elif number == 40:
            assert pair.detect(PICTURE, deadline_ms=36.5).stop_reason == "deadline"
        else:
            pair.detect(PICTURE)


def test_only_the_last_64_times_count(client: Client, files: Files, bundles: dict[str, Path]) -> None:
    slow, quick = 10, 64
    times = [1] * WARM_UP + [100] * slow + [5] * quick
    pair = Pair(client, files, bundles["float32"], clock={"stage_2": times})
    for _ in range(slow + quick - 4):
        pair.detect(PICTURE)
    # Four of the slow ones are among the last 64, which is more than one in twenty.
    assert pair.detect(PICTURE, deadline_ms=50).stop_reason == "deadline"
    pair.detect(PICTURE)
    assert pair.detect(PICTURE, deadline_ms=50).stop_reason == "all stages"


def test_a_device_that_slows_down_is_noticed(client: Client, files: Files, bundles: dict[str, Path]) -> None:
    pair = Pair(client, files, bundles["float32"], clock={"stage_2": [10, 10, 10, 350, 10]})
    assert pair.detect(PICTURE, deadline_ms=300).stages_run == 2
    pair.detect(PICTURE)
    assert pair.detect(PICTURE, deadline_ms=300).stop_reason == "deadline"


@pytest.mark.needs("stages")
def test_time_between_two_stages_counts(client: Client, files: Files, bundles: dict[str, Path]) -> None:
    clock = {f"stage_{stage}": [10] for stage in (1, 2, 3, 4)}
    pair = Pair(client, files, bundles["four stages"], clock=clock)
    assert [result.stage for result in pair.stages(PICTURE, deadline_ms=40.5)] == [1, 2, 3, 4]
    results = pair.stages(PICTURE, deadline_ms=40.5, pause_ms=6)
    assert [result.stage for result in results] == [1, 2]
    assert [result.elapsed_ms for result in results] == pytest.approx([10, 26])


def test_frames_by_chance(client: Client, files: Files, bundles: dict[str, Path]) -> None:
    rng = np.random.default_rng(1)
    pieces = ("stage_1", "context", "stage_2", "stage_3", "stage_4")
    clock = {piece: rng.integers(1, 30, 80).tolist() for piece in pieces}
    answers = {f"heatmap_{stage}": [peaks((1, 1), (2, 2), (4, 2))] for stage in (1, 2, 3, 4)}
    pair = Pair(client, files, bundles["four stages"], clock=clock, answers=answers)
    ran = [pair.detect(PICTURE, deadline_ms=int(limit) + 0.5).stages_run for limit in rng.integers(0, 140, 80)]
    assert set(ran) == {1, 2, 3, 4}
