"""A session finds what is in the picture, in the picture's pixels."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from fpm_edge_runtime import (
    Bundle,
    BundleError,
    DataError,
    FpmEdgeError,
    ImageError,
    SchemaError,
    Session,
    UsageError,
    check_goldens,
    open_bundle,
)
from fpm_edge_runtime.engines import ENGINES
from fpm_edge_runtime.pixels.geometry import Letterbox
from fpm_edge_runtime.pixels.image import letterbox


def _photo(width: int = 90, height: int = 70, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


def _coloured(width: int, height: int, places: dict[int, tuple[float, float]], sigma: float) -> np.ndarray:
    """Black, with a Gaussian blob of each channel's colour at its place (x, y)."""
    rows, columns = np.mgrid[:height, :width]
    image = np.zeros((height, width, 3), np.uint8)
    for channel, (x, y) in places.items():
        blob = np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * sigma**2))
        image[..., channel] = np.round(255 * blob)
    return image


@pytest.fixture(scope="module")
def session(tiny: Bundle) -> Session:
    return tiny.session(threads=1)


# ---- answers ----


@pytest.mark.parametrize("engine", ["onnxruntime", "openvino"])
@pytest.mark.parametrize("size", [(480, 320), (400, 300), (48, 32), (37, 31)])
def test_landmarks_are_where_the_colours_are(colour_bundle: Bundle, engine: str, size: tuple[int, int]) -> None:
    width, height = size
    cell = 8 / Letterbox.fit(size, (48, 32)).scale_x
    places = {0: (width * 0.3, height * 0.4), 1: (width * 0.5, height * 0.7), 2: (width * 0.72, height * 0.35)}
    detection = colour_bundle.session(engine).detect(_coloured(width, height, places, sigma=0.8 * cell))
    expected = np.array([places[channel] for channel in range(3)])
    assert np.abs(detection.landmarks - expected).max() < 0.2 * cell
    assert detection.scores.min() > 0.5


def test_box_gives_pixels_of_the_whole_picture(colour_bundle: Bundle) -> None:
    image = _coloured(400, 300, {0: (310.0, 140.0), 1: (290.0, 160.0), 2: (330.0, 165.0)}, sigma=25)
    image[20:80, 20:80] = 255
    detection = colour_bundle.session("onnxruntime").detect(image, box=(240, 90, 380, 210))
    assert np.abs(detection.landmarks - [(310, 140), (290, 160), (330, 165)]).max() < 4


def test_path_and_array_give_the_same(session: Session, tmp_path: Path) -> None:
    Image.fromarray(_photo()).save(tmp_path / "a.png")
    by_path, by_array = session.detect(tmp_path / "a.png"), session.detect(_photo())
    np.testing.assert_array_equal(by_path.landmarks, by_array.landmarks)
    np.testing.assert_array_equal(session.detect(str(tmp_path / "a.png")).scores, by_array.scores)


