"""What a session answers."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from fpm_edge_runtime.pixels.decode import Doubt
from fpm_edge_runtime.pixels.geometry import Letterbox

__all__ = ["Detection", "Detector", "Fallback", "StageResult", "StopReason", "Timings", "Trace"]

StopReason = Literal["all stages", "stage limit", "deadline", "converged"]
Fallback = Literal["more stages", "engine", "float"]


@dataclass(frozen=True, eq=False)
class StageResult:
    """The answer of one stage.

    Attributes:
        stage: its number, from 1.
        landmarks: (landmarks, 2) float32, x and y in pixels of the original picture.
        scores: (landmarks,) float32, heatmap values at the landmarks; 0 where there is a doubt.
        doubts: landmark name → why its heatmap does not say where it is, see `decode.Reading`. Empty if all do.
        elapsed_ms: from the call to this answer.
        labelled, category, category_score, confidences: as of a `Detection`, by this stage.
    """

    stage: int
    landmarks: NDArray[np.float32]
    scores: NDArray[np.float32]
    doubts: Mapping[str, Doubt]
    elapsed_ms: float
    labelled: NDArray[np.bool_]
    category: str | None = None
    category_score: float | None = None
    confidences: NDArray[np.float32] | None = None


@dataclass(frozen=True)
class Timings:
    """Where the time went, in milliseconds.

    Attributes:
        preprocess_ms: reading the file (if a path was given), resizing and padding.
        pieces: piece name → time in the engine, in the order they ran.
        decode_ms: from heatmaps to landmarks.
        total_ms: all of the call.
    """

    preprocess_ms: float
    pieces: Mapping[str, float]
    decode_ms: float
    total_ms: float


@dataclass(frozen=True, eq=False)
class Detection:
    """The landmarks of one picture.

    Attributes:
        landmarks: (landmarks, 2) float32, x and y in pixels of the original picture. Always finite.
        scores: (landmarks,) float32, heatmap values at the landmarks; 0 where there is a doubt.
        labelled: (landmarks,) bool, which landmarks the category has; all of them where it is not known, not one where
            there is no garment.
        doubts: landmark name → why its heatmap does not say where it is, see `decode.Reading`. Empty if all do.
        stages_run: how many stages ran; the last of them gave the landmarks.
        stop_reason: why no further stage ran. "all stages": there are no more. "stage limit": the session or the
            call asked for no more. "deadline": the next stage would probably not have ended in time. "converged": the
            clear landmarks had stopped moving.
        timings: where the time went.
        engine: name of the engine.
        category: as given, or as found by the bundle's rule: "none" where there is no garment. None where it is not
            known: the bundle has no rule, or "any" was asked for.
        fallback: the step of a drift policy that was in force (`guard.Guard`); None where the session answered as it
            was asked. "more stages": all of them ran, whatever the call said. "engine": `engine` took the place of one
            that had drifted. "float": the float model answered.
        category_score: probability of the category that was found, 0 to 1; None where it was given or is not known.
        confidences: (landmarks,) float32, probability that the landmark lies within 0.05 of its true place, in units of
            the paper's NE, of a garment that has it; None where the bundle has no such calibration.
        looks: which look answered: 1 for that at the whole picture (or box), 2 for that at the region found in it.
    """

    landmarks: NDArray[np.float32]
    scores: NDArray[np.float32]
    labelled: NDArray[np.bool_]
    doubts: Mapping[str, Doubt]
    stages_run: int
    stop_reason: StopReason
    timings: Timings
    engine: str
    category: str | None
    fallback: Fallback | None = None
    category_score: float | None = None
    confidences: NDArray[np.float32] | None = None
    looks: int = 1


@dataclass(frozen=True, eq=False)
class Trace:
    """A detection, and what another model needs to be compared with it.

    Attributes:
        detection: the answer.
        landmarks: (stages that ran, landmarks, 2) float32, pixels of the input; the last is the answer's.
        input: (input height, input width, 3) uint8 RGB, the network's input; a copy.
        fit: where the picture lies in the input.
    """

    detection: Detection
    landmarks: NDArray[np.float32]
    input: NDArray[np.uint8]
    fit: Letterbox


class Detector(Protocol):
    """What `Live` and `Tracker` run: a `Session`, a `Shadow`, a `Guard`, a `Pool`, or anything else that detects."""

    @property
    def detect(self) -> Callable[..., Detection]:
        """See `Session.detect`."""
        ...
