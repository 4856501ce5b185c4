"""Run until the times no longer change."""

from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter

import numpy as np

from fpm_edge.bench.data import WarmUp
from fpm_edge.bench.spread import percentile

__all__ = ["WarmUpRule", "warm_up"]


@dataclass(frozen=True)
class WarmUpRule:
    """When something counts as warm: the medians of `windows` windows in a row lie within `tolerance` of each other.

    Attributes:
        queries, seconds: a window has at least so many and lasts at least so long, or it has lasted `most_window`.
        most_window: seconds, for networks that take so long that a window of `queries` would not end.
        windows: how many in a row.
        tolerance: largest median ÷ least − 1.
        most: seconds after which it ends, stable or not.
    """

    queries: int = 16
    seconds: float = 0.25
    most_window: float = 2.0
    windows: int = 3
    tolerance: float = 0.05
    most: float = 30.0

    @property
    def words(self) -> str:
        """For people."""
        return (
            f"medians of {self.windows} windows in a row within {self.tolerance:.0%}; a window: at least "
            f"{self.queries} queries and {self.seconds:g} s, at most {self.most_window:g} s; "
            f"given up after {self.most:g} s"
        )


def warm_up(query: Callable[[], object], rule: WarmUpRule, clock: Callable[[], float] = perf_counter) -> WarmUp:
    """Call `query` until its times are stable, or the rule's time is over.

    Args:
        query: one query; at least one is made.
        rule: what stable is.
        clock: seconds.
    """
    medians: list[float] = []
    start = now = clock()
    count = 0
    while now - start < rule.most or not count:
        opened = now
        times: list[float] = []
        while not _full(rule, len(times), now - opened):
            before = clock()
            query()
            now = clock()
            times.append(now - before)
            count += 1
            if now - start >= rule.most:
                break
        medians.append(percentile(np.sort(times), 50))
        latest = medians[-rule.windows :]
        if len(latest) == rule.windows and max(latest) <= min(latest) * (1 + rule.tolerance):
            return WarmUp(count, now - start, stable=True)
    return WarmUp(count, now - start, stable=False)


def _full(rule: WarmUpRule, queries: int, seconds: float) -> bool:
    return bool(queries) and (seconds >= rule.most_window or (queries >= rule.queries and seconds >= rule.seconds))