def test_a_turned_photograph_is_answered_upright(session: Session, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(_photo(90, 70)).save(tmp_path / "a.png", exif=exif)
    found = session.detect(tmp_path / "a.png")
    np.testing.assert_array_equal(found.landmarks, session.detect(np.rot90(_photo(90, 70), -1)).landmarks)
    assert (found.landmarks < (70, 90)).all()


def test_detect_is_the_last_of_the_stages(session: Session) -> None:
    results = list(session.stages(_photo()))
    assert [result.stage for result in results] == [1, 2]
    assert results[0].elapsed_ms < results[1].elapsed_ms
    for result in results:
        detection = session.detect(_photo(), stages=result.stage)
        np.testing.assert_array_equal(detection.landmarks, result.landmarks)
        np.testing.assert_array_equal(detection.scores, result.scores)
    assert (results[0].landmarks != results[1].landmarks).any()


def test_detection_fields(session: Session) -> None:
    detection = session.detect(_photo(), category="warm")
    assert (detection.landmarks.shape, detection.landmarks.dtype) == ((3, 2), np.float32)
    assert (detection.scores.shape, detection.scores.dtype) == ((3,), np.float32)
    assert detection.labelled.tolist() == [True, False, False]
    assert detection.doubts == {}
    assert session.detect(_photo()).labelled.tolist() == [True, True, True]
    assert (detection.stages_run, detection.stop_reason) == (2, "all stages")
    assert (detection.engine, detection.category) == (session.engine, "warm")
    timings = detection.timings
    assert list(timings.pieces) == ["stage_1", "context", "stage_2"]
    parts = timings.preprocess_ms + sum(timings.pieces.values()) + timings.decode_ms
    assert 0 < parts <= timings.total_ms


def test_input_landmarks_are_in_input_pixels(session: Session) -> None:
    fit = Letterbox.fit((90, 70), (48, 32))
    pixels = letterbox(_photo(), fit, (48, 32))
    results = session.detect_input(pixels)
    assert [result.stage for result in results] == [1, 2]
    expected = session.detect(_photo()).landmarks
    np.testing.assert_allclose(fit.to_picture(results[-1].landmarks), expected, atol=1e-4)


def test_engines_give_nearly_the_same_landmarks(tiny: Bundle, session: Session) -> None:
    for engine in ("onnxruntime", "openvino"):
        other = tiny.session(engine)
        assert other.engine == engine
        np.testing.assert_allclose(other.detect(_photo()).scores, session.detect(_photo()).scores, atol=0.02)


def test_openvino_prefers_tflite(tiny: Bundle, colour_bundle: Bundle) -> None:
    assert tiny.session("openvino").format == "tflite"
    assert colour_bundle.session("openvino").format == "onnx"


def test_session_describes_itself(tiny: Bundle, session: Session) -> None:
    assert session.bundle is tiny
    assert session.schema == tiny.schema
    assert session.geometry == tiny.manifest.geometry
    assert (session.stage_limit, session.format) == (2, ENGINES[session.engine].formats[0])
    assert session.engine_version[0].isdigit()


def test_threads_share_a_session(session: Session) -> None:
    photos = [_photo(seed=seed) for seed in range(12)]
    expected = [session.detect(photo).landmarks for photo in photos]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda photo: session.detect(photo).landmarks, photos))
    np.testing.assert_array_equal(found, expected)


def test_two_pictures_stage_by_stage_at_once(session: Session) -> None:
    one, two = session.stages(_photo(seed=1)), session.stages(_photo(seed=2))
    pairs = list(zip(one, two, strict=True))
    for seed, result in ((1, pairs[-1][0]), (2, pairs[-1][1])):
        np.testing.assert_array_equal(result.landmarks, session.detect(_photo(seed=seed)).landmarks)


def test_check_goldens_accepts_a_session(hollow_path: Path, fake_engine: Any) -> None:
    report = check_goldens(open_bundle(hollow_path).session(fake_engine))
    assert report.cases == 1
    assert len(report.stages) == 2


# ---- arrays of every kind ----


@pytest.mark.parametrize(
    "arrange",
    [
        lambda image: image[::-1, ::-1][::-1, ::-1],
        np.asfortranarray,
        lambda image: image[..., ::-1].copy()[..., ::-1],
        lambda image: np.repeat(np.repeat(image, 2, axis=0), 2, axis=1)[::2, ::2],
        lambda image: np.ascontiguousarray(image.transpose(2, 0, 1)).transpose(1, 2, 0),
        lambda image: np.frombuffer(image.tobytes(), np.uint8).reshape(image.shape),
        lambda image: np.concatenate([image, image], axis=2)[..., :3],
    ],
    ids=["flipped back", "Fortran", "BGR view", "every second", "CHW view", "read-only", "RGBX view"],
)
def test_memory_layout_does_not_matter(session: Session, arrange: Any) -> None:
    image = _photo()
    arranged = arrange(image)
    before = arranged.copy()
    np.testing.assert_array_equal(arranged, image)
    np.testing.assert_array_equal(session.detect(arranged).landmarks, session.detect(image).landmarks)
    np.testing.assert_array_equal(arranged, before)
    pixels = arrange(_photo(48, 32))
    expected = session.detect_input(_photo(48, 32))[-1].landmarks
    np.testing.assert_array_equal(session.detect_input(pixels)[-1].landmarks, expected)


