"""Ideal heatmaps and the loss against the formulas in numpy (paper: eq. 4–5)."""

from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from fpm_edge.train.targets import (
    absent_weights,
    category_weights,
    clipped_distance,
    ideal_heatmaps,
    map_distance,
    map_weights,
)
from fpm_edge_runtime.pixels.decode_maps import decode_heatmaps
from fpm_edge_runtime.pixels.geometry import cells_to_input

MAP_SIZE = (12, 8)
STRIDE = 4


def ideal(landmarks: Any, labelled: Any, sigma: float = 1.25, stride: int = STRIDE) -> Any:
    maps = ideal_heatmaps(
        np.asarray(landmarks, np.float32), np.asarray(labelled, bool), map_size=MAP_SIZE, stride=stride, sigma=sigma
    )
    return maps.numpy()


def random_points(seed: int, pictures: int = 3, landmarks: int = 4) -> Any:
    generator = np.random.default_rng(seed)
    return generator.uniform(-8, 56, (pictures, landmarks, 2)).astype(np.float32)


@pytest.mark.parametrize("sigma", [0.7, 1.25, 2.0])
def test_maps_are_gaussians_and_their_complement(sigma: float) -> None:
    points = random_points(0)
    found = ideal(points, np.ones((3, 4)), sigma)
    assert found.shape == (3, 8, 12, 5)
    assert found.dtype == np.float32
    rows, columns = np.mgrid[0:8, 0:12]
    x = (columns + 0.5) * STRIDE - 0.5
    y = (rows + 0.5) * STRIDE - 0.5
    for picture in range(3):
        expected = [
            np.exp(-((x - px) ** 2 + (y - py) ** 2) / (2 * (sigma * STRIDE) ** 2)) for px, py in points[picture]
        ]
        for landmark in range(4):
            np.testing.assert_allclose(found[picture, ..., landmark], expected[landmark], atol=1e-5)
        np.testing.assert_allclose(found[picture, ..., 4], 1 - np.max(expected, axis=0), atol=1e-5)


@pytest.mark.parametrize("stride", [4, 8])
def test_a_landmark_on_a_cell_peaks_exactly_there(stride: int) -> None:
    cells = np.array([[0, 0], [3, 5], [11, 7], [6, 0]])  # x, y
    points = (cells + 0.5) * stride - 0.5
    maps = ideal(points[None], np.ones((1, 4)), stride=stride)[0]
    for landmark, (x, y) in enumerate(cells):
        assert maps[y, x, landmark] == 1.0
        assert np.count_nonzero(maps[..., landmark] == 1.0) == 1
        assert maps[y, x, 4] == 0.0


def test_decoding_finds_the_landmarks_again() -> None:
    points = np.random.default_rng(1).uniform((8, 8), (38, 22), (4, 2)).astype(np.float32)
    maps = ideal(points[None], np.ones((1, 4)))[0]
    cells, _ = decode_heatmaps(maps, layout="NHWC", landmarks=4)
    np.testing.assert_allclose(cells_to_input(cells, STRIDE), points, atol=0.3)


def test_an_unlabelled_landmark_has_an_empty_map_and_leaves_the_background_alone() -> None:
    points = random_points(2)
    labelled = np.ones((3, 4), bool)
    labelled[1, 2] = False
    maps = ideal(points, labelled)
    assert not maps[1, ..., 2].any()
    assert maps[1, ..., 1].any()
    others = ideal(np.delete(points, 2, axis=1), np.delete(labelled, 2, axis=1))
    np.testing.assert_array_equal(maps[1, ..., 4], others[1, ..., 3])
    assert (ideal(points, np.zeros((3, 4)))[..., 4] == 1.0).all()


def test_weights_follow_visibility() -> None:
    visibility = np.array([[1, 0, -1], [0, 0, 1]], np.int8)
    np.testing.assert_allclose(map_weights(visibility, 0.3), [[1, 0.3, 0, 1], [0.3, 0.3, 1, 1]])
    np.testing.assert_array_equal(map_weights(visibility, 1.0), [[1, 1, 0, 1], [1, 1, 1, 1]])


