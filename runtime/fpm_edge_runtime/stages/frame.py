"""One picture on its way through a session's stages."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fpm_edge_runtime.errors import UsageError
from fpm_edge_runtime.pixels.decode import Doubt
from fpm_edge_runtime.pixels.geometry import Letterbox
from fpm_edge_runtime.stages.recognizer import Recognized
from fpm_edge_runtime.stages.results import StageResult, StopReason, Timings

__all__ = ["Found", "Frame", "check_stages", "start_frame"]


@dataclass(frozen=True, eq=False)
class Found:
    """What one stage found: as `StageResult` has it, but with landmarks in pixels of the input."""

    landmarks: NDArray[np.float32]
    scores: NDArray[np.float32]
    doubts: Mapping[str, Doubt]
    recognized: Recognized


@dataclass
class Frame:
    """One look at a picture. Times in seconds; `tensors` are NHWC images and raw outputs.

    Attributes:
        start, deadline: on `clock`; no deadline where it is None.
        limit: how many stages may run.
        category: as asked for.
        clock: what says the time, in seconds from anywhere.
        fit: where the picture lies in the input; None for a ready-made input.
        found: stage → what it found, of those that were decoded.
        pieces: piece → its time, of those that ran.
        fitting: time that making the input of pixels took; part of `preprocess`.
        look: 1, or 2 for that at a region which the first one found.
        other: the other look at the same picture, whose time counts too.
    """

    start: float
    limit: int
    deadline: float | None
    category: str | None = None
    clock: Callable[[], float] = perf_counter
    fit: Letterbox | None = None
    tensors: dict[str, NDArray[Any]] = field(default_factory=dict)
    found: dict[int, Found] = field(default_factory=dict)
    pieces: dict[str, float] = field(default_factory=dict)
    preprocess: float = 0.0
    fitting: float = 0.0
    decode: float = 0.0
    stop_reason: StopReason = "all stages"
    look: int = 1
    other: "Frame | None" = None

    def to_picture(self, landmarks: NDArray[np.float32]) -> NDArray[np.float32]:
        """Pixels of the input → pixels of the picture that it was made of, if it was made of one."""
        return landmarks if self.fit is None else self.fit.to_picture(landmarks)

    def again(self) -> "Frame":
        """A second look at the same picture, in what is left of the time."""
        return Frame(self.start, self.limit, self.deadline, self.category, self.clock, look=2, other=self)

    def result(self, stage: int) -> StageResult:
        """What a stage that was decoded found, now."""
        found = self.found[stage]
        recognized = found.recognized
        return StageResult(
            stage,
            self.to_picture(found.landmarks),
            found.scores,
            found.doubts,
            (self.clock() - self.start) * 1e3,
            recognized.labelled,
            recognized.category,
            recognized.score,
            recognized.confidences,
        )

    def timings(self) -> Timings:
        """Where the time went, until now."""
        looks = [self] if self.other is None else sorted((self, self.other), key=lambda frame: frame.look)
        pieces: dict[str, float] = {}
        for frame in looks:
            for name, seconds in frame.pieces.items():
                pieces[name] = pieces.get(name, 0.0) + seconds * 1e3
        return Timings(
            preprocess_ms=sum(frame.preprocess for frame in looks) * 1e3,
            pieces=pieces,
            decode_ms=sum(frame.decode for frame in looks) * 1e3,
            total_ms=(self.clock() - self.start) * 1e3,
        )


def start_frame(
    limit: int,
    stages: int | None,
    deadline_ms: float | None,
    category: str | None = None,
    clock: Callable[[], float] = perf_counter,
) -> Frame:
    """A frame whose time begins now. Raises UsageError where stages or deadline_ms is out of range."""
    start = clock()
    stages = check_stages(stages, limit, "the session")
    if deadline_ms is None:
        return Frame(start, stages, None, category, clock)
    if not math.isfinite(deadline_ms) or deadline_ms < 0:
        raise UsageError(f"deadline_ms is {deadline_ms}; expected milliseconds from the call, 0 or more")
    return Frame(start, stages, start + deadline_ms / 1e3, category, clock)


def check_stages(stages: int | None, limit: int, owner: str) -> int:
    """How many stages may run. Raises UsageError where that is not 1 to `limit`, which is what `owner` has."""
    if stages is None:
        return limit
    if not 1 <= stages <= limit:
        raise UsageError(f"stages is {stages}; {owner} has {limit}: expected 1 to {limit}, or None for all")
    return stages
