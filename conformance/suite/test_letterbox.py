"""A picture becomes the network's input: the same bytes, and the same way back."""

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from conformance.suite.client import Client
from conformance.suite.compare import close, refused_alike
from conformance.suite.pictures import Files, noise
from conformance.suite.tolerance import FLOAT32, RELATIVE
from fpm_edge_runtime.pixels.geometry import Letterbox
from fpm_edge_runtime.pixels.image import check_image, letterbox

pytestmark = pytest.mark.needs("letterbox")

SMALL, SQUARE, WIDE = (48, 32), (192, 192), (288, 160)
SIZES = [
    *((1, 1), (1, 2), (2, 1), (3, 3), (1, 500), (500, 1), (7, 1000), (47, 31), (48, 32), (49, 33), (37, 31)),
    *((191, 193), (192, 192), (193, 191), (640, 480), (1080, 607), (8000, 10), (10, 8000), (333, 999)),
]
POINTS = [[0.0, 0.0], [47.0, 31.0], [-0.5, 191.5], [12.25, 7.125], [1e3, -1e3]]


def same(client: Client, files: Files, image: NDArray[np.uint8], size: tuple[int, int], box: Any = None) -> Letterbox:
    """Both make the same input, and agree on where the picture lies in it; the reference's answer to that."""
    fit = Letterbox.fit((image.shape[1], image.shape[0]), size, box)
    expected = letterbox(image, fit, size)
    out = files.folder / "out.raw"
    answer = client.ask("letterbox", **files.picture(image), input=size, box=box, points=POINTS, out=out)
    same_fit(fit, answer["fit"])
    found = np.frombuffer(out.read_bytes(), np.uint8)
    assert found.size == expected.size
    apart = np.abs(found.reshape(expected.shape).astype(int) - expected)
    assert not apart.any(), f"{(apart > 0).sum()} values differ, by up to {apart.max()}: {image.shape}, {size}, {box}"
    assert answer["sha256"] == hashlib.sha256(expected.tobytes()).hexdigest()
    points = np.array(POINTS, np.float32)
    close("points in the picture", fit.to_picture(points), answer["to_picture"], FLOAT32, FLOAT32)
    close("points in the input", fit.to_input(points), answer["to_input"], FLOAT32, FLOAT32)
    return fit


def same_fit(expected: Letterbox, answered: dict[str, Any]) -> None:
    for name in ("width", "height", "left", "top"):
        assert answered[name] == getattr(expected, name), name
    close("box", expected.box, answered["box"], relative=RELATIVE)
    scales = [expected.scale_x, expected.scale_y]
    close("scales", scales, [answered["scale_x"], answered["scale_y"]], relative=RELATIVE)


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_pictures_of_every_shape(client: Client, files: Files, size: tuple[int, int]) -> None:
    for target in (SMALL, SQUARE, WIDE):
        same(client, files, noise(*size), target)


@pytest.mark.parametrize("value", [0, 1, 127, 128, 254, 255])
def test_one_colour_stays_that_colour(client: Client, files: Files, value: int) -> None:
    for size in ((90, 70), (5, 3), (1000, 700)):
        same(client, files, np.full((size[1], size[0], 3), value, np.uint8), SMALL)


def test_greys_and_edges(client: Client, files: Files) -> None:
    """What rounds at a half everywhere: ramps of each grey, boards of black and white, single bright pixels."""
    ramp = np.repeat(np.tile(np.arange(256, dtype=np.uint8), (64, 1))[..., np.newaxis], 3, axis=2)
    board = (255 * (np.indices((66, 98)).sum(axis=0) % 2)).astype(np.uint8)[..., np.newaxis].repeat(3, axis=2)
    dots = np.zeros((70, 90, 3), np.uint8)
    dots[::7, ::9] = 255
    for image in (ramp, ramp[:, ::-1].copy(), board, dots, 255 - dots):
        for target in (SMALL, SQUARE):
            same(client, files, image, target)


