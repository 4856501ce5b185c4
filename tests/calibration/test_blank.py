"""A picture of one colour is known as such, with or without a letterbox around it."""

import numpy as np
import pytest

from fpm_edge_calibration import is_blank


@pytest.mark.parametrize("colour", [(0, 0, 0), (255, 255, 255), (10, 20, 0)])
def test_one_colour(colour: tuple[int, int, int]) -> None:
    image = np.full((8, 8, 3), colour, np.uint8)
    assert is_blank(image)
    image[:, :3] = 0
    assert is_blank(image)
    image[5, 5:7, 1] = 130, 31
    assert not is_blank(image)


def test_nearly_one_colour() -> None:
    dice = np.random.default_rng(0)
    wall = dice.integers(100, 107, (64, 64, 3), np.uint8)
    wall[:2, :16] = 0, 255, 0  # a date in the corner, below a hundredth
    assert is_blank(wall)
    wall[20:40, 20:40] = 120  # a garment of nearly the same colour
    assert not is_blank(wall)
