"""How long a piece of work takes on this device, learnt from having done it."""

import math
from collections import defaultdict, deque

__all__ = ["DECODE", "Pace"]

DECODE = "decode"
"""The piece of work that is no piece of the network."""

_MEMORY = 64
_QUANTILE = 0.95


class Pace:
    """The last measured times of each piece, and a cautious prediction from them."""

    def __init__(self) -> None:
        self._times: defaultdict[str, deque[float]] = defaultdict(lambda: deque(maxlen=_MEMORY))

    def record(self, name: str, seconds: float) -> None:
        """Remember one measurement; only the last 64 count."""
        self._times[name].append(seconds)

    def predict(self, name: str) -> float:
        """The 95 % quantile of the remembered times (nearest rank), seconds; 0 if there are none."""
        times = sorted(self._times[name])
        return times[math.ceil(_QUANTILE * len(times)) - 1] if times else 0.0
