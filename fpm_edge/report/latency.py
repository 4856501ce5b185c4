"""Time several things so that a noisy machine hurts them all alike."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import TypeVar

import numpy as np

from fpm_edge.bench.turns import in_turns
from fpm_edge.data import Dataset, read_image
from fpm_edge.report.data import Latency, Spread
from fpm_edge_runtime import Session
from fpm_edge_runtime.errors import UsageError
from fpm_edge_runtime.stages.results import Timings

__all__ = ["WARM_UP", "Frames", "interleave", "latency_of", "spread_of"]

# So many different pictures are timed in turn.
_PICTURES = 8

# Runs before the measured ones: the first pay for caches, allocations and the processor's clock.
WARM_UP = 3

_Key = TypeVar("_Key", bound=Hashable)


class Frames:
    """The pictures that are timed in turn, spread over a data set."""

    def __init__(self, dataset: Dataset) -> None:
        chosen = np.linspace(0, len(dataset) - 1, min(_PICTURES, len(dataset))).round().astype(int)
        records = [dataset.records[i] for i in dict.fromkeys(chosen.tolist())]
        self.pictures = [(read_image(record), record.box) for record in records]
        """Pixels and box of each."""

    def run(self, session: Session, stages: int, number: int) -> Timings:
        """What the `number`-th run of so many stages takes."""
        picture, box = self.pictures[number % len(self.pictures)]
        return session.detect(picture, box=box, stages=stages).timings


def interleave(
    tasks: Mapping[_Key, Callable[[int], Timings]],
    repeats: int,
    *,
    warm_up: int = WARM_UP,
    seed: int = 0,
    advance: Callable[[], None] = lambda: None,
) -> dict[_Key, list[Timings]]:
    """Run every task once a round, in a new order each round, and keep the times of all but the first rounds.

    Args:
        tasks: name → what to time; called with the number of the round, and tells its own times.
        repeats: measured rounds.
        warm_up: rounds before them.
        seed: of the orders.
        advance: called after each run.

    Raises:
        UsageError: fewer than one repeat.
    """
    if repeats < 1:
        raise UsageError(f"repeats is {repeats}; expected at least 1")
    names = list(tasks)
    found: dict[_Key, list[Timings]] = {name: [] for name in names}
    for number, index in in_turns(len(names), warm_up + repeats, seed):
        timings = tasks[names[index]](number)
        if number >= warm_up:
            found[names[index]].append(timings)
        advance()
    return found


def latency_of(runs: Sequence[Timings]) -> Latency:
    """The quantiles of at least one run; all of them must have run the same pieces."""
    engine = [sum(run.pieces.values()) for run in runs]
    inference = [time + run.decode_ms for time, run in zip(engine, runs, strict=True)]
    return Latency(
        inference=spread_of(inference),
        engine=spread_of(engine),
        pieces={name: float(np.median([run.pieces[name] for run in runs])) for name in runs[0].pieces},
        preprocess_ms=float(np.median([run.preprocess_ms for run in runs])),
        decode_ms=float(np.median([run.decode_ms for run in runs])),
        runs_ms=tuple(round(time, 3) for time in inference),
    )


def spread_of(times: Sequence[float]) -> Spread:
    """Median, 90 % and 99 % quantile (linear between the two nearest values) of at least one time."""
    median, p90, p99 = np.quantile(np.asarray(times, np.float64), (0.5, 0.9, 0.99))
    return Spread(float(median), float(p90), float(p99), len(times))
