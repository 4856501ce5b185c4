"""A tracker looks where the garment was, and comes back to the whole frame when it is not there."""

import dataclasses
from typing import Any

import numpy as np
import pytest

from fpm_edge_runtime import (
    Bundle,
    Cropping,
    DataError,
    Detection,
    DriftMonitor,
    Session,
    Shadow,
    Smoothing,
    Tracker,
    UsageError,
)

WIDTH, HEIGHT = 240, 160
OFFSETS = np.array([[-25, -15], [25, -15], [0, 20]])
# As good as no smoothing.
RAW = Smoothing(still_hz=1e6)


@pytest.fixture(scope="module")
def session(colour_bundle: Bundle) -> Session:
    return colour_bundle.session("onnxruntime")


def frame(x: float, y: float, channels: tuple[int, ...] = (0, 1, 2)) -> np.ndarray:
    """Black, with a blob of red, green and blue around (x, y); only of these channels."""
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    image = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    for channel in channels:
        across, down = OFFSETS[channel] + (x, y)
        blob = np.exp(-((columns - across) ** 2 + (rows - down) ** 2) / (2 * 20.0**2))
        image[..., channel] = np.round(255 * blob)
    return image


def test_without_cropping_frames_are_seen_whole(session: Session) -> None:
    tracker = Tracker(session, smoothing=RAW)
    for number in range(3):
        tracked = tracker.detect(frame(100, 90), number / 30)
        assert tracked.box is None
        expected = session.detect(frame(100, 90))
        np.testing.assert_allclose(tracked.landmarks, expected.landmarks, atol=1e-2)
        np.testing.assert_array_equal(tracked.detection.landmarks, expected.landmarks)
        assert tracked.restarted == (number == 0)


def test_the_region_follows_the_garment(session: Session) -> None:
    tracker = Tracker(session, smoothing=RAW, cropping=Cropping(margin=0.8, follow=1.0))
    for number in range(12):
        x, y = 80 + 5 * number, 60 + 2 * number
        tracked = tracker.detect(frame(x, y), number / 30)
        np.testing.assert_allclose(tracked.landmarks - np.array([x, y]), OFFSETS, atol=1)
        if number == 0:
            continue
        assert tracked.box is not None
        x0, _, x1, _ = tracked.box
        assert x0 <= x - 25
        assert x1 >= x + 25
        assert x1 - x0 < 0.7 * WIDTH


def test_the_region_is_the_box_of_the_landmarks_with_a_margin(session: Session) -> None:
    tracker = Tracker(session, smoothing=RAW, cropping=Cropping(margin=0.5))
    found = tracker.detect(frame(120, 80), 0.0).landmarks
    box = tracker.detect(frame(120, 80), 0.1).box
    low, high = found.min(axis=0) + 0.5, found.max(axis=0) + 0.5
    pad = 0.5 * (high - low).max()
    np.testing.assert_allclose(box, [*(low - pad), *(high + pad)], atol=1e-2)


class Scripted:
    """Stands in for a session: finds the landmarks where it is told to, whatever the region."""

    def __init__(self, example: Detection) -> None:
        self.example = example
        self.at = (0.0, 0.0)

    def detect(self, image: Any, **_: Any) -> Detection:
        return dataclasses.replace(self.example, landmarks=np.asarray(OFFSETS + self.at, np.float32))


def regions(session: Session, cropping: Cropping, *at: tuple[float, float]) -> list[np.ndarray]:
    """The region after each of these places of the garment."""
    script = Scripted(session.detect(frame(120, 80)))
    tracker = Tracker(script, smoothing=RAW, cropping=cropping)
    boxes = []
    for number, script.at in enumerate((*at, at[-1])):
        boxes.append(np.array(tracker.detect(frame(120, 80), number / 10).box))
    return boxes[1:]


def test_the_region_grows_at_once_and_shrinks_slowly(session: Session) -> None:
    first, second = regions(session, Cropping(margin=0.2, follow=0.25), (100, 80), (108, 80))
    # Landmarks span 50 pixels: a margin of 10 around pixel centres.
    np.testing.assert_allclose(first, [65.5, 55.5, 135.5, 110.5], atol=1e-3)
    np.testing.assert_allclose(second, [65.5 + 0.25 * 8, 55.5, 135.5 + 8, 110.5], atol=1e-3)


