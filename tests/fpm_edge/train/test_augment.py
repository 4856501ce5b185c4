"""Augmentation: pixels and landmarks move together."""

import math
from typing import Any

import msgspec
import numpy as np
import pytest
import tensorflow as tf

from fpm_edge.train.augment import DRAWS, augment, draw
from fpm_edge.train.settings import Augmentation
from fpm_edge_runtime.errors import UsageError

# Not square, so that a mix-up of the axes shows.
WIDTH, HEIGHT = 96, 72
# The first two swap when mirrored. Each landmark is drawn in a channel of its own.
FLIP = (1, 0, 2)
LANDMARKS = np.array([[30.3, 25.8], [66.1, 30.2], [50.6, 47.9]], np.float32)
VISIBILITY = np.array([1, 0, 1], np.int8)
NONE = Augmentation(0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)


def dots(landmarks: Any = LANDMARKS) -> Any:
    rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH]
    blobs = [np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * 1.5**2)) for x, y in landmarks]
    return np.stack(blobs, axis=-1).astype(np.float32)


def centroids(image: Any) -> Any:
    rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH]
    total = image.sum(axis=(0, 1))
    x = (image * columns[..., None]).sum(axis=(0, 1)) / total
    y = (image * rows[..., None]).sum(axis=(0, 1)) / total
    return np.stack([x, y], axis=-1)


def apply(settings: Augmentation, seed: int, image: Any = None, landmarks: Any = LANDMARKS) -> tuple[Any, Any, Any]:
    pixels = dots(landmarks) if image is None else image
    # Second of a batch of two, so that a mix-up of pictures shows.
    batch = [np.stack([np.zeros_like(value), value]) for value in (pixels, landmarks, VISIBILITY)]
    draws = np.stack([draw(7, 1, seed), draw(7, 0, seed)])
    results = augment(*(tf.constant(value) for value in (*batch, draws)), settings, FLIP)
    image, points, visibility = (result.numpy()[1] for result in results)
    assert (image.shape, points.shape, visibility.dtype) == ((HEIGHT, WIDTH, 3), (3, 2), np.int8)
    return image, points, visibility


def geometry(**changes: float) -> Augmentation:
    plain = {"flip": 0.0, "brightness": 0.0, "contrast": 0.0, "saturation": 0.0, "channel_gain": 0.0}
    return Augmentation(**(plain | changes))  # type: ignore[arg-type]


def test_nothing_is_identity() -> None:
    pixels = np.random.default_rng(0).random((HEIGHT, WIDTH, 3), np.float32)
    for seed in range(3):
        image, landmarks, visibility = apply(NONE, seed, pixels)
        np.testing.assert_allclose(image, pixels, atol=1e-5)
        np.testing.assert_allclose(landmarks, LANDMARKS, atol=1e-4)
        np.testing.assert_array_equal(visibility, VISIBILITY)


@pytest.mark.parametrize(
    "settings",
    [geometry(), geometry(rotation=40.0, scale=0.0, shift=0.0), geometry(rotation=0.0, scale=0.5, shift=0.1)],
    ids=["all", "rotation", "scale and shift"],
)
def test_landmarks_move_with_their_pixels(settings: Augmentation) -> None:
    moved = []
    for seed in range(8):
        image, landmarks, visibility = apply(settings, seed)
        np.testing.assert_allclose(centroids(image), landmarks, atol=0.4)
        np.testing.assert_array_equal(visibility, VISIBILITY)
        moved.append(np.abs(landmarks - LANDMARKS).max())
    assert max(moved) > 5.0


def test_a_mirrored_picture_swaps_left_and_right() -> None:
    for seed in range(8):
        image, landmarks, visibility = apply(geometry(flip=1.0), seed)
        # The dot in channel c was landmark c; its mirror image is the landmark that takes its place.
        np.testing.assert_allclose(centroids(image), landmarks[list(FLIP)], atol=0.4)
        np.testing.assert_array_equal(visibility, VISIBILITY[list(FLIP)])
        assert landmarks[0, 0] < landmarks[1, 0]  # the left one is again on the left


def test_mirroring_alone_is_exact() -> None:
    pixels = np.random.default_rng(1).random((HEIGHT, WIDTH, 3), np.float32)
    image, landmarks, _ = apply(msgspec.structs.replace(NONE, flip=1.0), 0, pixels)
    np.testing.assert_allclose(image, pixels[:, ::-1], atol=1e-4)
    mirrored = np.stack([WIDTH - 1 - LANDMARKS[:, 0], LANDMARKS[:, 1]], axis=-1)
    np.testing.assert_allclose(landmarks, mirrored[list(FLIP)], atol=1e-3)


