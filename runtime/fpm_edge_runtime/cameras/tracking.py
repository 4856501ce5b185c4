"""Landmarks on video: look where the garment was in the last frame, and smooth what is found."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from fpm_edge_runtime.cameras.smoothing import Smoother, Smoothing, Steady
from fpm_edge_runtime.errors import UsageError
from fpm_edge_runtime.pixels.image import check_image
from fpm_edge_runtime.stages.results import Detection, Detector
from fpm_edge_runtime.stages.session import Box

__all__ = ["Cropping", "Tracked", "Tracker"]

_LEAST_PX = 16.0  # a smaller region shows nothing


@dataclass(frozen=True)
class Cropping:
    """How the region of the next frame is chosen.

    Attributes:
        margin: added on every side of the landmarks' box, as a share of its longer side.
        follow: how far an edge goes inwards to its wanted place with each frame, over 0 to 1; outwards it goes at
            once, so that the region never cuts off a garment that moves.
        clear: the share of the category's landmarks that must be clear; with fewer, the next frame is seen whole.
        whole_every: after so many frames in a region one is seen whole; 0 for never.
    """

    margin: float = 0.5
    follow: float = 0.3
    clear: float = 0.5
    whole_every: int = 0

    def __post_init__(self) -> None:
        if not (0 <= self.margin < 10 and 0 < self.follow <= 1 and 0 <= self.clear <= 1 and self.whole_every >= 0):
            raise UsageError(
                f"{self}; expected a margin of 0 to 10, follow over 0 to 1, clear from 0 to 1, whole_every from 0"
            )


@dataclass(frozen=True, eq=False)
class Tracked(Steady):
    """The smoothed landmarks of one frame of a video, and where they come from.

    Attributes:
        box: the region that the network saw (x0, y0, x1, y1); None for the whole frame.
        detection: what was found in this frame, before smoothing.
    """

    box: Box | None
    detection: Detection


class Tracker:
    """One video through a session, or what else detects. Several may share it; one is not for several threads."""

    def __init__(
        self,
        detector: Detector,
        *,
        category: str | None = None,
        smoothing: Smoothing | None = None,
        cropping: Cropping | None = None,
    ) -> None:
        """Without `smoothing`, with its defaults; without `cropping`, every frame is seen whole."""
        self._detector = detector
        self._category = category
        self._smoother = Smoother(smoothing)
        self._cropping = cropping
        self.reset()

    def reset(self) -> None:
        """Forget the frames so far."""
        self._smoother.reset()
        self._box: Box | None = None
        self._cropped = 0

    def detect(
        self,
        frame: NDArray[np.uint8],
        time_s: float,
        *,
        stages: int | None = None,
        deadline_ms: float | None = None,
        converge_px: float | Literal["fitted"] | None = None,
    ) -> Tracked:
        """Find the landmarks of the next frame; `time_s` as for `Smoother.update`, the rest as for `Session.detect`.

        Raises:
            As these two.
        """
        height, width = check_image(frame).shape[:2]
        box = self._box
        found = self._detector.detect(
            frame,
            category=self._category,
            box=box,
            stages=stages,
            deadline_ms=deadline_ms,
            converge_px=converge_px,
        )
        side = max(width, height) if box is None else max(box[2] - box[0], box[3] - box[1])
        # Landmarks that the category does not have are never clear.
        scores = np.where(found.labelled, found.scores, np.float32(-1))
        steady = self._smoother.update(found.landmarks, scores, time_s, side)
        if self._cropping is not None:
            clear = found.labelled & (found.scores >= self._smoother.settings.clear)
            enough = clear.sum() >= max(2.0, self._cropping.clear * found.labelled.sum())
            # The smoothed ones: a region that trembles makes landmarks tremble.
            points = steady.landmarks[clear] if enough else None
            self._box = self._next_box(points, None if steady.restarted else box, (width, height))
        return Tracked(steady.landmarks, steady.held, steady.restarted, box, found)

    def _next_box(self, points: NDArray[np.float32] | None, box: Box | None, size: tuple[int, int]) -> Box | None:
        """The region around these points (pixel centres), coming from `box`."""
        assert self._cropping is not None
        if points is None or self._cropped == self._cropping.whole_every > 0:
            self._cropped = 0
            return None
        self._cropped += 1
        low, high = points.min(axis=0) + 0.5, points.max(axis=0) + 0.5
        pad = self._cropping.margin * (high - low).max()
        wanted = np.concatenate([low - pad, high + pad])
        if box is not None:
            inward = box + self._cropping.follow * (wanted - box)
            wanted = np.concatenate([np.minimum(wanted, inward)[:2], np.maximum(wanted, inward)[2:]])
        x0, y0, x1, y1 = np.clip(wanted, 0, [*size, *size]).tolist()
        return (x0, y0, x1, y1) if min(x1 - x0, y1 - y0) >= _LEAST_PX else None
