"""Which frames are also run through the float model: at random, whatever is in them."""

import random
from collections.abc import Callable
from time import monotonic

from fpm_edge_runtime.errors import UsageError

__all__ = ["Sampler"]

# Weight of the newest measurement of a frame's interval and of a comparison's cost.
_NEWEST = 0.1


class Sampler:
    """Draws frames with probability `rate`, or with one that spends a budget of comparing time.

    A frame is drawn by a random number and the clock only. Were it drawn by its content, or when the device has time,
    the mean of the drawn frames would not be that of all.
    """

    def __init__(
        self,
        rate: float | None,
        budget_ms_per_minute: float | None,
        spacing_s: float,
        seed: int | None,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        """See `Shadow` for the arguments. Raises UsageError where one is out of range."""
        if (rate is None) == (budget_ms_per_minute is None):
            raise UsageError("give a rate or a budget for the shadow comparison, not both and not neither")
        if rate is not None and not 0 <= rate <= 1:
            raise UsageError(f"rate is {rate}; expected the share of frames to compare, 0 to 1")
        if budget_ms_per_minute is not None and not 0 <= budget_ms_per_minute <= 60_000:
            raise UsageError(f"the budget is {budget_ms_per_minute} ms per minute; expected 0 to 60000")
        if not spacing_s >= 0:
            raise UsageError(f"spacing_s is {spacing_s}; expected seconds between compared frames, 0 or more")
        self._rate, self._budget, self._spacing = rate, budget_ms_per_minute, spacing_s
        self._seed, self._clock = seed, clock
        self._random = random.Random(seed)
        self._last_frame: float | None = None
        self._next = -float("inf")
        self._interval: float | None = None
        self._cost: float | None = None

    def begin_anew(self) -> None:
        """In a forked process: without a seed, other frames than its siblings; the interval is that of its own."""
        if self._seed is None:
            self._random.seed()
        self._last_frame = self._interval = None

    def draw(self) -> bool:
        """Whether this frame is compared. Call it once for every frame."""
        now = self._clock()
        if self._last_frame is not None:
            self._interval = _smoothed(self._interval, now - self._last_frame)
        self._last_frame = now
        drawn = self._random.random() < self.probability and now >= self._next
        if drawn:
            self._next = now + self._spacing
        return drawn

    @property
    def probability(self) -> float:
        """That the next frame is drawn; under a budget 0 until the interval of frames and the cost are known."""
        if self._rate is not None:
            return self._rate
        if self._budget is None or self._interval is None or self._cost is None:
            return 0.0
        # Comparisons each minute that the budget allows, over frames each minute.
        return min(1.0, self._budget / 1e3 / 60 * self._interval / max(self._cost, 1e-6))

    def spent(self, seconds: float) -> None:
        """Learn what a comparison costs."""
        self._cost = _smoothed(self._cost, seconds)


def _smoothed(before: float | None, newest: float) -> float:
    return newest if before is None else before + _NEWEST * (newest - before)
