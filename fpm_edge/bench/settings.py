"""How long, how often, in which order."""

from dataclasses import dataclass, field

from fpm_edge.bench.warm_up import WarmUpRule
from fpm_edge_runtime.errors import UsageError

__all__ = ["PUBLISHED_QUERIES", "PUBLISHED_SECONDS", "Settings"]

PUBLISHED_QUERIES = 1024
PUBLISHED_SECONDS = 60.0
"""What MLPerf Mobile asks of a single stream at least."""


@dataclass(frozen=True)
class Settings:
    """The protocol; by default that of a published figure.

    Attributes:
        queries, seconds: each variant has at least so many of both.
        turns: each variant's queries are spread over so many turns, at most one for each query.
        processes: cold starts of each variant.
        warm_up: before the first turn.
        seed: of the orders.

    Raises:
        UsageError: a number is out of range.
    """

    queries: int = PUBLISHED_QUERIES
    seconds: float = PUBLISHED_SECONDS
    turns: int = 20
    processes: int = 5
    warm_up: WarmUpRule = field(default_factory=WarmUpRule)
    seed: int = 0

    def __post_init__(self) -> None:
        if self.queries < 1 or not 0 <= self.seconds < float("inf") or self.turns < 1 or self.processes < 1:
            raise UsageError(f"{self}: expected at least one query, turn and process, and finite seconds, 0 or more")

    @property
    def rounds(self) -> int:
        """Turns of each variant."""
        return min(self.turns, self.queries)

    @property
    def quick(self) -> bool:
        """Whether it is less than a published figure needs."""
        return self.queries < PUBLISHED_QUERIES or self.seconds < PUBLISHED_SECONDS

    @classmethod
    def short(cls) -> "Settings":
        """For a first look."""
        return cls(queries=64, seconds=2.0, turns=10, processes=3, warm_up=WarmUpRule(seconds=0.1, most=2.0))
