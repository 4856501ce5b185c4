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
    image[5, 5:7, 1] = 30, 31
    assert not is_blank(image)
