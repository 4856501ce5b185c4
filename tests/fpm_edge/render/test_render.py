"""The garment renderer: repeatable, labelled correctly, and honest about what is covered."""

from __future__ import annotations

import hashlib
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from fpm_edge.render import CATEGORIES, RenderedGarment, render_garment
from fpm_edge.render._canvas import Camera, Canvas, Flat
from fpm_edge.render._truth import Truth

LABELLED = {
    "blouse": {*range(0, 7), *range(9, 15)},
    "outwear": {0, 1, *range(3, 15)},
    "dress": {*range(0, 13), 17, 18},
    "skirt": {15, 16, 17, 18},
    "trousers": {15, 16, 19, 20, 21, 22, 23},
}
# Pairs (viewer's left, viewer's right). Cuffs are left out: arms may cross.
PAIRS = ((0, 1), (3, 4), (5, 6), (7, 8), (13, 14), (15, 16), (17, 18))


@pytest.fixture(scope="module")
def collection() -> dict[str, list[RenderedGarment]]:
    return {name: [render_garment(5, index, category=name) for index in range(28)] for name in CATEGORIES}


def digest(garment: RenderedGarment) -> str:
    parts = (garment.image.tobytes(), garment.landmarks.tobytes(), garment.visibility.tobytes())
    return hashlib.sha256(b"".join(parts)).hexdigest()


def test_same_arguments_same_bytes() -> None:
    first = [digest(render_garment(3, index)) for index in range(6)]
    backwards = [digest(render_garment(3, index)) for index in reversed(range(6))]
    assert first == backwards[::-1]
    assert len(set(first)) == 6
    assert digest(render_garment(4, 0)) != first[0]


def test_same_bytes_in_another_process() -> None:
    program = (
        "import hashlib; from fpm_edge.render import render_garment;"
        "g = render_garment(3, 5, category='dress');"
        "parts = g.image.tobytes() + g.landmarks.tobytes() + g.visibility.tobytes();"
        "print(hashlib.sha256(parts).hexdigest())"
    )
    # The other process draws this picture first, this one after others: no cache may matter.
    render_garment(8, 1)
    output = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert output.strip() == digest(render_garment(3, 5, category="dress"))


def test_shapes_and_types(collection: dict[str, list[RenderedGarment]]) -> None:
    for name, garments in collection.items():
        for garment in garments:
            assert garment.category == name
            assert garment.image.shape == (256, 256, 3)
            assert garment.image.dtype == np.uint8
            assert garment.landmarks.shape == (24, 2)
            assert garment.landmarks.dtype == np.float32
            assert garment.visibility.shape == (24,)
            assert garment.visibility.dtype == np.int8


@pytest.mark.parametrize("size", [32, 100, 384])
def test_any_size(size: int) -> None:
    garment = render_garment(2, 9, size=size)
    assert garment.image.shape == (size, size, 3)
    assert garment.landmarks.max() <= size - 1


def test_a_category_labels_its_own_landmarks(collection: dict[str, list[RenderedGarment]]) -> None:
    for name, garments in collection.items():
        labelled = {int(i) for garment in garments for i in np.flatnonzero(garment.visibility >= 0)}
        assert labelled == LABELLED[name]


def test_labelled_means_inside_the_frame(collection: dict[str, list[RenderedGarment]]) -> None:
    for garments in collection.values():
        for garment in garments:
            labelled = garment.visibility >= 0
            assert ((garment.landmarks[labelled] >= 0) & (garment.landmarks[labelled] <= 255)).all()
            assert (garment.landmarks[~labelled] == -1).all()


def test_left_is_the_viewers_left(collection: dict[str, list[RenderedGarment]]) -> None:
    ordered = [
        garment.landmarks[left, 0] < garment.landmarks[right, 0]
        for garments in collection.values()
        for garment in garments
        for left, right in PAIRS
        if garment.visibility[left] >= 0 and garment.visibility[right] >= 0
    ]
    assert len(ordered) > 300
    assert np.mean(ordered) > 0.98


def test_trousers_have_their_crotch_between_waist_and_bottoms(
    collection: dict[str, list[RenderedGarment]],
) -> None:
    whole = [garment for garment in collection["trousers"] if (garment.visibility[[15, 16, *range(19, 24)]] >= 0).all()]
    assert len(whole) > 10
    plausible = []
    for garment in whole:
        y = garment.landmarks[:, 1]
        plausible.append(max(y[15], y[16]) < y[19] < y[20:24].mean())
        for inner, outer in ((20, 21), (22, 23)):
            middle = garment.landmarks[[15, 16], 0].mean()
            plausible.append(abs(garment.landmarks[inner, 0] - middle) < abs(garment.landmarks[outer, 0] - middle))
    assert np.mean(plausible) > 0.9


