"""The other side of `isolated_speed`: one engine, loaded with several numbers of threads, timed when it is asked to.

The first line on stdout is a `Loaded`. Then, for each `Turn` on a line of stdin, a `Took`. It ends with its stdin.
"""

from collections.abc import Iterable, Sequence
from itertools import cycle
from statistics import median
from time import perf_counter
from typing import IO, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from fpm_edge_runtime.check.checked import checked_session
from fpm_edge_runtime.engines import Engine
from fpm_edge_runtime.errors import FpmEdgeError
from fpm_edge_runtime.stages.bundle import Bundle
from fpm_edge_runtime.stages.session import Session

__all__ = ["Loaded", "Ready", "Took", "Turn", "serve"]


class Ready(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One number of threads: `outcome` of the self-check with it, as in `isolated.EngineCheck`."""

    threads: int
    outcome: Literal["ok", "wrong", "not finite", "refused", "missing"]
    reason: str


class Loaded(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What can be timed; `digest` is that of the bundle."""

    digest: str
    ready: list[Ready]


class Turn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Run with so many threads for so many seconds."""

    threads: int
    seconds: float


class Took(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Median of the turn's runs, milliseconds; None where one failed, and `reason` why."""

    ms: float | None
    reason: str = ""


def serve(bundle: Bundle, engine: str | Engine, threads: Sequence[int], asked: Iterable[bytes], out: IO[bytes]) -> None:
    """Load and check, then answer one line after the other."""
    sessions: dict[int, Session] = {}
    ready = []
    for count in threads:
        found, session = checked_session(bundle, engine, count)
        ready.append(Ready(count, found.outcome, found.reason))
        if session is not None:
            sessions[count] = session
    golden = bundle.golden()
    pictures = [bundle.golden_input(case) for case in golden.cases] if golden is not None else []
    _say(out, Loaded(bundle.digest, ready))
    for line in asked:
        turn = msgspec.json.decode(line, type=Turn)
        _say(out, _take(sessions[turn.threads], pictures, turn.seconds))


def _take(session: Session, pictures: Sequence[NDArray[np.uint8]], seconds: float) -> Took:
    """The first run is not counted: the caches hold another candidate's weights, and its threads may still spin."""
    times: list[float] = []
    start = perf_counter()
    try:
        for picture in cycle(pictures):
            found = session.detect(picture).timings
            times.append(found.total_ms - found.preprocess_ms)
            if len(times) > 1 and perf_counter() - start >= seconds:
                break
    except FpmEdgeError as error:
        return Took(None, str(error))
    return Took(median(times[1:]))


def _say(out: IO[bytes], what: msgspec.Struct) -> None:
    out.write(msgspec.json.encode(what) + b"\n")
    out.flush()
