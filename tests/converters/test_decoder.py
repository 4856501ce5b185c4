"""The decoder as a graph finds what the runtime's decoder finds, in both formats."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from fpm_edge_converters.decoder import HEATMAPS, LANDMARKS, decoder_tflite, stride_of
from fpm_edge_converters.whole_onnx import decoder_onnx
from fpm_edge_runtime.bundle.manifest import TensorSpec
from fpm_edge_runtime.errors import ConversionError
from fpm_edge_runtime.pixels.decode_maps import decode_heatmaps

HEIGHT, WIDTH, LANDMARK_COUNT, STRIDE = 14, 18, 6, 4
QUANTIZATION = {
    "int8": (1 / 255, -128),
    "coarse int8": (0.045, -108),
    "int16": (1 / 32767, 0),
    "float32": (None, None),
}
Runner = Callable[[bytes, dict[str, Any]], dict[str, Any]]
Decoder = Callable[[Any], tuple[Any, Any]]


@pytest.fixture(scope="module", params=["tflite", "onnx"])
def layout(request: pytest.FixtureRequest) -> str:
    return "NHWC" if request.param == "tflite" else "NCHW"


@pytest.fixture(scope="module", params=list(QUANTIZATION))
def numbers(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture(scope="module")
def both(layout: Any, numbers: str, run_tflite: Runner, run_onnx: Runner) -> Decoder:
    """Maps (L, height, width) of real values → what the graph and what the runtime find, each (L, 3)."""
    scale, zero_point = QUANTIZATION[numbers]
    channels = LANDMARK_COUNT + 1
    shape = (1, HEIGHT, WIDTH, channels) if layout == "NHWC" else (1, channels, HEIGHT, WIDTH)
    if (numbers, layout) == ("int16", "NCHW"):
        pytest.skip("int16 maps are TFLite's only")
    dtype: Any = numbers.split()[-1]
    spec = TensorSpec("heatmap_1", dtype, shape, layout, scale, zero_point)
    if layout == "NHWC":
        graph = decoder_tflite(spec, STRIDE)
        data, run = graph.cut(graph.inputs, graph.outputs), run_tflite
    else:
        data, run = decoder_onnx(spec, STRIDE).SerializeToString(), run_onnx

    def decode(values: Any) -> tuple[Any, Any]:
        # A background that would win everywhere: nothing may read it.
        maps = np.concatenate([values, np.full((1, HEIGHT, WIDTH), 2.0)]).astype(np.float32)
        if scale is not None and zero_point is not None:
            limits = np.iinfo(dtype)
            maps = np.clip(np.rint(maps / scale) + zero_point, limits.min, limits.max).astype(dtype)
        if layout == "NHWC":
            maps = np.ascontiguousarray(maps.transpose(1, 2, 0))
        found = run(data, {HEATMAPS: maps[np.newaxis]})[LANDMARKS]
        cells, scores = decode_heatmaps(
            maps, layout=layout, landmarks=LANDMARK_COUNT, scale=scale, zero_point=zero_point
        )
        return found, np.concatenate([(cells + 0.5) * STRIDE - 0.5, scores[:, np.newaxis]], axis=1)

    return decode


def gaussians(
    generator: np.random.Generator,
    *,
    heights: tuple[float, float] = (0.3, 0.95),
    sigmas: tuple[float, float] = (0.7, 2.5),
    noise: float = 0.02,
) -> Any:
    """One tilted peak a channel, now and then centred outside the map, clipped to 0..1 as the network clips."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    maps = []
    for _ in range(LANDMARK_COUNT):
        centre = generator.uniform([-1, -1], [WIDTH, HEIGHT])
        wide, narrow = generator.uniform(*sigmas, 2)
        angle = generator.uniform(0, np.pi)
        u = (x - centre[0]) * np.cos(angle) + (y - centre[1]) * np.sin(angle)
        v = (y - centre[1]) * np.cos(angle) - (x - centre[0]) * np.sin(angle)
        maps.append(generator.uniform(*heights) * np.exp(-((u / wide) ** 2 + (v / narrow) ** 2) / 2))
    return np.clip(np.array(maps) + generator.normal(0, noise, (LANDMARK_COUNT, HEIGHT, WIDTH)), 0, 1)


