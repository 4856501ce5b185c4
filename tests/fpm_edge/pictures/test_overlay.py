"""Landmarks on pictures: they are where they should be, and nowhere else."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from fpm_edge.pictures.overlay import contact_sheet, draw_landmarks
from fpm_edge_runtime.bundle.schema import LandmarkSchema
from fpm_edge_runtime.bundle.schema_file import load_schema
from fpm_edge_runtime.errors import DataError, UsageError

SCHEMA = LandmarkSchema(
    name="toy",
    landmarks=("left_end", "right_end", "middle"),
    flip=(1, 0, 2),
    categories={"all": (0, 1, 2)},
    groups={"ends": (0, 1), "middle": (2,)},
)
GREY = np.full((200, 300, 3), 128, np.uint8)
POINTS = np.array([[50, 60], [250, 60], [150, 150]], np.float32)


def drawn(**options: Any) -> NDArray[np.int64]:
    """(height, width) how much each pixel changed."""
    image = draw_landmarks(GREY, POINTS, schema=SCHEMA, **{"labels": False, **options})
    return np.abs(np.asarray(image, np.int64) - GREY).max(axis=2)


def near(changed: NDArray[np.int64], point: NDArray[Any], reach: int = 8) -> NDArray[np.int64]:
    x, y = (round(float(v)) for v in point)
    return changed[max(0, y - reach) : y + reach + 1, max(0, x - reach) : x + reach + 1]


def test_dots_are_drawn_at_the_landmarks_and_only_there() -> None:
    changed = drawn()
    for x, y in POINTS.astype(int):
        assert changed[y, x] > 50
        near(changed, np.array([x, y]))[:] = 0
    assert changed.max() == 0
    assert GREY.min() == GREY.max() == 128  # the picture itself is not touched


def test_dots_are_centred_on_the_pixel() -> None:
    window = near(drawn(), POINTS[0])
    offsets = np.arange(-8, 9)
    assert abs((window.sum(axis=0) @ offsets) / window.sum()) < 0.15
    assert abs((window.sum(axis=1) @ offsets) / window.sum()) < 0.15


def test_groups_share_a_colour() -> None:
    image = np.asarray(draw_landmarks(GREY, POINTS, schema=SCHEMA, labels=False))
    left, right, middle = (image[y, x] for x, y in POINTS.astype(int))
    np.testing.assert_array_equal(left, right)
    assert np.abs(left.astype(int) - middle).max() > 60


def test_hidden_landmarks_are_not_drawn() -> None:
    changed = drawn(keep=np.array([True, False, True]), labels=True)
    assert near(changed, POINTS[1]).max() == 0
    assert near(changed, POINTS[0]).max() > 50


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_landmarks_that_are_not_finite_are_not_drawn(bad: float) -> None:
    points = POINTS.copy()
    points[1, 0] = bad
    image = draw_landmarks(GREY, points, schema=SCHEMA, reference=points, labels=True)
    changed = np.abs(np.asarray(image, int) - 128).max(axis=2)
    assert near(changed, POINTS[1]).max() == 0
    assert near(changed, POINTS[0]).max() > 50


def test_unsure_landmarks_are_hollow() -> None:
    changed = drawn(scores=np.array([0.9, 0.05, np.nan], np.float32))
    centres = [changed[y, x] for x, y in POINTS.astype(int)]
    assert centres[0] > 50
    assert centres[1] == centres[2] == 0
    assert near(changed, POINTS[1]).max() > 50


def test_labels_are_written_outside_the_dots_and_inside_the_picture() -> None:
    corners = np.array([[0, 0], [299, 0], [299, 199]], np.float32)
    plain = np.asarray(draw_landmarks(GREY, corners, schema=SCHEMA, labels=False), int)
    labelled = np.asarray(draw_landmarks(GREY, corners, schema=SCHEMA), int)
    written = np.abs(labelled - plain).max(axis=2)
    assert (written > 0).sum() > 200
    for corner in corners:
        assert near(written, corner, 2).max() == 0
    # No name is cut off: its dark edge never reaches the border rows by more than the letters' own outline.
    assert (written[:, 0] > 0).sum() + (written[:, -1] > 0).sum() < 20


def test_the_reference_is_a_ring_joined_to_the_dot() -> None:
    reference = POINTS + np.array([0, -40], np.float32)
    extra = np.abs(drawn(reference=reference) - drawn())
    for (x, y), dot in zip(reference.astype(int), POINTS, strict=True):
        assert extra[y, x] == 0  # hollow
        assert near(extra, np.array([x, y])).max() > 100
        assert extra[y + 20, x] > 100  # on the line
        assert near(extra, dot, 2).max() == 0  # the dot stays on top
    assert (extra[:, 100] == 0).any()


def test_landmarks_outside_the_picture_do_no_harm() -> None:
    points = np.array([[-1, 60], [5000, -5000], [300, 199.5]], np.float32)
    image = draw_landmarks(GREY, points, schema=SCHEMA, reference=points + 30)
    assert image.size == (300, 200)


@pytest.mark.parametrize("size", [(20, 10), (1, 1), (1600, 900)])
def test_dots_grow_with_the_picture(size: tuple[int, int]) -> None:
    picture = np.zeros((size[1], size[0], 3), np.uint8)
    points = np.full((3, 2), -100, np.float32)
    points[0] = (size[0] // 2, size[1] // 2)
    image = np.asarray(draw_landmarks(picture, points, schema=SCHEMA, labels=False))
    diameter = (image[size[1] // 2] > 100).any(axis=1).sum()
    assert diameter >= min(size[0], 5, size[0] / 120)


def test_every_shipped_schema_can_be_drawn() -> None:
    for name in ("fashionai24", "deepfashion8", "lsp14"):
        schema = load_schema(name)
        points = np.random.default_rng(0).uniform(0, 200, (len(schema.landmarks), 2)).astype(np.float32)
        image = np.asarray(draw_landmarks(GREY, points, schema=schema, reference=points + 3))
        assert (image != 128).any()


def test_arrays_that_do_not_fit_are_named() -> None:
    with pytest.raises(DataError, match=r"landmarks has shape \(2, 2\); expected \(3, 2\)"):
        draw_landmarks(GREY, POINTS[:2], schema=SCHEMA)
    with pytest.raises(DataError, match="scores"):
        draw_landmarks(GREY, POINTS, schema=SCHEMA, scores=np.ones(2, np.float32))
    with pytest.raises(DataError, match="keep"):
        draw_landmarks(GREY, POINTS, schema=SCHEMA, keep=np.ones(2, np.bool_))
    with pytest.raises(DataError, match="reference"):
        draw_landmarks(GREY, POINTS, schema=SCHEMA, reference=POINTS[:1])
    with pytest.raises(DataError, match="float"):
        draw_landmarks(GREY.astype(np.float32), POINTS, schema=SCHEMA)  # type: ignore[arg-type]


def test_a_contact_sheet_shows_every_picture_in_order() -> None:
    colours = [(255, 0, 0), (0, 255, 0), (0, 0, 255)]
    images = [Image.new("RGB", size, c) for size, c in zip([(40, 20), (10, 10), (20, 40)], colours, strict=True)]
    sheet = contact_sheet(images, 2, cell=100, gap=10)
    assert sheet.size == (230, 10 + 100 + 10 + 100 + 10)
    assert [sheet.getpixel(at) for at in ((60, 60), (170, 60), (60, 170))] == colours
    titled = contact_sheet(images, 5, titles=["one", "two", "a title much too long for a cell"], cell=100, gap=10)
    assert titled.width == 340
    assert titled.height > 120


def test_a_contact_sheet_of_nothing_is_refused() -> None:
    with pytest.raises(UsageError, match="0 images"):
        contact_sheet([], 2)
    with pytest.raises(UsageError, match="2 titles for 1"):
        contact_sheet([Image.new("RGB", (5, 5))], 2, titles=["a", "b"])
