"""Latency of several files by interleaved turns, so that a busy machine slows all of them alike."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fpm_edge.train.pipeline import Sample

_WARM_UP = 3
_RESAMPLES = 2000

Invoke = Callable[[NDArray[np.uint8]], Any]
Seconds = Callable[[], tuple[float, float]]


@dataclass(frozen=True)
class Turns:
    """Milliseconds of every turn of one file, on the wall clock and of the processor."""

    wall: list[float]
    busy: list[float]

    def against(self, base: Turns) -> dict[str, float]:
        """Medians, and the processor time as a ratio to `base` of the same rounds, with 95 % bounds over rounds.

        The processor time: on a shared machine the wall clock tells of the others.
        """
        own, other = np.array(self.busy), np.array(base.busy)
        rounds = np.random.default_rng(0).integers(len(own), size=(_RESAMPLES, len(own)))
        ratios = np.median(own[rounds], axis=1) / np.median(other[rounds], axis=1)
        lower, upper = np.quantile(ratios, (0.025, 0.975))
        return {
            "ms": float(np.median(self.wall)),
            "busy": float(np.median(own)),
            "ratio": float(np.median(own) / np.median(other)),
            "lower": float(lower),
            "upper": float(upper),
        }


def interleaved(
    runners: Mapping[str, tuple[Invoke, Seconds | None]], samples: Sequence[Sample], rounds: int
) -> dict[str, Turns]:
    """A round runs every file twice on one picture and times the second run.

    Args:
        runners: by name; what runs an input, and what tells the seconds of its last run where it has a process of its
            own.
    """
    turns: dict[str, Turns] = {title: Turns([], []) for title in runners}
    for number in range(rounds + _WARM_UP):
        image = samples[number % len(samples)].image
        for title, (invoke, seconds) in runners.items():
            invoke(image)
            begun, begun_busy = time.perf_counter(), time.process_time()
            invoke(image)
            spent = time.perf_counter() - begun, time.process_time() - begun_busy
            wall, busy = spent if seconds is None else seconds()
            if number >= _WARM_UP:
                turns[title].wall.append(1e3 * wall)
                turns[title].busy.append(1e3 * busy)
    return turns