def two_peaks(generator: np.random.Generator) -> Any:
    return np.maximum(gaussians(generator, heights=(1.0, 1.6)), gaussians(generator, heights=(1.0, 1.6)))


@pytest.mark.parametrize(
    "make",
    [
        gaussians,
        lambda generator: gaussians(generator, noise=0.0),
        # Clipped: plateaus of many cells, some at the border.
        lambda generator: gaussians(generator, heights=(1.0, 4.0), noise=0.01),
        # Fewer cells than the fit has terms.
        lambda generator: gaussians(generator, sigmas=(0.35, 0.7), noise=0.0),
        # Clipped in two places: the heavier one wins.
        two_peaks,
    ],
    ids=["noisy", "clean", "clipped", "narrow", "two peaks"],
)
def test_the_same_landmarks_as_the_runtime(both: Decoder, numbers: str, make: Any) -> None:
    generator = np.random.default_rng(7)
    # Without noise a float map has tails down to 1e-30, whose logarithms float32 and float64 weigh differently.
    allowed = 0.1 if numbers == "float32" else 1e-3
    for _ in range(15):
        found, expected = both(make(generator))
        assert np.abs(found - expected)[:, :2].max() <= allowed
        np.testing.assert_allclose(found[:, 2], expected[:, 2], atol=1e-6)


def test_plateaus_ties_and_silence(both: Decoder) -> None:
    maps = np.zeros((LANDMARK_COUNT, HEIGHT, WIDTH))
    maps[0, 2, 3] = maps[0, 11, 15] = 1.0  # tied cells in two places, the second with more around it
    maps[0, 11, 14] = 0.4
    maps[1, 4, 2:15] = 1.0  # a plateau wider than the reach of a tie
    maps[2] = 0.3  # flat
    maps[3, 0, 0] = 0.8  # a single cell in the corner
    maps[4, 5:7, 5:7] = 0.5  # four tied cells around a corner
    found, expected = both(maps)
    np.testing.assert_allclose(found, expected, atol=1e-3)
    assert found[0, 0] > WIDTH * STRIDE / 2
    np.testing.assert_allclose(found[1, 0], (8 + 0.5) * STRIDE - 0.5, atol=1e-3)
    for silent in (2, 5):
        assert tuple(found[silent]) == ((WIDTH * STRIDE - 1) / 2, (HEIGHT * STRIDE - 1) / 2, 0.0)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("numbers", ["float32"], indirect=True)
def test_a_map_that_is_not_finite_is_silent(both: Decoder, value: float) -> None:
    maps = gaussians(np.random.default_rng(1))
    maps[1, 3, 3] = value
    found, expected = both(maps)
    assert tuple(found[1]) == ((WIDTH * STRIDE - 1) / 2, (HEIGHT * STRIDE - 1) / 2, 0.0)
    others = np.arange(LANDMARK_COUNT) != 1
    np.testing.assert_allclose(found[others], expected[others], atol=1e-3)


def test_only_tflites_own_operators_whose_shapes_are_known() -> None:
    spec = TensorSpec("heatmap_1", "int8", (1, HEIGHT, WIDTH, LANDMARK_COUNT + 1), "NHWC", 1 / 255, -128)
    graph = decoder_tflite(spec, STRIDE)
    kinds = {op.kind for op in graph.operators}
    assert not kinds & {"CUSTOM", "WHILE", "IF", "SHAPE"}
    assert graph.spec(graph.outputs[0]).shape == (LANDMARK_COUNT, 3)


def test_cells_must_divide_the_input() -> None:
    image = TensorSpec("image", "uint8", (1, 64, 48, 3), "NHWC")
    assert stride_of(image, TensorSpec("heatmap_1", "float32", (1, 16, 12, 3), "NHWC")) == 4
    assert stride_of(image, TensorSpec("heatmap_1", "float32", (1, 3, 16, 12), "NCHW")) == 4
    with pytest.raises(ConversionError, match="12 × 12 cells do not divide"):
        stride_of(image, TensorSpec("heatmap_1", "float32", (1, 12, 12, 3), "NHWC"))
