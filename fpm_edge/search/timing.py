"""Time many candidates side by side."""

from collections.abc import Callable, Mapping

from fpm_edge.report.latency import Frames, interleave
from fpm_edge.search.space import Candidate
from fpm_edge_runtime import Session
from fpm_edge_runtime.stages.results import Timings

__all__ = ["time_candidates", "turns"]

# Of every candidate, beside the run before each measured one.
_WARM_UP = 1


def time_candidates(
    sessions: Mapping[Candidate, Session], frames: Frames, runs: int, advance: Callable[[], None]
) -> dict[Candidate, list[Timings]]:
    """Time all candidates in turn, in a new order each round.

    With dozens of sessions in turn, each finds the caches full of another's weights, and threads of the one before may
    still be spinning. On a device one model runs all the time; so each turn is two runs, and the second counts.

    Args:
        sessions: what runs each candidate.
        frames: pictures.
        runs: measured ones of each.
        advance: called after each turn; there are `turns(runs)` for each candidate.
    """

    def task(candidate: Candidate, session: Session) -> Callable[[int], Timings]:
        def run(number: int) -> Timings:
            frames.run(session, candidate.stages, number)
            return frames.run(session, candidate.stages, number)

        return run

    tasks = {candidate: task(candidate, session) for candidate, session in sessions.items()}
    return interleave(tasks, runs, warm_up=_WARM_UP, advance=advance)


def turns(runs: int) -> int:
    """Turns of each candidate, with those that warm it up."""
    return runs + _WARM_UP
