"""Steady landmarks from frame to frame: the 1€ filter, for each landmark by itself.

Casiez, Roussel, Vogel, "1€ Filter: A Simple Speed-based Low-pass Filter for Noisy Input in Interactive Systems", CHI
2012, pp. 2527-2530. A low-pass whose cutoff frequency grows with speed: steady while still, quick while moving.
"""

import math
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from fpm_edge_runtime.errors import DataError, UsageError
from fpm_edge_runtime.stages.convergence import CLEAR_PEAK

__all__ = ["Smoother", "Smoothing", "Steady"]


@dataclass(frozen=True)
class Smoothing:
    """How landmarks are smoothed. A *side* is the longer side of what the network saw: the picture, or a box in it.

    Attributes:
        still_hz: cutoff frequency of a landmark that stands still (the paper's fcmin); lower is steadier.
        hz_per_speed: what the cutoff gains for each side a second (the paper's β); higher is quicker.
        speed_hz: cutoff frequency of the speed itself.
        clear: lowest score of a landmark that is believed.
        hold_s: for so many seconds a landmark that is not clear keeps its last place; then it is missing.
        cut: a landmark that moved by more than this between two frames jumped, sides. Where most of those that can
            be compared jumped, and two at least, it is another scene: everything starts anew.
    """

    still_hz: float = 0.5
    hz_per_speed: float = 30.0
    speed_hz: float = 1.0
    clear: float = CLEAR_PEAK
    hold_s: float = 0.5
    cut: float = 0.15

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            least = "over 0" if field.name in ("still_hz", "speed_hz", "cut") else "0 or more"
            if not math.isfinite(value) or value < 0 or (value == 0 and least == "over 0"):
                raise UsageError(f"{field.name} is {value}; expected a number, {least}")


@dataclass(frozen=True, eq=False)
class Steady:
    """The smoothed landmarks of one frame.

    Attributes:
        landmarks: (landmarks, 2) float32, pixels of the picture; NaN where missing.
        held: (landmarks,) bool, not clear in this frame: the place is an earlier one.
        restarted: it is the first frame, or another scene than the last.
    """

    landmarks: NDArray[np.float32]
    held: NDArray[np.bool_]
    restarted: bool


class Smoother:
    """Smooths one stream of landmarks. Not for several threads."""

    def __init__(self, settings: Smoothing | None = None) -> None:
        """With the default settings where none are given."""
        self.settings = settings or Smoothing()
        self.reset()

    def reset(self) -> None:
        """Forget everything; the next frame may have any time."""
        self._time = -math.inf
        self._seen = np.empty(0)  # when each landmark was last clear, seconds

    def update(self, landmarks: NDArray[np.float32], scores: NDArray[np.float32], time_s: float, side: float) -> Steady:
        """The next frame.

        Args:
            landmarks: (landmarks, 2) x, y in pixels of the picture.
            scores: (landmarks,) as `Detection` has them: 0 where there is a doubt.
            time_s: when the frame was taken, seconds on any clock; later than the last. Frames may come unevenly.
            side: the side, pixels (see `Smoothing`).

        Raises:
            UsageError: the time is not later, or the side not over 0.
            DataError: the shapes are not those of the frame before.
        """
        if not (math.isfinite(time_s) and time_s > self._time):
            raise UsageError(f"time_s is {time_s} after {self._time}; expected later times (reset starts a new stream)")
        if not (math.isfinite(side) and side > 0):
            raise UsageError(f"side is {side}; expected pixels, over 0")
        count = len(self._seen) or len(scores)
        if scores.shape != (count,) or landmarks.shape != (count, 2):
            raise DataError(f"landmarks {landmarks.shape}, scores {scores.shape}; expected ({count}, 2) and ({count},)")
        self._time = time_s
        clear = (scores >= self.settings.clear) & np.isfinite(landmarks).all(axis=1)
        restarted = not len(self._seen) or self._is_cut(landmarks, clear, time_s, side)
        if restarted:
            self._seen = np.full(count, -np.inf)
            self._raw, self._place, self._speed = (np.full((count, 2), np.nan) for _ in range(3))
        known = time_s - self._seen <= self.settings.hold_s
        fresh = clear & ~known
        self._place[fresh], self._speed[fresh] = landmarks[fresh], 0.0
        self._filter(clear & known, landmarks, time_s, side)
        self._raw[clear], self._seen[clear] = landmarks[clear], time_s
        held = known & ~clear
        shown = np.where((clear | held)[:, np.newaxis], self._place, np.nan).astype(np.float32)
        return Steady(shown, held, restarted)

    def _filter(self, moved: NDArray[np.bool_], landmarks: NDArray[np.float32], time_s: float, side: float) -> None:
        """One step, in which the interval is the time since the landmark itself was last clear."""
        interval = (time_s - self._seen[moved])[:, np.newaxis]
        speed = (landmarks[moved] - self._place[moved]) / interval
        self._speed[moved] += _alpha(self.settings.speed_hz, interval) * (speed - self._speed[moved])
        # fc = fcmin + β |speed|; the length of the vector, so that the picture's axes make no difference.
        pace = np.linalg.norm(self._speed[moved], axis=1, keepdims=True) / side
        alpha = _alpha(self.settings.still_hz + self.settings.hz_per_speed * pace, interval)
        self._place[moved] += alpha * (landmarks[moved] - self._place[moved])

    def _is_cut(self, landmarks: NDArray[np.float32], clear: NDArray[np.bool_], time_s: float, side: float) -> bool:
        """Whether most landmarks jumped, compared with where they were found, not with where smoothing put them."""
        both = clear & (time_s - self._seen <= self.settings.hold_s)
        jumped = np.linalg.norm(landmarks[both] - self._raw[both], axis=1) > self.settings.cut * side
        return bool(jumped.sum() >= 2 and jumped.mean() > 0.5)


def _alpha(cutoff: float | NDArray[np.float64], interval: NDArray[np.float64]) -> NDArray[np.float64]:
    """Weight of the new value: α = 1 / (1 + τ / Te), τ = 1 / (2 π fc)."""
    return np.asarray(1.0 / (1.0 + 1.0 / (2.0 * math.pi * cutoff * interval)))