def test_half_the_pictures_are_mirrored() -> None:
    pixels = np.zeros((HEIGHT, WIDTH, 3), np.float32)
    settings = msgspec.structs.replace(NONE, flip=0.5)
    mirrored = [abs(apply(settings, seed, pixels)[1][2, 0] - LANDMARKS[2, 0]) > 1.0 for seed in range(200)]
    assert 75 <= sum(mirrored) <= 125


def test_a_landmark_that_leaves_the_frame_is_not_labelled() -> None:
    corner = np.array([[2.0, 2.0], [93.0, 69.0], [48.0, 36.0]], np.float32)
    left = 0
    for seed in range(20):
        _, landmarks, visibility = apply(geometry(), seed, landmarks=corner)
        inside = ((landmarks >= -0.5) & (landmarks <= np.array([WIDTH, HEIGHT]) - 0.5)).all(axis=-1)
        np.testing.assert_array_equal(visibility, np.where(inside, VISIBILITY, -1))
        left += int((~inside).sum())
    assert left > 0


def test_draws_are_a_function_of_seed_epoch_and_position() -> None:
    first = draw(3, 4, 5)
    assert (first.shape, first.dtype) == ((DRAWS,), np.float32)
    np.testing.assert_array_equal(first, draw(3, 4, 5))
    many = np.stack([draw(*key) for key in ((3, 4, 5), (4, 4, 5), (3, 5, 5), (3, 4, 6), (2**31 - 1, 4, 5))])
    assert len(np.unique(many[:, 0])) == len(many)
    assert -1.0 <= many.min() < -0.5
    assert 0.5 < many.max() < 1.0


def test_the_same_seed_gives_the_same_sample() -> None:
    pixels = np.random.default_rng(2).random((HEIGHT, WIDTH, 3), np.float32)
    first = apply(Augmentation(), 5, pixels)
    tf.random.uniform((3,))  # whatever ran in between
    for a, b in zip(first, apply(Augmentation(), 5, pixels), strict=True):
        np.testing.assert_array_equal(a, b)
    assert not np.array_equal(first[0], apply(Augmentation(), 6, pixels)[0])
    assert not np.array_equal(first[1], apply(Augmentation(), 6, pixels)[1])


def test_colour_moves_no_landmark_and_stays_in_range() -> None:
    pixels = np.random.default_rng(3).random((HEIGHT, WIDTH, 3), np.float32)
    settings = msgspec.structs.replace(NONE, brightness=0.4, contrast=0.5, saturation=0.8, channel_gain=0.3)
    for seed in range(4):
        image, landmarks, _ = apply(settings, seed, pixels)
        assert np.abs(image - pixels).max() > 0.05
        assert 0.0 <= image.min() <= image.max() <= 1.0
        np.testing.assert_allclose(landmarks, LANDMARKS, atol=1e-4)


def test_perspective_and_any_angle_move_landmarks_with_their_pixels() -> None:
    moved, angles = [], []
    for seed in range(12):
        settings = geometry(rotation=5.0, scale=0.1, shift=0.05, turn=1.0, perspective=0.2)
        image, landmarks, visibility = apply(settings, seed)
        inside = visibility >= 0
        # A dot that the perspective stretches has its centroid a little beside the middle.
        np.testing.assert_allclose(centroids(image)[inside], landmarks[inside], atol=0.7)
        moved.append(np.abs(landmarks - LANDMARKS).max())
        across = landmarks[1] - landmarks[0]
        angles.append(np.degrees(np.arctan2(across[1], across[0])))
    assert max(moved) > 20.0
    assert max(np.abs(angles)) > 100.0


def test_only_so_many_pictures_are_turned() -> None:
    settings = geometry(rotation=0.0, scale=0.0, shift=0.0, turn=0.25)
    still = sum(np.abs(apply(settings, seed)[1] - LANDMARKS).max() < 1e-3 for seed in range(60))
    assert 35 <= still <= 55


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"flip": 1.5}, "flip is 1.5; expected a share from 0 to 1"),
        ({"turn": -0.1}, "turn is -0.1; expected a share from 0 to 1"),
        ({"perspective": 0.5}, "perspective is 0.5; expected 0 or more, below 0.5"),
        ({"scale": math.nan}, "scale is nan; expected zero or a positive number"),
    ],
)
def test_changes_that_make_no_sense(changes: dict[str, float], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        Augmentation(**changes)