def test_another_scene_has_a_region_of_its_own(session: Session) -> None:
    _, second = regions(session, Cropping(margin=0.2, follow=0.25), (60, 80), (180, 80))
    np.testing.assert_allclose(second, [145.5, 55.5, 215.5, 110.5], atol=1e-3)


def test_the_region_stays_in_the_frame(session: Session) -> None:
    tracker = Tracker(session, smoothing=RAW, cropping=Cropping(margin=2.0))
    tracker.detect(frame(30, 30), 0.0)
    box = tracker.detect(frame(30, 30), 0.1).box
    assert box is not None
    assert box[:2] == (0.0, 0.0)
    assert box[2] < WIDTH


def test_few_clear_landmarks_and_the_next_frame_is_seen_whole(session: Session) -> None:
    tracker = Tracker(session, smoothing=RAW, cropping=Cropping(clear=0.9))
    tracker.detect(frame(120, 80), 0.0)
    poor = tracker.detect(frame(120, 80, channels=(0, 1)), 0.1)
    assert poor.box is not None
    assert poor.held.tolist() == [False, False, True]
    assert tracker.detect(frame(120, 80), 0.2).box is None
    assert tracker.detect(frame(120, 80), 0.3).box is not None


def test_only_the_landmarks_of_the_category_count(session: Session) -> None:
    tracker = Tracker(session, category="warm", smoothing=RAW, cropping=Cropping())
    tracked = tracker.detect(frame(120, 80), 0.0)
    assert np.isnan(tracked.landmarks).all(axis=1).tolist() == [False, True, True]
    # One landmark has no extent to make a region of.
    assert tracker.detect(frame(120, 80), 0.1).box is None


def test_a_whole_frame_now_and_then(session: Session) -> None:
    tracker = Tracker(session, smoothing=RAW, cropping=Cropping(whole_every=3))
    whole = [tracker.detect(frame(120, 80), number / 30).box is None for number in range(9)]
    assert whole == [True, False, False, False] * 2 + [True]


def test_a_watched_session_is_tracked_too(colour_bundle: Bundle, session: Session) -> None:
    monitor = DriftMonitor([0.01], session.schema.landmarks)
    reference = colour_bundle.session("onnxruntime")
    with Shadow(session, reference, monitor, rate=1.0, spacing_s=0) as shadow:
        tracker = Tracker(shadow, smoothing=RAW, cropping=Cropping())
        assert tracker.detect(frame(100, 90), 0.0).box is None
        assert shadow.flush(10)
        assert tracker.detect(frame(100, 90), 0.1).box is not None
        assert shadow.flush(10)
    assert monitor.report().samples == 2


def test_the_session_is_asked_as_usual(session: Session) -> None:
    assert Tracker(session).detect(frame(120, 80), 0.0, deadline_ms=1000.0).detection.stages_run == 1
    with pytest.raises(UsageError, match="stages is 9"):
        Tracker(session).detect(frame(120, 80), 0.0, stages=9)


def test_a_failed_frame_leaves_the_track_as_it_was(session: Session) -> None:
    tracker = Tracker(session, cropping=Cropping())
    tracker.detect(frame(120, 80), 0.0)
    bad: Any = np.zeros((5, 5), np.uint8)
    with pytest.raises(DataError):
        tracker.detect(bad, 0.1)
    with pytest.raises(UsageError, match="expected later times"):
        tracker.detect(frame(120, 80), 0.0)
    assert tracker.detect(frame(120, 80), 0.1).box is not None


def test_reset(session: Session) -> None:
    tracker = Tracker(session, cropping=Cropping())
    tracker.detect(frame(120, 80), 5.0)
    tracker.reset()
    tracked = tracker.detect(frame(120, 80), 0.0)
    assert tracked.box is None
    assert tracked.restarted


@pytest.mark.parametrize(
    "given", [{"margin": -0.1}, {"follow": 0.0}, {"follow": 1.1}, {"clear": float("nan")}, {"whole_every": -1}]
)
def test_cropping_that_cannot_be(given: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="expected a margin"):
        Cropping(**given)