@pytest.mark.parametrize(
    "box",
    [
        (0, 0, 90, 70),
        (10, 10, 58, 42),
        (10.5, 3.25, 60.75, 69.5),
        (-20, -20, 45, 35),
        (30, 20, 500, 500),
        (0, 0, 1, 1),
        (89, 69, 90, 70),
        (0.5, 0.5, 1.5, 1.5),
        (3, 0, 4, 70),
        (-1e9, -1e9, 1e9, 1e9),
        (33.333333, 11.111111, 77.777777, 55.555555),
    ],
    ids=str,
)
def test_a_box_in_the_picture(client: Client, files: Files, box: tuple[float, ...]) -> None:
    for target in (SMALL, SQUARE):
        same(client, files, noise(90, 70), target, box)


@pytest.mark.parametrize("scale", [2, 8, 21, 22, 23, 30])
def test_edges_in_the_middle_of_pixels(client: Client, files: Files, scale: int) -> None:
    """White, where whatever is added up is largest, and noise."""
    side = 4 * scale
    for image in (np.full((side + 9, side + 9, 3), 255, np.uint8), noise(side + 9, side + 9)):
        for edge in (0.25, 0.5, 1.5, 3.75):
            same(client, files, image, (8, 8), (edge, edge, edge + side, edge + side))
            same(client, files, image, (16, 8), (edge, edge, edge + side, edge + side / 2))


def test_a_picture_of_the_inputs_size_is_not_touched(client: Client, files: Files) -> None:
    image = noise(48, 32)
    fit = same(client, files, image, SMALL)
    assert (fit.width, fit.height, fit.left, fit.top) == (48, 32, 0, 0)
    answer = client.ask("letterbox", **files.picture(image), input=SMALL)
    assert answer["sha256"] == hashlib.sha256(image.tobytes()).hexdigest()


@pytest.mark.parametrize(
    "box",
    [(90, 0, 100, 70), (-10, -10, 0, 0), (10, 10, 10, 40), (40, 10, 10, 40), (10, 10, 10.9, 40), (89.5, 0, 95, 70)],
    ids=str,
)
def test_a_box_that_covers_no_pixel(client: Client, files: Files, box: tuple[float, ...]) -> None:
    image = noise(90, 70)
    found = refused_alike(
        lambda: Letterbox.fit((90, 70), SMALL, tuple(box)),  # type: ignore[arg-type]
        lambda: client.ask("letterbox", **files.picture(image), input=SMALL, box=box),
    )
    assert found == "DataError"


def test_a_picture_without_pixels(client: Client, files: Files) -> None:
    for shape in ((0, 5, 3), (5, 0, 3), (0, 0, 3)):
        image = np.zeros(shape, np.uint8)
        found = refused_alike(
            lambda i=image: check_image(i),
            lambda i=image: client.ask("letterbox", **files.picture(i), input=SMALL),
        )
        assert found == "DataError"


def _by_chance(client: Client, files: Files, count: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    for number in range(count):
        width, height = (int(side) for side in np.round(2 ** rng.uniform(0, 9, 2)))
        image = noise(width, height, number)
        size = (int(rng.integers(1, 30)) * 8, int(rng.integers(1, 30)) * 8)
        box = None
        if rng.random() < 0.6 and min(width, height) > 3:
            x0, x1 = np.sort(rng.uniform(-5, width + 5, 2))
            y0, y1 = np.sort(rng.uniform(-5, height + 5, 2))
            inside = min(x1, width) - max(x0, 0) >= 1 and min(y1, height) - max(y0, 0) >= 1
            box = (float(x0), float(y0), float(x1), float(y1)) if inside else None
        same(client, files, image, size, box)


def test_sizes_and_boxes_by_chance(client: Client, files: Files) -> None:
    _by_chance(client, files, 150, 0)


@pytest.mark.slow
def test_many_sizes_and_boxes_by_chance(client: Client, files: Files) -> None:
    _by_chance(client, files, 3000, 1)


def test_nothing_but_the_named_file_is_written(client: Client, files: Files, tmp_path: Path) -> None:
    image = tmp_path / "a.raw"
    image.write_bytes(noise(9, 9).tobytes())
    client.ask("letterbox", image=image, width=9, height=9, input=SMALL)
    assert list(tmp_path.iterdir()) == [image]
