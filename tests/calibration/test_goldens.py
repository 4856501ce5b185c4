"""Golden cases."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from PIL import Image

from fpm_edge_calibration import golden_set
from fpm_edge_calibration.goldens import FEWEST_GOLDENS
from fpm_edge_runtime import check_goldens, open_bundle
from fpm_edge_runtime.bundle.manifest import GoldenSet, decode_golden
from fpm_edge_runtime.errors import DataError
from fpm_edge_runtime.stages.pack import bundle_bytes

CASES, STAGES, LANDMARKS = FEWEST_GOLDENS, 2, 3
WIDTH, HEIGHT = 40, 20
INPUTS = [np.random.default_rng(i).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8) for i in range(CASES)]
REFERENCE = np.random.default_rng(9).uniform(0, 20, (CASES, STAGES, LANDMARKS, 2)).astype(np.float32)
KEEP = [(0, 1)] * CASES


def made(reference: Any = REFERENCE, converted: Any = (REFERENCE,), inputs: Any = INPUTS) -> dict[str, bytes]:
    return golden_set(inputs, ["top"] * len(inputs), KEEP[: len(inputs)], reference, converted)


def test_cases_are_lossless_pictures_and_the_float_models_answers() -> None:
    members = made()
    assert sorted(members) == sorted([*(f"golden/{i}.png" for i in range(CASES)), "golden/golden.json"])
    golden = decode_golden(members["golden/golden.json"])
    assert isinstance(golden, GoldenSet)
    for index, case in enumerate(golden.cases):
        assert case.category == "top"
        np.testing.assert_array_equal(np.array(Image.open(io.BytesIO(members[case.member]))), INPUTS[index])
        np.testing.assert_array_equal(np.array(case.landmarks, np.float32), REFERENCE[index])
    assert made() == members


def test_limits_are_half_as_much_again_as_the_worst_case_of_any_format() -> None:
    near, far = REFERENCE.copy(), REFERENCE.copy()
    near[2, 0, 0, 0] += 0.4  # stage 1: 0.4 of 40 px in one of two landmarks: 0.005 NE
    far[5, 1, 1, 1] += 2.0  # stage 2: 2 of 20 px: 0.05 NE
    far[3, :, 2] += 15.0  # a landmark that the category does not have
    golden = decode_golden(made(converted=[near, far])["golden/golden.json"])
    assert golden.limits == pytest.approx((1.5 * 0.005 + 0.002, 1.5 * 0.05 + 0.002), rel=1e-4)
    assert decode_golden(made()["golden/golden.json"]).limits == pytest.approx((0.002, 0.002))


def test_fewer_cases_than_needed() -> None:
    few = CASES - 1
    with pytest.raises(DataError, match=f"{few} golden cases; at least {CASES} are needed"):
        made(REFERENCE[:few], [REFERENCE[:few]], INPUTS[:few])


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_answers_that_are_not_finite(value: float) -> None:
    broken = REFERENCE.copy()
    broken[4, 1, 2, 0] = value
    for reference, converted in ((broken, REFERENCE), (REFERENCE, broken)):
        with pytest.raises(DataError, match="golden case are not finite"):
            made(reference, [converted])


@pytest.mark.parametrize("engine", ["litert", "onnxruntime"])
def test_the_engine_that_made_them_is_within_their_limits(tiny_bundle: Path, engine: str) -> None:
    report = check_goldens(open_bundle(tiny_bundle).session(engine))
    assert report.cases == FEWEST_GOLDENS
    assert report.verdict == "ok"
    for stage in report.stages:
        # The limit is not so wide that nothing could fail it.
        assert 0 < stage.worst <= (stage.limit - 0.002) / 1.5 + 1e-6
        assert stage.limit < 0.2


@pytest.fixture
def shifted(tiny_bundle: Path) -> Callable[[int, float], bytes]:
    """The bundle with the stored landmarks of one stage moved, in pixels."""
    bundle = open_bundle(tiny_bundle)
    golden = bundle.golden()
    assert golden is not None

    def move(stage: int, pixels: float) -> bytes:
        cases = []
        for case in golden.cases:
            landmarks = np.array(case.landmarks)
            landmarks[stage - 1, :, 0] += pixels
            cases.append(msgspec.structs.replace(case, landmarks=landmarks.tolist()))
        members = {name: bundle.read(name) for name in bundle.members if name != "manifest.json"}
        members["golden/golden.json"] = msgspec.json.encode(msgspec.structs.replace(golden, cases=tuple(cases)))
        return bundle_bytes(bundle.manifest, members)

    return move


def test_shifted_landmarks_are_over_their_limit(shifted: Callable[[int, float], bytes]) -> None:
    for stage in (1, 3):
        report = check_goldens(open_bundle(shifted(stage, 25.0)).session("litert"))
        assert not report.ok
        assert [entry.stage for entry in report.stages if entry.verdict == "drifted"] == [stage]
    assert check_goldens(open_bundle(shifted(1, 0.0)).session("litert")).ok
