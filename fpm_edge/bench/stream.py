"""One variant at work: queries one after the other, and what each took."""

from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from time import perf_counter

import numpy as np

from fpm_edge.bench.data import Energy, Parts
from fpm_edge.bench.energy import EnergyMeter
from fpm_edge.bench.frames import Frames
from fpm_edge.bench.settings import Settings
from fpm_edge.bench.spread import percentile
from fpm_edge.bench.turns import in_turns
from fpm_edge_runtime import Detection, Session

__all__ = ["Stream", "take_turns"]


def _times() -> "array[float]":
    return array("d")


@dataclass
class Stream:
    """A single stream: the next query begins when the one before has been answered (MLPerf's scenario of this name).

    Attributes:
        session, stages: what answers.
        frames: what is asked, picture after picture.
        clock: seconds.
        total, inference, preprocess, decode, pieces: milliseconds of each query that counts.
        turns: the median of `total` in each turn.
        seconds: of all turns.
        millijoules: of all turns; None where there is no meter.
    """

    session: Session
    stages: int
    frames: Frames
    clock: Callable[[], float] = perf_counter
    total: "array[float]" = field(default_factory=_times)
    inference: "array[float]" = field(default_factory=_times)
    preprocess: "array[float]" = field(default_factory=_times)
    decode: "array[float]" = field(default_factory=_times)
    pieces: dict[str, "array[float]"] = field(default_factory=dict)
    turns: list[float] = field(default_factory=list)
    seconds: float = 0.0
    millijoules: float | None = None
    _asked: int = 0

    def query(self) -> Detection:
        """Ask once; what that took is not kept."""
        self._asked += 1
        return self.session.detect(self.frames.of(self._asked - 1), stages=self.stages)

    def turn(self, settings: Settings, meter: EnergyMeter | None = None) -> None:
        """As many queries as bring it to its share of the settings' queries and seconds by the end of this turn.

        The first query of a turn does not count: the caches hold another variant's weights, and its threads may still
        spin. At least one does.
        """
        share = (len(self.turns) + 1) / settings.rounds
        self.query()
        counted = len(self.total)
        before = None if meter is None else meter.read()
        start = now = self.clock()
        # A little less of the queries will do where the share of them rounds up.
        while (
            len(self.total) == counted
            or len(self.total) < settings.queries * share - 1e-6
            or self.seconds + now - start < settings.seconds * share
        ):
            asked = self.clock()
            found = self.query()
            now = self.clock()
            self._keep((now - asked) * 1e3, found)
        self.seconds += now - start
        if meter is not None and before is not None:
            self.millijoules = (self.millijoules or 0.0) + meter.millijoules(before, meter.read())
        self.turns.append(percentile(np.sort(self.total[counted:]), 50))

    def parts(self) -> Parts:
        """Medians of each part."""
        pieces = {name: _median(times) for name, times in self.pieces.items()}
        return Parts(_median(self.preprocess), pieces, _median(self.decode))

    def energy(self, meter: EnergyMeter | str) -> Energy:
        """By query; `meter` is what `find_meter` says."""
        if isinstance(meter, str) or self.millijoules is None:
            return Energy(None, why=str(meter))
        return Energy(self.millijoules / len(self.total), meter.source)

    def _keep(self, total: float, found: Detection) -> None:
        timings = found.timings
        self.total.append(total)
        # By the one clock: parts are never more than the whole.
        self.inference.append(max(0.0, total - timings.preprocess_ms))
        self.preprocess.append(timings.preprocess_ms)
        self.decode.append(timings.decode_ms)
        for name, took in timings.pieces.items():
            self.pieces.setdefault(name, _times()).append(took)


def take_turns(
    streams: Sequence[Stream],
    settings: Settings,
    meter: EnergyMeter | None = None,
    advance: Callable[[], None] = lambda: None,
) -> None:
    """All turns of all streams, each round in a new order; `advance` is called after each turn."""
    for _, index in in_turns(len(streams), settings.rounds, settings.seed):
        streams[index].turn(settings, meter)
        advance()


def _median(times: "array[float]") -> float:
    return percentile(np.sort(times), 50)