@pytest.mark.parametrize("size", [(1, 1), (1, 500), (500, 1), (3, 2000)])
def test_tiny_and_thin_pictures(session: Session, size: tuple[int, int]) -> None:
    width, height = size
    found = session.detect(np.full((height, width, 3), 90, np.uint8))
    assert np.isfinite(found.landmarks).all()
    assert ((found.scores >= 0) & (found.scores <= 1)).all()


# ---- faults ----


def test_heatmaps_that_say_nothing_are_named(float_bundle: Bundle, fake_engine: Any) -> None:
    maps = np.zeros((1, 4, 6, 4), np.float32)
    maps[0, 1, 2, 1] = 0.9
    maps[0, 0, 0, 1] = np.inf
    maps[0, :, :, 2] = 0.1
    maps[0, :, :5, 2] = 1.5
    maps[0, 3, 5, 2] = 1.5
    fake_engine.answers = {"heatmap_2": maps}
    session = float_bundle.session(fake_engine)
    found = session.detect(_photo())
    assert found.doubts == {"red": "flat", "green": "not finite", "blue": "saturated"}
    assert found.scores.tolist() == [0.0, 0.0, 0.0]
    assert np.isfinite(found.landmarks).all()
    first, last = session.stages(_photo())
    assert last.doubts == found.doubts
    assert first.doubts == dict.fromkeys(["red", "green", "blue"], "flat")


def test_heatmaps_that_are_not_finite(float_bundle: Bundle, fake_engine: Any) -> None:
    maps = np.zeros((1, 4, 6, 4), np.float32)
    maps[0, 1, 2, :] = 0.9
    maps[0, 0, 0, 0] = np.nan
    maps[0, 3, 3, 1] = np.inf
    fake_engine.answers = {"heatmap_2": maps}
    (_, result) = float_bundle.session(fake_engine).detect_input(np.zeros((32, 48, 3), np.uint8))
    assert result.scores[:2].tolist() == [0.0, 0.0]
    assert result.scores[2] == pytest.approx(0.9)
    assert result.doubts == {"red": "not finite", "green": "not finite"}
    np.testing.assert_array_equal(result.landmarks[:2], [(23.5, 15.5)] * 2)
    assert np.abs(result.landmarks[2] - [(2 + 0.5) * 8 - 0.5, (1 + 0.5) * 8 - 0.5]).max() < 8


@pytest.mark.parametrize(
    ("value", "doubt"),
    [(np.nan, "not finite"), (np.inf, "not finite"), (-np.inf, "not finite"), (0.0, "flat"), (1.0, "flat")],
)
def test_an_engine_that_answers_with_one_value(
    float_bundle: Bundle, fake_engine: Any, value: float, doubt: str
) -> None:
    fake_engine.answers = {name: np.full((1, 4, 6, 4), value, np.float32) for name in ("heatmap_1", "heatmap_2")}
    session = float_bundle.session(fake_engine)
    for found in (session.detect(_photo()), session.detect(_photo(), converge_px=0.5), *session.stages(_photo())):
        assert found.doubts == dict.fromkeys(["red", "green", "blue"], doubt)
        assert found.scores.tolist() == [0.0, 0.0, 0.0]
        assert ((found.landmarks >= 0) & (found.landmarks < (90, 70))).all()


