"""What is known without a float model: movement between stages, and the mirror image."""

import msgspec
import numpy as np
import pytest

from fpm_edge_runtime import Bundle, open_bundle
from fpm_edge_runtime.drift.proxies import flip_consistency, stage_movement
from fpm_edge_runtime.stages.pack import bundle_bytes


def spots() -> np.ndarray:
    """A red, a green and a blue spot on black, 96 × 64 pixels."""
    rows, columns = np.mgrid[:64, :96]
    image = np.zeros((64, 96, 3), np.uint8)
    for channel, (x, y) in enumerate([(20, 20), (60, 30), (70, 50)]):
        image[..., channel] = np.round(255 * np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / 200))
    return image


def test_a_network_that_finds_colours_finds_them_in_the_mirror(colour_bundle: Bundle) -> None:
    assert flip_consistency(colour_bundle.session("onnxruntime"), spots()) < 0.005


def test_one_that_prefers_a_side_is_inconsistent(tiny: Bundle) -> None:
    session = tiny.session(threads=1)
    picture = np.random.default_rng(0).integers(0, 256, (70, 90, 3), np.uint8)
    straight = session.detect(picture)
    mirrored = session.detect(np.ascontiguousarray(picture[:, ::-1]))
    x = 89 - mirrored.landmarks[:, 0]
    expected = np.hypot((x - straight.landmarks[:, 0]) / 90, (mirrored.landmarks - straight.landmarks)[:, 1] / 70)
    assert flip_consistency(session, picture) == pytest.approx(expected.mean(), rel=1e-4)
    assert flip_consistency(session, picture, "warm") == pytest.approx(expected[0], rel=1e-4)
    assert expected.mean() > 0.02


def test_where_sides_are_unpaired_nothing_says_what_the_mirror_image_is(colour_bundle: Bundle) -> None:
    manifest = colour_bundle.manifest
    schema = msgspec.structs.replace(manifest.landmarks, landmarks=("cuff_left", "cuff_right", "hem"))
    members = {name: colour_bundle.read(name) for name in colour_bundle.members if name != "manifest.json"}
    bundle = open_bundle(bundle_bytes(msgspec.structs.replace(manifest, landmarks=schema), members))
    assert flip_consistency(bundle.session("onnxruntime"), spots()) is None


def test_movement_is_between_the_last_two_stages(tiny: Bundle) -> None:
    session = tiny.session(threads=1)
    picture = np.random.default_rng(0).integers(0, 256, (70, 90, 3), np.uint8)
    trace = session.trace(picture, category="warm")
    first, second = (result.landmarks[0] / [90, 70] for result in session.stages(picture))
    assert stage_movement(trace) == pytest.approx(np.linalg.norm(second - first), rel=1e-4)
    assert stage_movement(session.trace(picture, stages=1)) is None
