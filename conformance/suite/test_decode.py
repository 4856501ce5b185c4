"""Heatmaps become landmarks: the same cells, the same doubts."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from conformance.suite.client import Client
from conformance.suite.compare import refused_alike, same_reading
from conformance.suite.heatmaps import CODES, KINDS, REAL_KINDS, as_codes
from conformance.suite.pictures import Files
from fpm_edge_runtime.pixels.decode import read_heatmaps

pytestmark = pytest.mark.needs("decode")

# Height and width of a map; most of the time that of the shipped model.
SIZES = [(24, 24), (24, 24), (24, 24), (4, 6), (1, 1), (1, 7), (5, 1), (2, 2), (3, 3), (6, 5), (40, 64)]
LANDMARKS = 12
TYPES = [
    "float32",
    "int8",
    pytest.param("int16", marks=pytest.mark.needs("int16_maps")),
    pytest.param("uint8", marks=pytest.mark.needs("uint8_maps")),
]


def same(
    client: Client, files: Files, maps: NDArray[Any], layout: Any, scale: float | None, zero_point: int | None
) -> None:
    """Sets of maps, (sets, height, width, channels): both read the same."""
    if layout == "NCHW":
        maps = np.ascontiguousarray(maps.transpose(0, 3, 1, 2))
    fields = {"layout": layout, "landmarks": LANDMARKS, "scale": scale, "zero_point": zero_point}
    answer = client.ask(
        "decode", maps=files.raw(maps), count=len(maps), dtype=maps.dtype.name, shape=maps.shape[1:], **fields
    )
    assert len(answer["readings"]) == len(maps)
    for number, (one, found) in enumerate(zip(maps, answer["readings"], strict=True)):
        expected: Any = read_heatmaps(one, **fields)  # type: ignore[arg-type]
        try:
            same_reading(expected, found)
        except AssertionError as error:
            raise AssertionError(f"set {number} of shape {one.shape}: {error}") from error


def _sweep(client: Client, files: Files, make: Any, dtype: str, sets: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    for size in SIZES:
        made = np.stack([make(rng, *size, LANDMARKS + 1) for _ in range(sets)])
        layout = rng.choice(["NHWC", "NCHW"])
        if dtype == "float32":
            with np.errstate(over="ignore"):
                same(client, files, made.astype(np.float32), layout, None, None)
            continue
        for scale, zero_point in CODES[dtype]:
            same(client, files, as_codes(made, dtype, scale, zero_point), layout, scale, zero_point)


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("kind", KINDS)
def test_maps_of_every_kind(client: Client, files: Files, kind: str, dtype: str) -> None:
    _sweep(client, files, KINDS[kind], dtype, 2, 0)


@pytest.mark.parametrize("kind", REAL_KINDS)
def test_real_numbers_of_every_kind(client: Client, files: Files, kind: str) -> None:
    _sweep(client, files, REAL_KINDS[kind], "float32", 4, 0)


@pytest.mark.slow
@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("kind", KINDS)
def test_many_maps_of_every_kind(client: Client, files: Files, kind: str, dtype: str) -> None:
    _sweep(client, files, KINDS[kind], dtype, 20, 1)


def test_codes_at_their_ends(client: Client, files: Files) -> None:
    """The lowest and the highest code alone, and next to each other."""
    rng = np.random.default_rng(3)
    maps = rng.choice(np.array([-128, -127, 126, 127], np.int8), (20, 6, 6, LANDMARKS + 1))
    for scale, zero_point in CODES["int8"]:
        same(client, files, maps, "NHWC", scale, zero_point)


def test_the_background_is_not_read(client: Client, files: Files) -> None:
    rng = np.random.default_rng(4)
    maps = KINDS["peaks"](rng, 8, 8, LANDMARKS + 1).astype(np.float32)[np.newaxis]
    changed = maps.copy()
    changed[..., -1] = np.nan
    same(client, files, changed, "NHWC", None, None)
    fields = {"dtype": "float32", "shape": [8, 8, LANDMARKS + 1], "layout": "NHWC", "landmarks": LANDMARKS}
    assert client.ask("decode", maps=files.raw(maps), **fields) == client.ask(
        "decode", maps=files.raw(changed), **fields
    )


@pytest.mark.parametrize(
    ("dtype", "shape", "options"),
    [
        ("int8", (4, 6, 4), {"layout": "NHCW", "scale": 1 / 255, "zero_point": -128}),
        ("int8", (6, 4, 4), {"layout": "NCHW", "scale": 1 / 255, "zero_point": -128}),
        ("int8", (4, 6, 5), {"layout": "NHWC", "scale": 1 / 255, "zero_point": -128}),
        ("int8", (4, 6, 4), {"layout": "NHWC"}),
        ("int8", (4, 6, 4), {"layout": "NHWC", "scale": 1 / 255}),
        ("float32", (4, 6, 4), {"layout": "NHWC", "scale": 1 / 255, "zero_point": -128}),
        ("float32", (0, 6, 4), {"layout": "NHWC"}),
    ],
)
def test_maps_that_cannot_be_read(
    client: Client, files: Files, dtype: str, shape: tuple[int, int, int], options: dict[str, Any]
) -> None:
    maps = np.zeros(shape, dtype)
    refused_alike(
        lambda: read_heatmaps(maps, landmarks=3, **options),
        lambda: client.ask("decode", maps=files.raw(maps), dtype=dtype, shape=shape, landmarks=3, **options),
    )
