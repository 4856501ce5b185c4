"""One candidate, measured."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fpm_edge.accuracy.median import median_ranks
from fpm_edge.search.space import Candidate
from fpm_edge_runtime.bundle.manifest import Interval
from fpm_edge_runtime.stages.results import Timings

__all__ = ["NE_DIGITS", "PartBound", "Score", "Time", "Trial", "time_of"]


NE_DIGITS = 4
"""Two candidates whose NE is the same to so many digits are as accurate as each other: no table shows more."""


@dataclass(frozen=True)
class PartBound:
    """The landmark or category that is farthest over its drift budget, or nearest to it.

    Attributes:
        name: such as ``category skirt``.
        upper: upper 95 % bound of its relative NE drift.
    """

    name: str
    upper: float


@dataclass(frozen=True)
class Score:
    """How well one file does in one engine after so many stages.

    Attributes:
        stages: how many ran.
        pictures: it was measured on.
        ne: the paper's NE, over all labelled points.
        reference_ne: of the float model at its own input size with all its stages, on the same pictures.
        drift: ne relative to reference_ne, minus 1, with 95 % bootstrap bounds over pictures.
        worst_part: None where no landmark or category has enough pictures to be judged.
    """

    stages: int
    pictures: int
    ne: float
    reference_ne: float
    drift: Interval
    worst_part: PartBound | None

    @property
    def ne_upper(self) -> float:
        """Upper bound of NE on these pictures, relative to the float model's."""
        return self.reference_ne * (1.0 + self.drift.upper)


@dataclass(frozen=True)
class Time:
    """Milliseconds from the network's input to landmarks: the stages and the decoding.

    Attributes:
        median: over the runs.
        lower, upper: 95 % bounds of the median, whatever the distribution of the times.
        p90: 90 % quantile.
        runs: measured ones.
        preprocess: median of resizing and padding the picture, which is in none of the above.
    """

    median: float
    lower: float
    upper: float
    p90: float
    runs: int
    preprocess: float


@dataclass(frozen=True)
class Trial:
    """One candidate on one rung.

    Attributes:
        rung: from 1.
        candidate: what was measured.
        score: its accuracy. Threads do not change it, so that candidates which differ in them share it.
        time: its speed.
        bytes: of the stages that run, as they are in the bundle.
    """

    rung: int
    candidate: Candidate
    score: Score
    time: Time
    bytes: int


def time_of(runs: Sequence[Timings]) -> Time:
    """The time of at least one run."""
    times = np.sort([sum(run.pieces.values()) + run.decode_ms for run in runs])
    low, high = median_ranks(len(times))
    return Time(
        median=float(np.median(times)),
        lower=float(times[low]),
        upper=float(times[high]),
        p90=float(np.quantile(times, 0.9)),
        runs=len(times),
        preprocess=float(np.median([run.preprocess_ms for run in runs])),
    )
