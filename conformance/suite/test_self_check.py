"""The golden cases of a bundle, answered and judged."""

from pathlib import Path
from typing import Any

import pytest

from conformance.suite.client import Client
from conformance.suite.compare import refused_alike, same_goldens
from conformance.suite.hollow import WIDTH, hollow, peaks
from conformance.suite.pair import Pair
from conformance.suite.pictures import Files
from conformance.suite.tolerance import LANDMARK_CELLS
from fpm_edge_runtime import check_goldens

pytestmark = pytest.mark.needs("self_check", "detect", "given_engine")

# A landmark's tolerance in cells, as a share of the input.
DISAGREEMENT = 8 * LANDMARK_CELLS / WIDTH
# Where the golden case of a hollow bundle has its landmarks.
RIGHT = ((1, 1), (2, 2), (4, 1))


def checked(client: Client, files: Files, path: Path, second: Any, stages: int | None = None) -> str:
    answers = {"heatmap_1": [peaks(*RIGHT)], "heatmap_2": [peaks(*second)]}
    pair = Pair(client, files, path, answers=answers, stages=stages)
    expected = check_goldens(pair.session)
    same_goldens(expected, client.ask("self_check"), DISAGREEMENT)
    return expected.verdict


@pytest.mark.parametrize(
    ("limits", "second", "verdict"),
    [
        ((0.05, 0.05), RIGHT, "ok"),
        ((0.05, 0.05), ((1, 1), (2, 2), (1, 1)), "drifted"),
        ((0.05, 0.2), ((1, 1), (2, 2), (1, 1)), "warning"),
        ((0.05, 0.5), ((1, 1), (2, 2), (1, 1)), "ok"),
        ((0.05, 0.001), ((1.2, 1), (2, 2), (4, 1)), "drifted"),
    ],
)
def test_verdicts(
    client: Client, files: Files, tmp_path: Path, limits: tuple[float, float], second: Any, verdict: str
) -> None:
    path = tmp_path / "golden.fpm"
    path.write_bytes(hollow(limits=limits))
    assert checked(client, files, path, second) == verdict


def test_of_fewer_stages(client: Client, files: Files, tmp_path: Path) -> None:
    path = tmp_path / "golden.fpm"
    path.write_bytes(hollow(limits=(0.5, 0.0001)))
    assert checked(client, files, path, RIGHT, stages=1) == "ok"


def test_a_bundle_without_cases(client: Client, files: Files, bundles: dict[str, Path]) -> None:
    pair = Pair(client, files, bundles["float32"])
    assert refused_alike(lambda: check_goldens(pair.session), lambda: client.ask("self_check")) == "BundleError"