def test_loss_is_equation_4_of_every_stage() -> None:
    generator = np.random.default_rng(3)
    target = generator.random((2, 8, 12, 4), np.float32)
    stages = [generator.normal(size=target.shape).astype(np.float32) for _ in range(3)]
    visibility = np.array([[1, 0, -1], [1, 1, 0]], np.int8)
    weights = np.array([[1, 0.5, 0, 1], [1, 1, 0.5, 1]])
    for maps in stages:
        found = map_distance(maps, target, map_weights(visibility, 0.5)).numpy()
        # The sum over maps and positions of each picture.
        expected = (weights[:, None, None] * (maps - target) ** 2).sum(axis=(1, 2, 3))
        np.testing.assert_allclose(found, expected, rtol=1e-5)
        assert found.shape == (2,)
    assert (map_distance(target, target, map_weights(visibility, 0.5)).numpy() == 0).all()


def test_the_map_of_an_unlabelled_landmark_does_not_count() -> None:
    target = ideal(random_points(4), np.ones((3, 4)))
    visibility = np.ones((3, 4), np.int8)
    visibility[1, 2] = -1
    weights = map_weights(visibility, 1.0)
    maps = np.zeros_like(target)
    before = map_distance(maps, target, weights).numpy()
    maps[1, ..., 2] = 50.0
    np.testing.assert_array_equal(map_distance(maps, target, weights).numpy(), before)
    maps[0, 0, 0, 2] = 50.0  # the same landmark, labelled, in another picture
    after = map_distance(maps, target, weights).numpy()
    assert after[0] > before[0] + 100
    np.testing.assert_array_equal(after[1:], before[1:])


def test_maps_without_background() -> None:
    points = random_points(5)
    labelled = np.ones((3, 4), bool)
    maps = ideal_heatmaps(points, labelled, map_size=MAP_SIZE, stride=STRIDE, sigma=1.25, background=False).numpy()
    np.testing.assert_array_equal(maps, ideal(points, labelled)[..., :-1])


def test_the_clipped_distance_is_to_the_nearest_maps_that_look_the_same() -> None:
    generator = np.random.default_rng(3)
    maps, other = (generator.uniform(-1.0, 2.0, (2, 5, 6, 3)).astype(np.float32) for _ in range(2))
    weights = np.array([[1, 0, 2], [1, 1, 1]], np.float32)
    clipped = np.clip(other, 0.0, 1.0)
    # The values that clip to the other's: one of them, or a half-line.
    low, high = np.where(clipped == 0.0, -np.inf, clipped), np.where(clipped == 1.0, np.inf, clipped)
    nearest = np.clip(maps, low, high)
    expected = (weights[:, None, None, :] * (maps - nearest) ** 2).sum(axis=(1, 2, 3))
    found = clipped_distance(maps, clipped, weights).numpy()
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    assert (found >= map_distance(np.clip(maps, 0.0, 1.0), clipped, weights).numpy()).all()


def test_the_clipped_distance_has_a_gradient_exactly_where_the_clipped_maps_differ() -> None:
    maps = tf.constant([-0.5, -0.5, 0.5, 1.5, 1.5, 0.5, 0.5])[None, None, :, None]
    clipped = tf.constant([0.0, 0.5, 0.0, 1.0, 0.5, 1.0, 0.5])[None, None, :, None]
    with tf.GradientTape() as tape:
        tape.watch(maps)
        distance = clipped_distance(maps, clipped, tf.ones((1, 1)))
    np.testing.assert_allclose(np.ravel(tape.gradient(distance, maps)), [0.0, -2.0, 1.0, 0.0, 2.0, -1.0, 0.0])


def test_a_category_weighs_its_landmarks_and_the_background() -> None:
    weights = category_weights(np.array([1, 0, 1]), [(0, 2), (3,)], 4).numpy()
    np.testing.assert_array_equal(weights, [[0, 0, 0, 1, 1], [1, 0, 1, 0, 1], [0, 0, 0, 1, 1]])


def test_landmarks_that_the_category_lacks_are_to_be_silent_and_unlabelled_ones_are_free() -> None:
    # Four landmarks; the category has 0 and 2. Landmark 2 is not labelled. The second picture shows no garment.
    visibility = np.array([[1, -1, -1, -1], [-1, -1, -1, -1]], np.int8)
    absent = absent_weights(np.array([0, 2]), [(0, 2), (3,)], 4, 0.25)
    np.testing.assert_array_equal(absent, [[0, 0.25, 0, 0.25], [0.25] * 4])
    weights = map_weights(visibility, 1.0, absent).numpy()
    np.testing.assert_array_equal(weights, [[1, 0.25, 0, 0.25, 1], [0.25, 0.25, 0.25, 0.25, 1]])
