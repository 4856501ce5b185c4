"""Video in and out, by OpenCV (extra ``video``): frames with the times at which they were taken; files of frames."""

import importlib
import itertools
import math
import os
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fpm_edge.files.written import check_written
from fpm_edge_runtime.errors import DataError, MissingExtraError, UsageError
from fpm_edge_runtime.files import PART, StagedFile, naming

__all__ = ["Frame", "VideoFile", "VideoSource", "open_camera", "open_video"]

# What OpenCV's wheels can write without another package.
_CODECS = {".mp4": "mp4v", ".avi": "MJPG"}
# Where a file or a camera does not say, or says nonsense.
_USUAL_FPS = 30.0
_HIGHEST_FPS = 1000.0


@dataclass(frozen=True, eq=False)
class Frame:
    """One frame of a video.

    Attributes:
        pixels: (height, width, 3) uint8 RGB.
        time_s: when it was taken: seconds from the start of the file, or of the machine's monotonic clock.
    """

    pixels: NDArray[np.uint8]
    time_s: float


class VideoSource:
    """Frames of a file or a camera, one after another. Get one from `open_video` or `open_camera`."""

    def __init__(self, capture: Any, name: str, *, live: bool) -> None:
        """`capture` is an open ``cv2.VideoCapture``; `live` takes the time of a frame from the clock."""
        self._capture = capture
        self.live = live
        self.name = name
        stated = float(capture.get(_opencv().CAP_PROP_FPS))
        self.fps = stated if 0 < stated <= _HIGHEST_FPS else _USUAL_FPS

    def __iter__(self) -> Iterator[Frame]:
        """Every frame; times always grow.

        Raises:
            DataError: there is not a single frame.
        """
        cv2 = _opencv()
        last = -math.inf
        while True:
            there, pixels = self._capture.read()
            if not there:
                break
            stamp = self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1e3
            moment = time.monotonic() if self.live else float(stamp)
            # Some files have no time stamps, or the same for several frames; some clocks are coarse.
            if not last < moment < math.inf:
                moment = last + 1 / self.fps if last > -math.inf else 0.0
            last = moment
            yield Frame(cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB), moment)
        if last == -math.inf:
            raise DataError(f"{self.name} gave no frame; expected a video (MP4, MOV, AVI, MKV, WebM) or a free camera")

    def close(self) -> None:
        """Release the file or camera."""
        self._capture.release()


def open_video(path: Path) -> VideoSource:
    """A video file.

    Raises:
        MissingExtraError: OpenCV is not installed.
        DataError: there is no such file, or it is not a video.
    """
    cv2 = _opencv()
    if not path.is_file():
        raise DataError(f"{path}: {'a folder' if path.is_dir() else 'no such file'}; expected a video file")
    # This back end alone: others take a name with digits for a pattern of pictures.
    capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)
    if not capture.isOpened():
        raise DataError(f"{path} is not a video that can be read; expected MP4, MOV, AVI, MKV or WebM, not cut short")
    return VideoSource(capture, str(path), live=False)


def open_camera(number: int) -> VideoSource:
    """A camera of this machine, from 0.

    Raises:
        MissingExtraError: OpenCV is not installed.
        DataError: there is no such camera, or it is in use.
    """
    capture = _opencv().VideoCapture(number)
    if not capture.isOpened():
        raise DataError(f"camera {number} cannot be opened; check its number, that it is free, and its permissions")
    return VideoSource(capture, f"camera {number}", live=True)


class VideoFile:
    """A video that is being written: beside its place, and moved there when it is complete.

    Leave its ``with`` block by an exception, and nothing remains. At its end the file is read again; where it does not
    hold every frame, as on a full disk, leaving raises DataError or OSError, and what was there before stays.
    """

    def __init__(self, path: Path, fps: float) -> None:
        """`path` ends in .mp4 or .avi; every frame is shown for 1 / `fps` seconds.

        Raises:
            MissingExtraError: OpenCV is not installed.
            UsageError: another ending, or a folder.
        """
        self._cv2 = _opencv()
        if path.suffix.lower() not in _CODECS:
            raise UsageError(f"{path} ends in {path.suffix or 'nothing'}; expected .mp4 or .avi")
        if path.is_dir():
            raise UsageError(f"{path} is a folder; expected the name of a file to write")
        self._path, self._fps = path, fps
        self._writer: Any = None
        self._size = (0, 0)
        self._given = 0

    def __enter__(self) -> "VideoFile":
        self._path.parent.mkdir(parents=True, exist_ok=True)
        # The ending says to OpenCV what to write.
        handle, name = tempfile.mkstemp(
            prefix=f".{self._path.name}.", suffix=PART + self._path.suffix.lower(), dir=self._path.parent
        )
        os.close(handle)
        self._temporary = Path(name)
        return self

    def write(self, pixels: NDArray[np.uint8]) -> None:
        """Append a frame, (height, width, 3) uint8 RGB.

        Raises:
            DataError: the file cannot be written, or the frame has not the size of the first one.
        """
        size = (pixels.shape[1], pixels.shape[0])
        if self._writer is None:
            code = self._cv2.VideoWriter.fourcc(*_CODECS[self._path.suffix.lower()])
            self._writer = self._cv2.VideoWriter(str(self._temporary), self._cv2.CAP_FFMPEG, code, self._fps, size)
            self._size = size
            if not self._writer.isOpened():
                raise DataError(f"{self._path} cannot be written with frames of {size[0]} × {size[1]}; check the disk")
        if size != self._size:
            raise DataError(
                f"a frame of {size[0]} × {size[1]} after frames of {self._size[0]} × {self._size[1]}; a video file has "
                "one size"
            )
        self._writer.write(self._cv2.cvtColor(pixels, self._cv2.COLOR_RGB2BGR))
        self._given += 1

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        staged = StagedFile(self._path, self._temporary)
        try:
            if self._writer is not None:
                self._writer.release()
            if kind is None and self._writer is not None:
                # OpenCV tells of no write that failed.
                check_written(self._temporary, self._path, self._given, "frames", _count_frames)
                with naming(self._path):
                    self._temporary.chmod(0o644)
                    staged.commit()
        finally:
            staged.discard()


def _count_frames(path: Path) -> int:
    """How many can be decoded."""
    cv2 = _opencv()
    capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)
    try:
        return next(number for number in itertools.count() if not capture.grab())
    finally:
        capture.release()


def _opencv() -> Any:
    try:
        cv2 = importlib.import_module("cv2")
    except ImportError as error:
        raise MissingExtraError(
            f"video needs OpenCV, which cannot be imported ({error}): pip install 'fpm-edge[video]'"
        ) from None
    # Its own warnings about a file would stand beside our message that says the same.
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    return cv2
