"""The map between picture, input and heatmap cells."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fpm_edge_runtime.errors import DataError
from fpm_edge_runtime.pixels.geometry import Letterbox, cells_to_input, input_to_cells

sizes = st.tuples(st.integers(1, 3000), st.integers(1, 3000))
inputs = st.tuples(st.sampled_from([64, 192, 256, 512]), st.sampled_from([64, 192, 256, 512]))
strides = st.sampled_from([1, 2, 4, 8, 16])
unit = st.floats(0, 1)


def test_cells_lie_at_half_pixel_centres() -> None:
    cells = np.array([[0, 0], [1, 63], [0.5, 10]], np.float32)
    np.testing.assert_array_equal(cells_to_input(cells, 8), [[3.5, 3.5], [11.5, 507.5], [7.5, 83.5]])
    np.testing.assert_array_equal(cells_to_input(cells, 1), cells)


def test_the_edge_of_the_input_is_half_a_cell_outside_the_first_centre() -> None:
    np.testing.assert_array_equal(input_to_cells(np.array([-0.5, 511.5], np.float32), 8), [-0.5, 63.5])


@settings(deadline=None)
@given(st.tuples(st.floats(-1, 64), st.floats(-1, 64)), strides)
def test_cells_and_input_are_inverse(place: tuple[float, float], stride: int) -> None:
    cells = np.array(place, np.float32)
    there = cells_to_input(cells, stride)
    np.testing.assert_allclose(input_to_cells(there, stride), cells, atol=1e-5)
    assert there.dtype == np.float32


@settings(deadline=None)
@given(sizes, inputs, st.tuples(unit, unit))
def test_picture_and_input_are_inverse(
    picture: tuple[int, int], size: tuple[int, int], place: tuple[float, float]
) -> None:
    fit = Letterbox.fit(picture, size)
    points = (np.array(place) * picture - 0.5).astype(np.float32)
    there = fit.to_input(points)
    back = fit.to_picture(there)
    # float32 input coordinates resolve 2⁻¹⁵ pixels up to 512.
    step = 2.0**-14 / min(fit.scale_x, fit.scale_y) + 1e-3
    np.testing.assert_allclose(back, points, atol=step)
    assert back.dtype == there.dtype == np.float32


@settings(deadline=None)
@given(sizes, inputs)
def test_the_region_fills_the_input_in_one_direction_and_is_centred(
    picture: tuple[int, int], size: tuple[int, int]
) -> None:
    fit = Letterbox.fit(picture, size)
    assert fit.width == size[0] or fit.height == size[1]
    assert 0 <= size[0] - fit.width - 2 * fit.left <= 1
    assert 0 <= size[1] - fit.height - 2 * fit.top <= 1
    corners = np.array([[-0.5, -0.5], [picture[0] - 0.5, picture[1] - 0.5]], np.float32)
    expected = np.array([[fit.left, fit.top], [fit.left + fit.width, fit.top + fit.height]]) - 0.5
    np.testing.assert_allclose(fit.to_input(corners), expected, atol=1e-3)
    # The aspect ratio is kept up to the rounding to whole pixels.
    exact = min(size[0] / picture[0], size[1] / picture[1])
    assert abs(fit.width - max(1, picture[0] * exact)) <= 0.5 + 1e-9
    assert abs(fit.height - max(1, picture[1] * exact)) <= 0.5 + 1e-9


def test_a_picture_of_the_inputs_size_stays_where_it_is() -> None:
    fit = Letterbox.fit((256, 192), (256, 192))
    points = np.array([[0, 0], [13.25, 190]], np.float32)
    np.testing.assert_array_equal(fit.to_input(points), points)
    np.testing.assert_array_equal(fit.to_picture(points), points)


def test_halving_by_hand() -> None:
    fit = Letterbox.fit((200, 100), (100, 100))
    assert (fit.width, fit.height, fit.left, fit.top) == (100, 50, 0, 25)
    # Pixels 0 and 1 share input pixel 0, so pixel 0 lies a quarter before its centre.
    np.testing.assert_array_equal(fit.to_input(np.array([0, 0], np.float32)), [-0.25, 24.75])
    np.testing.assert_array_equal(fit.to_input(np.array([0.5, 0.5], np.float32)), [0, 25])


def test_a_box_maps_its_own_corners_to_the_input() -> None:
    fit = Letterbox.fit((400, 300), (64, 64), (100, 50, 228, 178))
    np.testing.assert_allclose(
        fit.to_input(np.array([[99.5, 49.5], [227.5, 177.5]], np.float32)), [[-0.5] * 2, [63.5] * 2]
    )


def test_a_box_is_clipped_to_the_picture() -> None:
    assert Letterbox.fit((400, 300), (64, 64), (-50, -1, 100, 900)).box == (0, 0, 100, 300)


@pytest.mark.parametrize("box", [(500, 10, 600, 20), (10, 10, 10.5, 50), (50, 50, 20, 20), (-20, 0, -10, 10)])
def test_a_box_without_a_pixel_is_refused(box: tuple[float, float, float, float]) -> None:
    with pytest.raises(DataError, match="covers no pixel of a 400 × 300 picture"):
        Letterbox.fit((400, 300), (64, 64), box)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_box_that_is_not_finite_is_refused(bad: float) -> None:
    with pytest.raises(DataError, match="not finite"):
        Letterbox.fit((400, 300), (64, 64), (0, 0, bad, 10))
