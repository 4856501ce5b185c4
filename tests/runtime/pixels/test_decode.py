"""Heatmaps → landmarks: on Gaussians whose true place is known, and on maps that tie, saturate or say nothing."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from fpm_edge_runtime.errors import DataError, UsageError
from fpm_edge_runtime.pixels.decode import read_heatmaps
from fpm_edge_runtime.pixels.decode_maps import decode_batch, decode_heatmaps

CODES: dict[str, Any] = {"scale": 1 / 255, "zero_point": -128}
FINE: dict[str, Any] = {"scale": 1 / 32767, "zero_point": 0}
HEIGHT, WIDTH = 24, 32


def gaussian(x: float, y: float, sigma: float = 1.2, height: float = 0.9) -> NDArray[np.float32]:
    """(HEIGHT, WIDTH) clipped to 0..1."""
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    value = height * np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * sigma**2))
    return np.clip(value, 0, 1).astype(np.float32)


def stack(*maps: NDArray[Any]) -> NDArray[Any]:
    """(len(maps) + 1, HEIGHT, WIDTH): the maps, and a background that would win every maximum."""
    background = np.full_like(maps[0], {np.int8: 127, np.int16: 32767}.get(maps[0].dtype.type, 1.0))
    return np.stack([*maps, background])


def codes(maps: NDArray[np.float32]) -> NDArray[np.int8]:
    return np.clip(np.rint(maps * 255) - 128, -128, 127).astype(np.int8)


def fine_codes(maps: NDArray[np.float32]) -> NDArray[np.int16]:
    return np.rint(maps * 32767).astype(np.int16)


def decode_one(one: NDArray[Any], **quantization: Any) -> tuple[NDArray[np.float32], float]:
    cells, scores = decode_heatmaps(stack(one), layout="NCHW", landmarks=1, **quantization)
    return cells[0], float(scores[0])


places = st.tuples(st.floats(-0.5, WIDTH - 0.5), st.floats(-0.5, HEIGHT - 0.5))


@settings(deadline=None)
@given(places, st.floats(1.0, 1.5), st.floats(0.3, 1.0))
def test_finds_a_gaussian_between_the_cells(place: tuple[float, float], sigma: float, height: float) -> None:
    one = gaussian(*place, sigma, height)
    cells, score = decode_one(one)
    assert np.hypot(*(cells - place)) < 0.02
    assert score == one.max()
    cells, score = decode_one(codes(one), **CODES)
    # Outside the border cells' centres only one side of the peak is in the map.
    assert np.hypot(*(cells - place)) < 0.15
    assert score == pytest.approx(one.max(), abs=0.51 / 255)
    cells, score = decode_one(fine_codes(one), **FINE)
    assert np.hypot(*(cells - place)) < 0.02
    assert score == pytest.approx(one.max(), abs=0.51 / 32767)


@settings(deadline=None)
@given(places, st.floats(1.1, 3.0))
def test_finds_the_middle_of_a_clipped_plateau(place: tuple[float, float], height: float) -> None:
    x, y = (min(max(v, 3.0), limit - 4.0) for v, limit in zip(place, (WIDTH, HEIGHT), strict=True))
    plateau = gaussian(x, y, 1.5, height)
    for one, quantization in ((plateau, {}), (codes(plateau), CODES), (fine_codes(plateau), FINE)):
        cells, score = decode_one(one, **quantization)
        assert np.hypot(*(cells - (x, y))) < 0.15
        assert score == pytest.approx(gaussian(x, y, 1.5, height).max(), abs=0.51 / 255)


@settings(deadline=None)
@given(st.lists(places, min_size=3, max_size=3), st.integers(0, 2**32 - 1))
def test_layouts_agree_and_codes_agree_with_values(centres: list[tuple[float, float]], seed: int) -> None:
    noise = np.random.default_rng(seed).normal(0, 0.01, (4, HEIGHT, WIDTH))
    maps = np.clip(stack(*(gaussian(*c, height=0.7) for c in centres)) + noise, 0, 1)
    quantized = codes(maps.astype(np.float32))
    real = ((quantized.astype(np.float64) + 128) / 255).astype(np.float32)
    chw = decode_heatmaps(quantized, layout="NCHW", landmarks=3, **CODES)
    hwc = decode_heatmaps(np.ascontiguousarray(quantized.transpose(1, 2, 0)), layout="NHWC", landmarks=3, **CODES)
    view = decode_heatmaps(quantized.transpose(1, 2, 0), layout="NHWC", landmarks=3, **CODES)
    values = decode_heatmaps(real, layout="NCHW", landmarks=3)
    for other in (hwc, view):
        np.testing.assert_array_equal(chw[0], other[0])
        np.testing.assert_array_equal(chw[1], other[1])
    np.testing.assert_allclose(chw[0], values[0], atol=1e-4)
    np.testing.assert_allclose(chw[1], values[1], atol=1e-6)


def test_a_batch_is_its_pictures_one_by_one() -> None:
    generator = np.random.default_rng(3)
    batch = generator.integers(-128, 127, (5, HEIGHT, WIDTH, 4)).astype(np.int8)
    cells, scores = decode_batch(batch, layout="NHWC", landmarks=3, **CODES)
    assert (cells.shape, scores.shape, cells.dtype, scores.dtype) == ((5, 3, 2), (5, 3), np.float32, np.float32)
    for i in range(5):
        one, score = decode_heatmaps(batch[i], layout="NHWC", landmarks=3, **CODES)
        np.testing.assert_array_equal(cells[i], one)
        np.testing.assert_array_equal(scores[i], score)


def test_an_empty_batch_has_no_landmarks() -> None:
    cells, scores = decode_batch(np.zeros((0, 4, 4, 3), np.int8), layout="NHWC", landmarks=2, **CODES)
    assert (cells.shape, scores.shape) == ((0, 2, 2), (0, 2))


def test_two_tied_neighbours_meet_in_the_middle() -> None:
    one = np.full((HEIGHT, WIDTH), -128, np.int8)
    one[9:12, 9:13] = -60
    one[10, 10:12] = 20
    cells, _ = decode_one(one, **CODES)
    np.testing.assert_allclose(cells, (10.5, 10.0), atol=1e-6)


def test_of_tied_peaks_far_apart_the_one_with_more_around_it_wins() -> None:
    one = np.full((HEIGHT, WIDTH), -128, np.int8)
    one[3, 3] = 90  # a lone spike, first in reading order
    one[13:18, 19:24] = -20
    one[15, 21] = 90
    cells, score = decode_one(one, **CODES)
    np.testing.assert_allclose(cells, (21.0, 15.0), atol=1e-6)
    assert score == pytest.approx(218 / 255)


def test_tied_peaks_with_the_same_surroundings_give_the_first() -> None:
    one = np.full((HEIGHT, WIDTH), -128, np.int8)
    one[4, 5] = one[18, 25] = 50
    cells, _ = decode_one(one, **CODES)
    np.testing.assert_array_equal(cells, (5, 4))


def test_a_plateau_wider_than_the_window_is_one_peak() -> None:
    one = np.full((HEIGHT, WIDTH), -128, np.int8)
    one[6:15, 10:17] = 127
    cells, score = decode_one(one, **CODES)
    np.testing.assert_array_equal(cells, (13, 10))
    assert score == 1.0


@pytest.mark.parametrize("value", [-128, 0, 127])
def test_a_constant_map_says_nothing(value: int) -> None:
    constant = np.full((HEIGHT, WIDTH), value, np.int8)
    peak = codes(gaussian(5, 6))
    cells, scores = decode_heatmaps(stack(constant, peak), layout="NCHW", landmarks=2, **CODES)
    np.testing.assert_array_equal(cells[0], ((WIDTH - 1) / 2, (HEIGHT - 1) / 2))
    assert scores[0] == 0
    np.testing.assert_allclose(cells[1], (5, 6), atol=0.02)
    assert decode_one(np.full((HEIGHT, WIDTH), value / 128, np.float32))[1] == 0


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_is_never_the_peak(bad: float) -> None:
    one = gaussian(12.3, 7.8)
    one[2:4, 2:30] = bad
    one[8, 14] = bad  # beside the peak
    cells, score = decode_one(one)
    assert np.hypot(*(cells - (12.3, 7.8))) < 0.02
    assert score == np.nanmax(np.where(np.isfinite(one), one, np.nan))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_map_without_a_finite_value_says_nothing(bad: float) -> None:
    cells, score = decode_one(np.full((HEIGHT, WIDTH), bad, np.float32))
    np.testing.assert_array_equal(cells, ((WIDTH - 1) / 2, (HEIGHT - 1) / 2))
    assert score == 0
    flat = np.full((HEIGHT, WIDTH), 0.9, np.float32)
    flat[0, 0] = bad
    assert decode_one(flat)[1] == 0


def test_scores_are_clipped_to_0_and_1() -> None:
    high, low = gaussian(5, 5) * 3, gaussian(5, 5) - 2
    _, scores = decode_heatmaps(stack(high, low), layout="NCHW", landmarks=2)
    np.testing.assert_array_equal(scores, (1, 0))


def test_no_answer_leaves_the_map() -> None:
    generator = np.random.default_rng(0)
    for _ in range(20):
        batch = generator.integers(-128, 127, (4, 6, 5, 4)).astype(np.int8)
        cells, _ = decode_batch(batch, layout="NHWC", landmarks=3, scale=0.01, zero_point=-20)
        assert np.isfinite(cells).all()
        assert (cells >= -0.5).all()
        assert (cells <= (4.5, 5.5)).all()


def test_codes_below_the_zero_point_still_have_a_place() -> None:
    one = np.full((HEIGHT, WIDTH), -128, np.int8)
    one[7, 9] = -100
    cells, score = decode_one(one, scale=0.01, zero_point=0)
    np.testing.assert_array_equal(cells, (9, 7))
    assert score == 0


def test_arguments_that_do_not_fit_are_refused() -> None:
    maps = np.zeros((4, 5, 3), np.int8)
    with pytest.raises(UsageError, match="need scale and zero_point"):
        decode_heatmaps(maps, layout="NHWC", landmarks=2)
    with pytest.raises(UsageError, match="leave scale"):
        decode_heatmaps(maps.astype(np.float32), layout="NHWC", landmarks=2, **CODES)
    with pytest.raises(UsageError, match="HWC"):
        decode_heatmaps(maps, layout="HWC", landmarks=2, **CODES)  # type: ignore[arg-type]
    with pytest.raises(DataError, match=r"shape \(4, 5, 3\).*NCHW|CHW with 3"):
        decode_heatmaps(maps, layout="NCHW", landmarks=2, **CODES)
    with pytest.raises(UsageError, match="uint8 heatmaps need scale and zero_point"):
        decode_heatmaps(maps.astype(np.uint8), layout="NHWC", landmarks=2)
    for kind in (np.uint16, np.int32, np.bool_, np.float64):
        with pytest.raises(DataError, match="expected int8, uint8, int16 or float32"):
            decode_heatmaps(maps.astype(kind), layout="NHWC", landmarks=2, **CODES)  # type: ignore[arg-type]
    with pytest.raises(DataError, match="shape"):
        decode_heatmaps(np.zeros((0, 5, 3), np.int8), layout="NHWC", landmarks=2, **CODES)


def some_codes(kind: str, dice: np.random.Generator, shape: tuple[int, int, int]) -> NDArray[np.int8]:
    """(maps, height, width) of one kind."""
    if kind == "noise":
        return dice.integers(-128, 128, shape).astype(np.int8)
    if kind == "ties":
        return dice.integers(-128, -125, shape).astype(np.int8)
    if kind == "saturated":
        return np.where(dice.random(shape) < 0.2, 127, -128).astype(np.int8)
    if kind == "flat":
        return np.full(shape, dice.integers(-128, 128), np.int8)
    rows, columns = np.mgrid[: shape[1], : shape[2]]
    place, size = dice.uniform(-1, shape[1:], (shape[0], 2)), dice.uniform(0.5, 4, shape[0])
    apart = (rows - place[:, :1, np.newaxis]) ** 2 + (columns - place[:, 1:, np.newaxis]) ** 2
    peaks = dice.uniform(0.1, 1.6, shape[0])[:, np.newaxis, np.newaxis] * np.exp(-apart / 2 / size[:, None, None] ** 2)
    return codes(np.clip(peaks + dice.normal(0, 0.01, shape), 0, 1).astype(np.float32))


@settings(deadline=None, max_examples=200)
@given(
    st.sampled_from(["noise", "ties", "saturated", "flat", "peaks"]),
    st.integers(0, 2**32 - 1),
    st.integers(-128, 127),
    st.sampled_from([1 / 255, 1 / 256, 0.045, 1.7]),
    st.sampled_from(["NHWC", "NCHW"]),
)
def test_uint8_codes_read_as_int8_codes_in_every_bit(
    kind: str, seed: int, zero_point: int, scale: float, layout: Any
) -> None:
    dice = np.random.default_rng(seed)
    maps = some_codes(kind, dice, (int(dice.integers(2, 12)), int(dice.integers(1, 26)), int(dice.integers(1, 26))))
    if layout == "NHWC":
        maps = np.ascontiguousarray(maps.transpose(1, 2, 0))
    count = maps.shape[-1 if layout == "NHWC" else 0] - 1
    moved = (maps.astype(np.int16) + 128).astype(np.uint8)
    arguments: dict[str, Any] = {"layout": layout, "landmarks": count, "scale": scale}
    expected = read_heatmaps(maps, zero_point=zero_point, **arguments)
    found = read_heatmaps(moved, zero_point=zero_point + 128, **arguments)
    assert found.cells.tobytes() == expected.cells.tobytes()
    assert found.scores.tobytes() == expected.scores.tobytes()
    assert found.doubts == expected.doubts


# ---- doubts ----


def read_one(one: NDArray[Any], **quantization: Any) -> tuple[float, str | None]:
    """Score and doubt of one map (height, width)."""
    read = read_heatmaps(stack(one), layout="NCHW", landmarks=1, **quantization)
    assert np.isfinite(read.cells).all()
    return float(read.scores[0]), read.doubts.get(0)


def test_a_clear_map_is_not_in_doubt_and_reads_as_it_decodes() -> None:
    maps = stack(gaussian(4.3, 5.1), gaussian(9.0, 2.0))
    for some, quantization in (
        (maps, {}),
        (codes(maps), {"scale": 1 / 255, "zero_point": -128}),
        (fine_codes(maps), FINE),
    ):
        read = read_heatmaps(some, layout="NCHW", landmarks=2, **quantization)
        cells, scores = decode_heatmaps(some, layout="NCHW", landmarks=2, **quantization)
        assert read.doubts == {}
        np.testing.assert_array_equal(read.cells, cells)
        np.testing.assert_array_equal(read.scores, scores)


@pytest.mark.parametrize("value", [0.0, 0.3, 1.0, -2.0])
def test_a_flat_map_is_in_doubt(value: float) -> None:
    assert read_one(np.full((16, 20), value, np.float32)) == (0.0, "flat")


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int16])
def test_flat_codes_are_in_doubt_wherever_they_lie(dtype: Any) -> None:
    limits = np.iinfo(dtype)
    for value in (limits.min, 0, limits.max):
        flat = np.full((16, 20), value, dtype)
        assert read_one(flat, scale=1 / 256, zero_point=limits.min) == (0.0, "flat")


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_one_value_that_is_not_finite_is_enough(bad: float) -> None:
    one = gaussian(4.3, 5.1)
    one[0, 0] = bad
    assert read_one(one) == (0.0, "not finite")
    read = read_heatmaps(stack(one, gaussian(3, 3)), layout="NCHW", landmarks=2)
    assert read.doubts == {0: "not finite"}
    assert read.cells[0].tolist() == [(one.shape[1] - 1) / 2, (one.shape[0] - 1) / 2]
    assert read.scores[1] > 0.8


@pytest.mark.parametrize(("side", "doubt"), [(1, None), (5, None), (6, "saturated"), (12, "saturated")])
def test_a_peak_cut_off_over_more_than_the_fit_sees(side: int, doubt: str | None) -> None:
    real = np.full((16, 20), 0.1, np.float32)
    real[2 : 2 + side, 3 : 3 + side] = 1.7
    assert read_one(real) == (0.0 if doubt else 1.0, doubt)
    eight = np.full((16, 20), -100, np.int8)
    eight[2 : 2 + side, 3 : 3 + side] = 127
    # The scale ends below 1 here: what cuts off is the type.
    score, found = read_one(eight, scale=0.003, zero_point=-128)
    assert found == doubt
    assert score == pytest.approx(0.0 if doubt else 0.765)


def test_a_long_thin_peak_at_the_limit_is_saturated() -> None:
    one = np.zeros((16, 20), np.float32)
    one[4, 3:9] = 1.0
    assert read_one(one) == (0.0, "saturated")


def test_a_broad_low_plateau_is_no_saturation() -> None:
    one = np.zeros((16, 20), np.float32)
    one[3:13, 3:13] = 0.4
    assert read_one(one) == (pytest.approx(0.4), None)
