"""A second look goes to the same region, and answers in the same cases."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from conformance.suite.client import Client
from conformance.suite.hollow import hollow, peaks, recognition
from conformance.suite.pair import Pair
from conformance.suite.pictures import Files, noise, spots

pytestmark = pytest.mark.needs("detect", "given_engine", "looks")

LARGE = noise(480, 320)
CLOSE, WIDE = ((2, 1), (3, 1), (2, 2)), ((0, 0), (5, 0), (2, 3))
BOTH = ["stage_1", "stage_1", "context", "stage_2"]


def seen(first: float, second: float, cells: Any = CLOSE) -> dict[str, Any]:
    """Stage 1 sees the first look with one height of its peaks, and the second with another."""
    looks = [peaks(*cells, heights=(height,) * 3) for height in (first, second)]
    return {"heatmap_1": [looks[0], looks[0], *looks * 4], "heatmap_2": [looks[1]]}


def test_the_second_look_answers_where_it_sees_more_clearly(
    client: Client, files: Files, bundles: dict[str, Path]
) -> None:
    pair = Pair(client, files, bundles["float32"], answers=seen(0.5, 0.9))
    found = pair.detect(LARGE, looks=2)
    assert (found.looks, found.stages_run, found.stop_reason) == (2, 2, "all stages")
    assert pair.runs() == BOTH


def test_the_first_look_answers_where_the_second_sees_less(
    client: Client, files: Files, bundles: dict[str, Path]
) -> None:
    pair = Pair(client, files, bundles["float32"], answers=seen(0.9, 0.5))
    assert pair.detect(LARGE, looks=2).looks == 1
    assert pair.runs() == BOTH
    assert pair.detect(LARGE, looks=1).looks == 1


def test_two_looks_that_see_the_same(client: Client, files: Files, bundles: dict[str, Path]) -> None:
    pair = Pair(client, files, bundles["float32"], answers=seen(0.5, 0.5))
    assert pair.detect(LARGE, looks=2).looks == 2


@pytest.mark.parametrize(("height", "cells"), [(0.9, WIDE), (0.2, CLOSE)], ids=["already large", "nothing clear"])
def test_no_second_look_where_there_is_nothing_to_gain(
    client: Client, files: Files, bundles: dict[str, Path], height: float, cells: Any
) -> None:
    pair = Pair(client, files, bundles["float32"], answers=seen(height, height, cells))
    assert pair.detect(LARGE, looks=2).looks == 1
    assert pair.runs() == ["stage_1", "context", "stage_2"]


@pytest.mark.parametrize("box", [(100, 100, 340, 260), (0, 0, 24.5, 30.5), (-50, 20, 480, 320)], ids=str)
def test_the_region_stays_inside_the_box(
    client: Client, files: Files, bundles: dict[str, Path], box: tuple[float, ...]
) -> None:
    pair = Pair(client, files, bundles["float32"], answers=seen(0.5, 0.9, ((0, 0), (1, 0), (0, 1))))
    pair.detect(LARGE, looks=2, box=box)
    pair.runs()


@pytest.mark.needs("clock")
def test_both_looks_take_time(client: Client, files: Files, bundles: dict[str, Path]) -> None:
    clock = {"stage_1": [1, 400], "context": [2], "stage_2": [3]}
    pair = Pair(client, files, bundles["float32"], answers=seen(0.5, 0.9), clock=clock)
    found = pair.detect(LARGE, looks=2)
    assert found.timings.pieces == pytest.approx({"stage_1": 800, "context": 2, "stage_2": 3})
    pair = Pair(client, files, bundles["float32"], answers=seen(0.9, 0.5), clock=clock)
    assert pair.detect(LARGE, looks=2).timings.pieces["stage_1"] == pytest.approx(800)


@pytest.mark.needs("clock")
def test_no_time_for_a_second_look_leaves_the_stages_of_the_first(
    client: Client, files: Files, bundles: dict[str, Path]
) -> None:
    clock = {"stage_1": [400], "context": [20], "stage_2": [30]}
    pair = Pair(client, files, bundles["float32"], answers=seen(0.5, 0.9), clock=clock)
    found = pair.detect(LARGE, looks=2, deadline_ms=760.5)
    assert (found.looks, found.stages_run, found.stop_reason) == (1, 2, "all stages")
    found = pair.detect(LARGE, looks=2, deadline_ms=430.5)
    assert (found.looks, found.stages_run, found.stop_reason) == (1, 1, "deadline")
    assert pair.detect(LARGE, looks=2, deadline_ms=0).stages_run == 1


@pytest.mark.needs("clock")
def test_a_deadline_may_end_the_second_look(client: Client, files: Files, bundles: dict[str, Path]) -> None:
    pair = Pair(client, files, bundles["float32"], answers=seen(0.5, 0.9), clock={"stage_1": [10], "stage_2": [800]})
    found = pair.detect(LARGE, looks=2, deadline_ms=700.5)
    assert (found.looks, found.stages_run, found.stop_reason) == (2, 1, "deadline")


def test_other_limits_hold_for_the_second_look(client: Client, files: Files, bundles: dict[str, Path]) -> None:
    pair = Pair(client, files, bundles["float32"], answers=seen(0.5, 0.9))
    found = pair.detect(LARGE, looks=2, stages=1)
    assert (found.looks, found.stages_run, found.stop_reason) == (2, 1, "stage limit")


def test_where_no_garment_is_known_all_that_is_clear_counts(client: Client, files: Files, tmp_path: Path) -> None:
    path = tmp_path / "some.fpm"
    path.write_bytes(hollow(recognize=recognition(2)))
    for heights in ((0.3, 0.26, 0.26), (0.9, 0.2, 0.2), (0.9, 0.9, 0.9), (0.3, 0.24, 0.3)):
        first, second = (peaks(*CLOSE, heights=[height * part for height in heights]) for part in (1, 1.05))
        pair = Pair(client, files, path, answers={"heatmap_1": [first, first, first, second], "heatmap_2": [second]})
        pair.detect(LARGE, looks=2)
        pair.runs()


def test_looks_by_chance(client: Client, files: Files, bundles: dict[str, Path]) -> None:
    """Where the region lies shows in the bytes of the second input."""
    rng = np.random.default_rng(3)
    found = []
    for _ in range(25):
        cells = rng.uniform((0, 0), (4, 2), 2) + rng.uniform(0, 2, (3, 2))
        maps = [peaks(*map(tuple, cells.tolist()), heights=rng.uniform(0.2, 0.9, 3).tolist()) for _ in range(2)]
        answers = {"heatmap_1": [maps[0], maps[0], *maps], "heatmap_2": maps[:1]}
        pair = Pair(client, files, bundles["float32"], answers=answers)
        size = rng.integers(40, 500, 2).tolist()
        found.append(pair.detect(noise(*size), looks=2).looks)
        pair.runs()
    assert set(found) == {1, 2}


def test_a_small_garment_is_found_by_a_real_network(client: Client, files: Files, bundles: dict[str, Path]) -> None:
    engines = [engine["name"] for engine in client.hello["engines"] if "onnx" in engine["formats"]]
    if not engines:
        pytest.skip("the client has no engine for ONNX")
    picture = spots(960, 640, [(220, 300), (380, 300), (300, 380)], 50.0)
    client.ask("open", path=bundles["colours"])
    for engine in engines:
        client.ask("load", engine=engine)
        found = [client.ask("detect", **files.picture(picture), looks=looks)["looks"] for looks in (1, 2)]
        assert found == [1, 2]