def test_some_landmarks_are_covered_most_are_not(collection: dict[str, list[RenderedGarment]]) -> None:
    for garments in collection.values():
        visibility = np.concatenate([garment.visibility for garment in garments])
        covered = np.sum(visibility == 0) / np.sum(visibility >= 0)
        assert 0.02 < covered < 0.45


def test_every_number_gives_a_picture_and_all_categories_occur() -> None:
    assert {render_garment(1, index, size=32).category for index in range(200)} == set(CATEGORIES)


def test_pictures_are_pictures(collection: dict[str, list[RenderedGarment]]) -> None:
    contrasts = [float(garment.image.std()) for garments in collection.values() for garment in garments]
    assert np.median(contrasts) > 25
    assert min(contrasts) > 4


def canvas() -> Canvas:
    return Canvas(Image.new("RGB", (64, 64), (9, 9, 9)), Camera(np.eye(2), np.zeros(2), 1.0))


SQUARE = np.array([[16.0, 16.0], [48.0, 16.0], [48.0, 48.0], [16.0, 48.0]])


def test_a_landmark_is_seen_until_something_covers_it() -> None:
    scene = canvas()
    truth = Truth(scene)
    garment = {scene.fill(SQUARE, Flat((200, 0, 0)))}
    for index, corner in enumerate(SQUARE):
        truth.mark(index, corner, garment)
    scene.fill(SQUARE + 30.0, Flat((0, 200, 0)))
    beside = np.array([[2.0, 2.0], [12.0, 2.0], [12.0, 30.0], [2.0, 30.0]])
    scene.fill(beside, Flat((0, 0, 200)))
    landmarks, visibility = truth.judge(64)
    assert visibility[:4].tolist() == [1, 1, 0, 1]
    np.testing.assert_allclose(landmarks[:4], SQUARE)
    assert (visibility[4:] == -1).all()


def test_parts_of_the_same_garment_do_not_hide_it() -> None:
    scene = canvas()
    truth = Truth(scene)
    garment = {scene.fill(SQUARE, Flat((200, 0, 0)))}
    truth.mark(0, SQUARE[0], garment)
    garment.add(scene.fill(SQUARE - 4.0, Flat((150, 0, 0))))
    assert truth.judge(64)[1][0] == 1


def test_a_landmark_is_the_corner_of_what_is_drawn() -> None:
    scene = canvas()
    scene.fill(SQUARE, Flat((200, 0, 0)))
    red = np.asarray(scene.image)[:, :, 0].astype(float)
    assert red[20, 20] == 200
    assert red[20, 14] == red[14, 20] == red[50, 30] == 9
    # Antialiased edges: half the contrast is reached within half a pixel of the outline.
    edge = np.interp(104.5, red[30, 12:24], np.arange(12, 24))
    assert abs(edge - 16) <= 0.75


def test_the_garment_is_where_its_landmarks_are(collection: dict[str, list[RenderedGarment]]) -> None:
    """Between waistband and crotch, and between crotch and bottoms, pictures of trousers show one cloth."""
    likeness = []
    for garment in collection["trousers"]:
        if (garment.visibility[[19, 20, 21]] != 1).any():
            continue
        inner, outer, crotch = garment.landmarks[[20, 21, 19]]
        inside = (inner + outer) / 2 * 0.75 + crotch * 0.25
        outside = outer + (outer - inner)
        if not (0 <= outside[0] < 255):
            continue
        picture = garment.image.astype(float)
        above = picture[tuple(((inner + outer) / 2 * 0.85 + crotch * 0.15).round().astype(int)[::-1])]
        here = picture[tuple(inside.round().astype(int)[::-1])]
        away = picture[tuple(outside.round().astype(int)[::-1])]
        likeness.append(np.abs(here - above).sum() < np.abs(here - away).sum())
    assert len(likeness) > 8
    assert np.mean(likeness) > 0.6


def test_what_is_wrong_is_named() -> None:
    with pytest.raises(ValueError, match="unknown category 'hat': expected one of blouse"):
        render_garment(0, 0, category="hat")
    with pytest.raises(ValueError, match="size is 8 pixels"):
        render_garment(0, 0, size=8)
    with pytest.raises(ValueError, match="index is -1"):
        render_garment(0, -1)