def test_engine_that_fails(float_bundle: Bundle, fake_engine: Any) -> None:
    session = float_bundle.session(fake_engine)

    def fail(inputs: object) -> None:
        raise RuntimeError("out of memory")

    session._runners["stage_2"] = fail
    with pytest.raises(FpmEdgeError, match=r"fake 0 failed in stage_2 \(stages/2\.tflite\): out of memory"):
        session.detect(_photo())


def test_altered_piece_never_reaches_the_engine(tiny_path: Path, tmp_path: Path, fake_engine: Any) -> None:
    content = bytearray(tiny_path.read_bytes())
    content[content.index(b"TFL3") + 100] ^= 1
    with pytest.raises(BundleError, match="SHA-256"):
        open_bundle(bytes(content)).session(fake_engine)


def test_models_that_are_no_models(hollow_path: Path) -> None:
    with pytest.raises(BundleError, match=r"litert cannot load stages/1\.tflite"):
        open_bundle(hollow_path).session("litert")


def test_engine_for_a_format_that_is_not_there(hollow_path: Path) -> None:
    with pytest.raises(UsageError, match="reads onnx and the bundle has tflite; choose one of: litert"):
        open_bundle(hollow_path).session("onnxruntime")


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"stages": 0}, UsageError, "stages is 0; the session has 2"),
        ({"stages": 3}, UsageError, "expected 1 to 2"),
        ({"deadline_ms": -1}, UsageError, "deadline_ms is -1"),
        ({"deadline_ms": float("nan")}, UsageError, "deadline_ms is nan"),
        ({"category": "hats"}, SchemaError, "expected one of: all, warm"),
        ({"box": (1, 2, 3)}, UsageError, r"expected \(x0, y0, x1, y1\)"),
        ({"box": (500, 500, 600, 600)}, DataError, "covers no pixel"),
    ],
)
def test_arguments_are_checked_at_the_call(
    session: Session, options: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        session.detect(_photo(), **options)
    with pytest.raises(error, match=message):
        session.stages(_photo(), **options)


def test_pictures_are_checked(session: Session, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="float64"):
        session.detect(np.zeros((4, 4, 3)))
    with pytest.raises(ImageError, match="no such file"):
        session.detect(tmp_path / "none.jpg")
    Image.fromarray(_photo()).save(tmp_path / "whole.jpg")
    (tmp_path / "half.jpg").write_bytes((tmp_path / "whole.jpg").read_bytes()[:2000])
    with pytest.raises(ImageError, match=r"half\.jpg is damaged or cut short"):
        session.detect(tmp_path / "half.jpg")
    Image.new("1", (8000, 5001)).save(tmp_path / "large.png")
    with pytest.raises(ImageError, match=r"large\.png has 8000 × 5001 pixels"):
        session.detect(tmp_path / "large.png")
    with pytest.raises(DataError, match=r"expected \(32, 48, 3\)"):
        session.detect_input(_photo())


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((32, 48, 3), np.float32),
        np.zeros((32, 48, 3), np.int8),
        np.zeros((32, 48), np.uint8),
        np.zeros((32, 48, 4), np.uint8),
        np.zeros((3, 32, 48), np.uint8),
        np.zeros((1, 32, 48, 3), np.uint8),
        np.zeros((0, 48, 3), np.uint8),
        [[[0, 0, 0]]],
    ],
    ids=lambda image: f"{getattr(image, 'dtype', 'list')} {np.shape(image)}",
)
def test_arrays_that_are_no_picture(session: Session, image: Any) -> None:
    for call in (session.detect, session.trace, session.stages, session.detect_input):
        with pytest.raises(DataError, match="the image"):
            call(image)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"threads": 0}, "threads is 0"),
        ({"threads": 100_000}, "expected 1 to 256"),
        ({"stages": 3}, "the bundle has 2"),
    ],
)
def test_session_arguments(tiny: Bundle, options: dict[str, int], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        tiny.session(**options)
