"""`fpm-edge run` on a video or a camera."""

import math
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from PIL import Image

from fpm_edge.cli.options import print_line, say
from fpm_edge.cli.quiet import native_stderr_silenced
from fpm_edge.pictures.overlay import believed, category_words, draw_landmarks
from fpm_edge.pictures.video import Frame, VideoFile, open_camera, open_video
from fpm_edge_runtime import Cropping, LandmarkSchema, MissingExtraError, Session, Tracked, Tracker

if TYPE_CHECKING:
    from fpm_edge.pictures.video_window import Window

__all__ = ["VideoRun", "run_video"]


@dataclass(frozen=True)
class VideoRun:
    """What `fpm-edge run` was asked for, as its options say; `frames` is the most to read."""

    category: str | None
    stages: int | None
    deadline_ms: float | None
    converge_px: float | Literal["fitted"] | None
    track: bool
    frames: int | None
    overlay: Path | None
    labels: bool
    show: bool
    as_json: bool


def run_video(session: Session, source: Path | int, asked: VideoRun) -> None:
    """Track through a file or the camera of that number; JSON is one line a frame.

    Raises:
        As `open_video`, `open_camera`, `VideoFile`, `Window` and `Tracker.detect`.
    """
    tracker = Tracker(session, category=asked.category, cropping=Cropping() if asked.track else None)
    count, milliseconds = 0, 0.0
    with ExitStack() as stack:
        # FFmpeg says on stderr what it finds wrong with a file; our own message is enough.
        with native_stderr_silenced():
            video = open_video(source) if isinstance(source, Path) else open_camera(source)
        stack.callback(video.close)
        out = None if asked.overlay is None else stack.enter_context(_video_file(asked.overlay, video.fps))
        window = stack.enter_context(_window(video.name)) if asked.show else None
        if video.live:
            # A camera has no other end than Ctrl-C: what was written until then is complete.
            stack.enter_context(suppress(KeyboardInterrupt))
        for frame in islice(video, asked.frames):
            tracked = tracker.detect(
                frame.pixels,
                frame.time_s,
                stages=asked.stages,
                deadline_ms=asked.deadline_ms,
                converge_px=asked.converge_px,
            )
            if asked.as_json:
                print_line(_row(count, frame, tracked, session.schema))
            count += 1
            milliseconds += tracked.detection.timings.total_ms
            drawn = None if out is None and window is None else _drawn(frame, tracked, session.schema, asked.labels)
            if drawn is not None and out is not None:
                out.write(np.asarray(drawn))
            if drawn is not None and window is not None and not window.show(drawn):
                break
    say(f"{count} frames of {video.name}, {milliseconds / max(count, 1):.1f} ms each")
    if asked.overlay is not None and count:
        say(f"with landmarks: {asked.overlay}")


@contextmanager
def _video_file(path: Path, fps: float) -> Iterator[VideoFile]:
    """A `VideoFile`; what FFmpeg says when it is read again goes nowhere, our own message is enough."""
    with ExitStack() as quiet, VideoFile(path, fps) as out:
        yield out
        quiet.enter_context(native_stderr_silenced())


def _window(title: str) -> "Window":
    try:
        from fpm_edge.pictures.video_window import Window
    except ImportError as error:
        raise MissingExtraError(
            f"a window needs tkinter, which this Python lacks ({error}); install your system's package of it "
            "(python3-tk on Debian), or write a file with --overlay instead"
        ) from None
    return Window(title)


def _drawn(frame: Frame, tracked: Tracked, schema: LandmarkSchema, labels: bool) -> Image.Image:
    """The frame with what is believed; landmarks that keep an earlier place are hollow, and no outline goes there."""
    found = tracked.detection
    return draw_landmarks(
        frame.pixels,
        tracked.landmarks,
        schema=schema,
        category=found.category,
        scores=np.where(tracked.held, np.float32(0), np.float32(1)),
        keep=believed(found) | (tracked.held & found.labelled),
        labels=labels,
        caption=category_words(found),
    )


def _row(number: int, frame: Frame, tracked: Tracked, schema: LandmarkSchema) -> dict[str, Any]:
    found = tracked.detection
    points: dict[str, dict[str, Any]] = {}
    for index, name in enumerate(schema.landmarks):
        if not found.labelled[index]:
            continue
        x, y = (None if math.isnan(value) else round(value, 2) for value in tracked.landmarks[index].tolist())
        points[name] = {
            "x": x,
            "y": y,
            "score": round(float(found.scores[index]), 4),
            "held": bool(tracked.held[index]),
        }
        if found.confidences is not None:
            points[name]["confidence"] = round(float(found.confidences[index]), 4)
        if name in found.doubts:
            points[name]["doubt"] = found.doubts[name]
    return {
        "frame": number,
        "time_s": round(frame.time_s, 4),
        "category": found.category,
        "category_score": None if found.category_score is None else round(found.category_score, 4),
        "restarted": tracked.restarted,
        "box": None if tracked.box is None else [round(edge, 1) for edge in tracked.box],
        "stages_run": found.stages_run,
        "stop_reason": found.stop_reason,
        "total_ms": round(found.timings.total_ms, 3),
        "landmarks": points,
    }
