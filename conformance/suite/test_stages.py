"""Which pieces run, in what order, on which bytes; and what the heatmaps they give become."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from conformance.suite.client import Client
from conformance.suite.hollow import COLUMNS, ROWS, hollow, peaks
from conformance.suite.pair import Pair
from conformance.suite.pictures import Files, noise
from fpm_edge_runtime.pixels.geometry import Letterbox
from fpm_edge_runtime.pixels.image import letterbox

pytestmark = pytest.mark.needs("detect", "given_engine")

NEEDS_UINT8 = pytest.mark.needs("uint8_maps")
NEEDS_INT16 = pytest.mark.needs("int16_maps")
PICTURE = noise(90, 70)


def tensor(kind: str, channels: int, seed: int, layout: str = "NHWC") -> NDArray[Any]:
    """Any numbers of this type, its ends and real numbers halfway between two codes among them."""
    rng = np.random.default_rng(seed)
    shape = (1, ROWS, COLUMNS, channels) if layout == "NHWC" else (1, channels, ROWS, COLUMNS)
    if kind == "float32":
        # In NumPy's own float32 arithmetic, half of these are exactly between two codes of 1/255.
        codes = rng.integers(-40, 600, shape).astype(np.float32) / 2
        values: NDArray[Any] = codes * np.float32(1 / 255)
        values[rng.random(shape) < 0.3] = rng.normal(0, 1)
        return values
    limits = np.iinfo(kind)
    found = rng.integers(limits.min, limits.max + 1, shape).astype(kind)
    found.flat[:2] = limits.min, limits.max
    return found


def test_each_piece_runs_once_and_the_context_only_for_stage_2(
    client: Client, files: Files, bundles: dict[str, Path]
) -> None:
    pair = Pair(client, files, bundles["float32"])
    assert pair.runs() == []
    assert pair.detect(PICTURE).stages_run == 2
    assert pair.runs() == ["stage_1", "context", "stage_2"]
    assert pair.detect(PICTURE, stages=1).stop_reason == "stage limit"
    assert pair.runs() == ["stage_1"]


def test_a_session_of_fewer_stages(client: Client, files: Files, bundles: dict[str, Path]) -> None:
    pair = Pair(client, files, bundles["four stages"], stages=2)
    assert (pair.detect(PICTURE).stages_run, pair.session.stage_limit) == (2, 2)
    assert pair.detect(PICTURE).stop_reason == "stage limit"
    assert pair.refused("detect", PICTURE, stages=3) == "UsageError"


@pytest.mark.needs("stages")
def test_stages_come_one_by_one(client: Client, files: Files, bundles: dict[str, Path]) -> None:
    answers = {f"heatmap_{stage}": [tensor("float32", 4, stage)] for stage in (1, 2, 3, 4)}
    pair = Pair(client, files, bundles["four stages"], answers=answers)
    results = pair.stages(PICTURE)
    assert [result.stage for result in results] == [1, 2, 3, 4]
    assert pair.runs() == ["stage_1", "context", "stage_2", "stage_3", "stage_4"]
    np.testing.assert_array_equal(pair.detect(PICTURE, stages=3).landmarks, results[2].landmarks)


@pytest.mark.needs("detect_input")
def test_a_ready_made_input(client: Client, files: Files, bundles: dict[str, Path]) -> None:
    pair = Pair(client, files, bundles["recognition"], answers={"heatmap_2": [peaks((1, 1), (2, 2), (4, 3))]})
    pixels = letterbox(PICTURE, Letterbox.fit((90, 70), (48, 32)), (48, 32))
    assert [result.stage for result in pair.detect_input(pixels)] == [1, 2]
    assert [result.stage for result in pair.detect_input(pixels, stages=1)] == [1]
    # The picture becomes the same bytes.
    given = pair.runs()
    pair.detect(PICTURE)
    assert pair.runs() == given[:3]


WIRINGS = [
    pytest.param(("float32", "float32"), ("float32",), "NHWC", id="float32"),
    pytest.param(("float32", "float32"), ("float32",), "NCHW", id="float32, channels first"),
    pytest.param(("int8", "int8", "int8"), ("int8",), "NHWC", id="int8"),
    pytest.param(("int8", "int8"), ("int8",), "NCHW", id="int8, channels first"),
    pytest.param(("int16", "int16"), ("int16",), "NHWC", id="int16", marks=NEEDS_INT16),
    pytest.param(("int8", "int16", "int8"), ("int8",), "NHWC", id="int8 and int16", marks=NEEDS_INT16),
    pytest.param(("int16", "int8"), ("int16",), "NHWC", id="int16, then int8", marks=NEEDS_INT16),
    pytest.param(("int8", "float32", "int8"), ("int8",), "NHWC", id="int8 and float32"),
    pytest.param(("float32", "int8"), ("float32",), "NHWC", id="float32, then int8"),
    pytest.param(("float32", "int16"), ("int8",), "NCHW", id="all three, channels first", marks=NEEDS_INT16),
    pytest.param(("int8", "int8"), None, "NHWC", id="without context"),
    pytest.param(("uint8", "uint8"), ("uint8",), "NHWC", id="uint8", marks=NEEDS_UINT8),
    pytest.param(("int8", "uint8"), ("int8",), "NHWC", id="int8 and uint8", marks=NEEDS_UINT8),
]


@pytest.mark.parametrize(("types", "context", "layout"), WIRINGS)
def test_tensors_reach_the_next_piece(
    client: Client, files: Files, tmp_path: Path, types: Any, context: Any, layout: str
) -> None:
    """Byte for byte, converted where two types meet; and the heatmaps are read in their own type."""
    path = tmp_path / "wired.fpm"
    path.write_bytes(hollow(types=types, context=context, layout=layout))
    answers = {f"heatmap_{stage}": [tensor(kind, 4, stage, layout)] for stage, kind in enumerate(types, 1)}
    if context is not None:
        answers["context"] = [tensor(context[0], 5, 9, layout)]
    pair = Pair(client, files, path, answers=answers)
    pair.detect(PICTURE)
    assert pair.runs() == [
        "stage_1",
        *(["context"] if context else []),
        *(f"stage_{s}" for s in range(2, len(types) + 1)),
    ]


@pytest.mark.parametrize(
    ("value", "doubt"),
    [(np.nan, "not finite"), (np.inf, "not finite"), (-np.inf, "not finite"), (0.0, "flat"), (1.0, "flat")],
    ids=str,
)
@pytest.mark.needs("stages", "converge")
def test_an_engine_that_answers_with_one_value(
    client: Client, files: Files, bundles: dict[str, Path], value: float, doubt: str
) -> None:
    answers = {name: [np.full((1, ROWS, COLUMNS, 4), value, np.float32)] for name in ("heatmap_1", "heatmap_2")}
    pair = Pair(client, files, bundles["recognition"], answers=answers)
    for found in (pair.detect(PICTURE), pair.detect(PICTURE, converge_px=0.5), *pair.stages(PICTURE)):
        assert found.doubts == dict.fromkeys(("red", "green", "blue"), doubt)


def test_doubts_have_names(client: Client, files: Files, bundles: dict[str, Path]) -> None:
    maps = np.zeros((1, ROWS, COLUMNS, 4), np.float32)
    maps[0, 1, 2, 1] = 0.9
    maps[0, 0, 0, 1] = np.inf
    maps[0, :, :, 2] = 0.1
    maps[0, :, :5, 2] = 1.5
    maps[0, 3, 5, 2] = 1.5
    pair = Pair(client, files, bundles["float32"], answers={"heatmap_2": [maps]})
    assert pair.detect(PICTURE).doubts == {"red": "flat", "green": "not finite", "blue": "saturated"}


@pytest.mark.parametrize("size", [(1, 1), (1, 500), (500, 1), (8000, 10), (48, 32), (37, 31)], ids=str)
def test_pictures_of_every_shape(client: Client, files: Files, bundles: dict[str, Path], size: tuple[int, int]) -> None:
    answers = {"heatmap_1": [peaks((1.2, 1), (3.4, 2), (4, 2.6))], "heatmap_2": [peaks((1.4, 1), (3.3, 2), (4, 2.1))]}
    pair = Pair(client, files, bundles["float32"], answers=answers)
    pair.detect(noise(*size))
    if min(size) > 20:
        pair.detect(noise(*size), box=(3.5, 2.25, 30.0, 29.5))


def test_garments_by_chance(client: Client, files: Files, bundles: dict[str, Path]) -> None:
    """The category follows from the last stage's scores, and is not looked for where it is given."""
    rng = np.random.default_rng(5)
    heights = [(0.9, 0.8, 0.9), (0.9, 0.05, 0.05), (0.05, 0.02, 0.1), *rng.random((27, 3)).tolist()]
    maps = [peaks((1, 1), (2, 2), (4, 2), heights=height) for height in heights]
    first = peaks((1, 1), (2, 2), (4, 2))
    pair = Pair(client, files, bundles["recognition"], answers={"heatmap_1": [first], "heatmap_2": [*maps[:2], *maps]})
    found = [pair.detect(PICTURE).category for _ in heights]
    assert found[:3] == ["all", "warm", "none"]
    for category in ("warm", "all", "any"):
        assert pair.detect(PICTURE, category=category).category_score is None
