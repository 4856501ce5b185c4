"""The self-check: what a bundle's golden cases say of a session."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
import pytest
from numpy.typing import NDArray

from fpm_edge_runtime.bundle.manifest import Geometry, GoldenCase, GoldenSet, Manifest, Quantization
from fpm_edge_runtime.bundle.schema import LandmarkSchema
from fpm_edge_runtime.check.self_check import check_goldens, verdict_of
from fpm_edge_runtime.errors import BundleError, ModelError

SCHEMA = LandmarkSchema(
    name="toy", landmarks=("a", "b", "c"), flip=(1, 0, 2), categories={"all": (0, 1, 2), "pair": (0, 1)}
)
GEOMETRY = Geometry(input_height=50, input_width=100, stride=5)
STORED = (((10.0, 10.0), (20.0, 20.0), (30.0, 30.0)), ((11.0, 10.0), (21.0, 20.0), (31.0, 30.0)))
CASES = tuple(GoldenCase(f"golden/{i}.png", "pair", STORED) for i in range(3))


@dataclass(frozen=True)
class Result:
    stage: int
    landmarks: NDArray[np.float32]


class FakeBundle:
    def __init__(self, golden: GoldenSet | None) -> None:
        self._golden = golden
        self.schema = SCHEMA
        self.manifest = Manifest(
            schema_version=1,
            name="fake",
            created="",
            landmarks=SCHEMA,
            geometry=GEOMETRY,
            quantization=Quantization("int8", "ptq"),
            stages=2,
            pieces={},
            digests={},
            versions={},
        )

    def golden(self) -> GoldenSet | None:
        return self._golden

    def golden_input(self, case: GoldenCase) -> NDArray[np.uint8]:
        return np.full((50, 100, 3), int(case.member[7]), np.uint8)


class FakeSession:
    """Answers what is stored, moved by what `move` says for (case number, stage)."""

    def __init__(self, golden: GoldenSet | None, move: Callable[[int, int], Any] = lambda case, stage: 0.0) -> None:
        self.bundle = FakeBundle(golden)
        self.loaded = [1, 2]
        self._move = move

    def detect_input(self, image: NDArray[np.uint8]) -> list[Result]:
        case = int(image[0, 0, 0])
        return [Result(s, np.array(STORED[s - 1], np.float32) + self._move(case, s)) for s in self.loaded]


def golden(*limits: float) -> GoldenSet:
    return GoldenSet(CASES, limits or (0.02, 0.01))


def test_a_faithful_device_passes() -> None:
    report = check_goldens(FakeSession(golden()))
    assert report.ok
    assert report.verdict == "ok"
    assert [(s.stage, s.mean, s.worst, s.verdict) for s in report.stages] == [(1, 0, 0, "ok"), (2, 0, 0, "ok")]


def test_the_worst_case_decides_and_is_named() -> None:
    """Case 1 is 1.5 pixels off along y at stage 2: 0.03 in units of the height, over 0.01; the others are right."""
    report = check_goldens(FakeSession(golden(), lambda c, s: (0, 1.5) if (c, s) == (1, 2) else (0, 0)))
    assert not report.ok
    assert report.verdict == "drifted"
    assert report.stages[0].verdict == "ok"
    stage = report.stages[1]
    assert stage.worst == pytest.approx(0.03)
    assert stage.mean == pytest.approx(0.01)
    assert (stage.worst_case, stage.limit, stage.verdict) == ("golden/1.png", 0.01, "drifted")
    assert report.worst == stage
    json.dumps(report.to_dict(), allow_nan=False)


def test_landmarks_that_the_category_lacks_do_not_count() -> None:
    assert check_goldens(FakeSession(golden(), lambda c, s: [[0, 0], [0, 0], [40, 40]])).verdict == "ok"


def test_close_to_the_limit_is_a_warning_and_still_ok() -> None:
    report = check_goldens(FakeSession(golden(0.02, 0.01), lambda c, s: (0.9, 0)))
    assert [s.verdict for s in report.stages] == ["ok", "warning"]
    assert report.ok
    assert report.verdict == "warning"


def test_an_answer_that_is_not_finite_has_drifted() -> None:
    report = check_goldens(FakeSession(golden(), lambda c, s: (np.nan, 0) if c == 2 else (0, 0)))
    assert not report.ok
    assert [(s.worst, s.worst_case) for s in report.stages] == [(np.inf, "golden/2.png")] * 2
    assert json.loads(json.dumps(report.to_dict(), allow_nan=False))["stages"][0]["worst"] is None


def test_a_session_with_fewer_stages_is_checked_on_those() -> None:
    session = FakeSession(golden())
    session.loaded = [1]
    assert [s.stage for s in check_goldens(session).stages] == [1]
    session.loaded = [2]
    with pytest.raises(ModelError, match=r"stages \[2\]"):
        check_goldens(session)
    session.loaded = []
    with pytest.raises(ModelError, match=r"golden/0\.png"):
        check_goldens(session)


@pytest.mark.parametrize("absent", [None, GoldenSet((), (0.1, 0.1))])
def test_a_bundle_without_cases_says_what_to_do(absent: GoldenSet | None) -> None:
    with pytest.raises(BundleError, match="convert the model again with golden cases"):
        check_goldens(FakeSession(absent))


def test_cases_that_do_not_fit_the_bundle_are_refused() -> None:
    with pytest.raises(BundleError, match="1 limits for 2 stages"):
        check_goldens(FakeSession(golden(0.1)))
    short = msgspec.structs.replace(CASES[0], landmarks=STORED[:1])
    with pytest.raises(BundleError, match=r"golden/0.png: stores \[3\]"):
        check_goldens(FakeSession(GoldenSet((short,), (0.1, 0.1))))


@pytest.mark.parametrize(
    ("value", "limit", "verdict"),
    [
        (0.0, 0.0, "ok"),
        (0.75, 1.0, "ok"),
        (0.76, 1.0, "warning"),
        (1.0, 1.0, "warning"),
        (1.01, 1.0, "drifted"),
        (1e-9, 0.0, "drifted"),
        (np.nan, 1.0, "drifted"),
        (np.inf, 1.0, "drifted"),
    ],
)
def test_verdicts(value: float, limit: float, verdict: str) -> None:
    assert verdict_of(value, limit) == verdict
