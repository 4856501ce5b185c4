"""Run a bundle's stages on pictures, as many as the time allows."""

import math
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from fpm_edge_runtime._pace import Pace
from fpm_edge_runtime._wiring import pieces_for
from fpm_edge_runtime.convergence import moved_px
from fpm_edge_runtime.decode import Doubt, read_heatmaps
from fpm_edge_runtime.engines import Delegate, Engine, PieceRunner
from fpm_edge_runtime.errors import DataError, FpmEdgeError, UsageError
from fpm_edge_runtime.geometry import Letterbox, cells_to_input
from fpm_edge_runtime.image import check_image, letterbox, load_image
from fpm_edge_runtime.manifest import Format, Geometry, Piece
from fpm_edge_runtime.results import Detection, StageResult, StopReason, Timings, Trace
from fpm_edge_runtime.tensors import arranged

if TYPE_CHECKING:
    from fpm_edge_runtime.bundle import Bundle
    from fpm_edge_runtime.schema import LandmarkSchema

__all__ = ["MOST_THREADS", "Session"]

_WARM_UP_RUNS = 2
MOST_THREADS = 256
"""Engines crash when asked for absurdly many."""
_DECODE = "decode"

Box = tuple[float, float, float, float]

# Landmarks (landmarks, 2) float32, scores (landmarks,) float32, landmark name → doubt.
_Decoded = tuple[NDArray[np.float32], NDArray[np.float32], dict[str, Doubt]]


class Session:
    """A bundle's pieces, loaded into an engine. Get one from `Bundle.session`.

    Several threads may use one session: each piece then runs for one of them at a time.
    """

    def __init__(
        self,
        bundle: "Bundle",
        engine: Engine,
        form: Format,
        *,
        threads: int | None = None,
        stages: int | None = None,
    ) -> None:
        """See `Bundle.session` for the arguments and errors; `form` is the format whose pieces are loaded."""
        if threads is not None and not 1 <= threads <= MOST_THREADS:
            raise UsageError(f"threads is {threads}; expected 1 to {MOST_THREADS}, or none: the engine decides then")
        self._bundle = bundle
        self._manifest = bundle.manifest
        self._stage_limit = _check_stages(stages, bundle.stages, "the bundle")
        self._engine = engine
        self._format = form
        pieces = bundle.manifest.pieces[form]
        self._plan = {stage: pieces_for(pieces, stage) for stage in range(1, self._stage_limit + 1)}
        self._made = {spec.name: spec for piece in pieces for spec in piece.outputs}
        needed = {piece.name: piece for plan in self._plan.values() for piece in plan}
        self._runners: dict[str, PieceRunner] = {
            name: engine.load(piece, bundle.read(piece.member), threads) for name, piece in needed.items()
        }
        self._lock = threading.Lock()
        self._pace = Pace()
        self._warm_up()

    @property
    def bundle(self) -> "Bundle":
        """The bundle it runs."""
        return self._bundle

    @property
    def engine(self) -> str:
        """Name of the engine."""
        return self._engine.name

    @property
    def engine_version(self) -> str:
        """Version of the engine's package."""
        return self._engine.version

    @property
    def delegate(self) -> Delegate:
        """What the engine runs the pieces on."""
        return getattr(next(iter(self._runners.values())), "delegate", "none")

    @property
    def delegated(self) -> float:
        """Share of a piece's operations that the delegate runs, of the piece where it is least; 0 without a delegate.

        Otherwise 1, unless the engine is one of your own: those in `ENGINES` raise where a delegate does not take all.
        """
        return min(getattr(runner, "delegated", 0.0) for runner in self._runners.values())

    @property
    def format(self) -> Format:
        """Which of the bundle's formats is loaded."""
        return self._format

    @property
    def stage_limit(self) -> int:
        """How many stages are loaded; no call can run more."""
        return self._stage_limit

    @property
    def schema(self) -> "LandmarkSchema":
        """The landmarks it finds."""
        return self._manifest.landmarks

    @property
    def geometry(self) -> Geometry:
        """Size of the network's input, and its stride."""
        return self._manifest.geometry

    def detect(
        self,
        image: str | Path | NDArray[np.uint8],
        *,
        category: str | None = None,
        box: Box | None = None,
        stages: int | None = None,
        deadline_ms: float | None = None,
        converge_px: float | Literal["fitted"] | None = None,
        looks: int = 1,
    ) -> Detection:
        """Find the landmarks of one picture.

        Args:
            image: path of a picture, or (height, width, 3) uint8 RGB.
            category: what garment it is, to say which landmarks are meaningful.
            box: (x0, y0, x1, y1) the garment's region, pixels (edge coordinates); None for the whole picture.
            stages: run at most so many; None for all that are loaded.
            deadline_ms: start a stage only if it will probably (95 % quantile of its last 64 runs) end within this
                time from the call. Stage 1 always runs.
            converge_px: run no further stage where no clear landmark of the category moved by more than this since the
                stage before, in pixels of the network's input (`moved_px`); ``fitted`` for what the bundle was found to
                bear (`Manifest.convergence`).

        Raises:
            UsageError: stages, box, deadline_ms or converge_px is out of range, or nothing was fitted.
            SchemaError: the category is unknown.
            DataError: the image is not a picture (ImageError for a file), or the box lies outside it.
        """
        if looks != 1:
            raise UsageError(f"looks is {looks}; expected 1")
        return self._detect(self._frame(stages, deadline_ms), image, category, box, converge_px)[0]

    def trace(
        self,
        image: str | Path | NDArray[np.uint8],
        *,
        category: str | None = None,
        box: Box | None = None,
        stages: int | None = None,
        deadline_ms: float | None = None,
        converge_px: float | Literal["fitted"] | None = None,
    ) -> Trace:
        """As `detect`, with what a comparison with another model needs: every stage's landmarks, and the input.

        Arguments and errors are those of `detect`. The earlier stages are decoded after the answer was there.
        """
        frame = self._frame(stages, deadline_ms)
        detection, fit = self._detect(frame, image, category, box, converge_px)
        earlier = [self._decode(frame, stage)[0] for stage in range(1, detection.stages_run)]
        landmarks = np.stack([*earlier, fit.to_input(detection.landmarks)])
        return Trace(detection, landmarks, frame.tensors["image"][0].copy(), fit)

    def detect_input(self, image: NDArray[np.uint8], *, stages: int | None = None) -> tuple[StageResult, ...]:
        """Every stage's landmarks for a ready-made network input, in pixels of that input.

        Args:
            image: (input height, input width, 3) uint8 RGB, for example of `Bundle.golden_input`.
            stages: as for `detect`.

        Raises:
            UsageError: stages is out of range.
            DataError: the array is not of exactly that shape and type.
        """
        frame = self._frame(stages, None)
        frame.tensors["image"] = self._check_input(image)
        return tuple(self._each_stage(frame))

    def stages(
        self,
        image: str | Path | NDArray[np.uint8],
        *,
        category: str | None = None,
        box: Box | None = None,
        stages: int | None = None,
        deadline_ms: float | None = None,
    ) -> Iterator[StageResult]:
        """Find the landmarks of one picture, and give the answer of every stage as soon as it is there.

        Arguments and errors are those of `detect`, and are checked at the call. Time that the caller spends between
        two stages counts towards the deadline.
        """
        frame = self._frame(stages, deadline_ms)
        self._labelled(category)
        self._prepare(frame, image, box)
        return self._each_stage(frame)

    def _detect(
        self,
        frame: "_Frame",
        image: str | Path | NDArray[np.uint8],
        category: str | None,
        box: Box | None,
        converge_px: float | Literal["fitted"] | None,
    ) -> tuple[Detection, Letterbox]:
        labelled = self._labelled(category)
        still = self._still(converge_px)
        fit = self._prepare(frame, image, box)
        return self._answer(frame, labelled, category, still), fit

    def _each_stage(self, frame: "_Frame") -> Iterator[StageResult]:
        for stage in self._advance(frame):
            landmarks, scores, doubts = self._decode(frame, stage)
            elapsed = (perf_counter() - frame.start) * 1e3
            yield StageResult(stage, frame.to_picture(landmarks), scores, doubts, elapsed)

    def _answer(
        self, frame: "_Frame", labelled: NDArray[np.bool_], category: str | None, still: float | None
    ) -> Detection:
        (landmarks, scores, doubts), stages_run = self._run_stages(frame, labelled, still)
        landmarks = frame.to_picture(landmarks)
        timings = Timings(
            preprocess_ms=frame.preprocess * 1e3,
            pieces={name: seconds * 1e3 for name, seconds in frame.pieces.items()},
            decode_ms=frame.decode * 1e3,
            total_ms=(perf_counter() - frame.start) * 1e3,
        )
        return Detection(
            landmarks, scores, labelled, doubts, stages_run, frame.stop_reason, timings, self.engine, category
        )

    def _run_stages(self, frame: "_Frame", labelled: NDArray[np.bool_], still: float | None) -> tuple[_Decoded, int]:
        """What the last stage that ran found, in pixels of the input, and its number."""
        stage, found, before = 0, None, None
        for stage in self._advance(frame):
            if still is None:
                continue
            before, found = found, self._decode(frame, stage)
            if (
                before is not None
                and moved_px(before[0], found[0], found[1], labelled) <= still
                and stage < frame.limit
            ):
                frame.stop_reason = "converged"
                break
        return found or self._decode(frame, stage), stage

    def _advance(self, frame: "_Frame") -> Iterator[int]:
        """Run stage after stage while the frame's limit and deadline allow."""
        for stage in range(1, frame.limit + 1):
            waiting = [piece for piece in self._plan[stage] if piece.name not in frame.pieces]
            if stage > 1 and frame.deadline is not None:
                predicted = sum(self._pace.predict(piece.name) for piece in waiting) + self._pace.predict(_DECODE)
                if perf_counter() + predicted > frame.deadline:
                    frame.stop_reason = "deadline"
                    return
            for piece in waiting:
                self._run(frame, piece)
            yield stage
        frame.stop_reason = "all stages" if frame.limit == self._manifest.stages else "stage limit"

    def _run(self, frame: "_Frame", piece: Piece) -> None:
        inputs: Mapping[str, NDArray[Any]] = {
            spec.name: arranged(frame.tensors[spec.name], self._made.get(spec.name), spec) for spec in piece.inputs
        }
        with self._lock:
            start = perf_counter()
            try:
                outputs = self._runners[piece.name](inputs)
            except (RuntimeError, ValueError) as error:
                raise FpmEdgeError(
                    f"{self.engine} {self.engine_version} failed in {piece.name} ({piece.member}): {error}; "
                    "try another engine"
                ) from error
            seconds = perf_counter() - start
            self._pace.record(piece.name, seconds)
        frame.tensors.update(outputs)
        frame.pieces[piece.name] = seconds

    def _decode(self, frame: "_Frame", stage: int) -> _Decoded:
        """What a stage that has run found; its landmarks in pixels of the input."""
        start = perf_counter()
        spec = self._made[f"heatmap_{stage}"]
        names = self.schema.landmarks
        read = read_heatmaps(
            frame.tensors[spec.name][0],
            layout=spec.layout,
            landmarks=len(names),
            scale=spec.scale,
            zero_point=spec.zero_point,
        )
        landmarks = cells_to_input(read.cells, self.geometry.stride)
        seconds = perf_counter() - start
        frame.decode += seconds
        self._pace.record(_DECODE, seconds)
        return landmarks, read.scores, {names[index]: doubt for index, doubt in read.doubts.items()}

    def _frame(self, stages: int | None, deadline_ms: float | None) -> "_Frame":
        start = perf_counter()
        limit = _check_stages(stages, self._stage_limit, "the session")
        if deadline_ms is None:
            return _Frame(start, limit, None)
        if not math.isfinite(deadline_ms) or deadline_ms < 0:
            raise UsageError(f"deadline_ms is {deadline_ms}; expected milliseconds from the call, 0 or more")
        return _Frame(start, limit, start + deadline_ms / 1e3)

    def _still(self, converge_px: float | Literal["fitted"] | None) -> float | None:
        """Pixels of the input within which landmarks count as still."""
        if converge_px == "fitted":
            fitted = self._manifest.convergence
            if fitted is None:
                raise UsageError(
                    "converge_px is 'fitted', and the bundle has no such value (Manifest.convergence); give pixels of "
                    "the input, or convert the model again with three stages or more"
                )
            return fitted.px
        if converge_px is not None and (isinstance(converge_px, str) or not converge_px >= 0):
            raise UsageError(f"converge_px is {converge_px!r}; expected pixels of the input, 0 or more, or 'fitted'")
        return converge_px

    def _prepare(self, frame: "_Frame", image: str | Path | NDArray[np.uint8], box: Box | None) -> Letterbox:
        if box is not None and len(box) != 4:
            raise UsageError(f"box is {box}; expected (x0, y0, x1, y1) in pixels of the picture")
        pixels = load_image(image) if isinstance(image, str | Path) else check_image(image)
        size = (self.geometry.input_width, self.geometry.input_height)
        frame.fit = Letterbox.fit((pixels.shape[1], pixels.shape[0]), size, box)
        frame.tensors["image"] = letterbox(pixels, frame.fit, size)[np.newaxis]
        frame.preprocess = perf_counter() - frame.start
        return frame.fit

    def _check_input(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        expected = (self.geometry.input_height, self.geometry.input_width, 3)
        if check_image(image).shape != expected:
            raise DataError(f"the input has shape {image.shape}; expected {expected}; use detect for other pictures")
        return np.ascontiguousarray(image)[np.newaxis]

    def _labelled(self, category: str | None) -> NDArray[np.bool_]:
        count = len(self.schema.landmarks)
        if category is None:
            return np.ones(count, np.bool_)
        labelled = np.zeros(count, np.bool_)
        labelled[list(self.schema.landmarks_of(category))] = True
        return labelled

    def _warm_up(self) -> None:
        """Run everything on black, and keep the time of the last run: the first one also pays for allocations."""
        black = np.zeros((1, self.geometry.input_height, self.geometry.input_width, 3), np.uint8)
        for _ in range(_WARM_UP_RUNS):
            self._pace = Pace()
            frame = self._frame(None, None)
            frame.tensors["image"] = black
            for stage in self._advance(frame):
                self._decode(frame, stage)


@dataclass
class _Frame:
    """One picture on its way through the stages. Times in seconds; `tensors` are NHWC images and raw outputs."""

    start: float
    limit: int
    deadline: float | None
    fit: Letterbox | None = None
    tensors: dict[str, NDArray[Any]] = field(default_factory=dict)
    pieces: dict[str, float] = field(default_factory=dict)
    preprocess: float = 0.0
    decode: float = 0.0
    stop_reason: StopReason = "all stages"

    def to_picture(self, landmarks: NDArray[np.float32]) -> NDArray[np.float32]:
        """Pixels of the input → pixels of the picture that it was made of, if it was made of one."""
        return landmarks if self.fit is None else self.fit.to_picture(landmarks)


def _check_stages(stages: int | None, limit: int, owner: str) -> int:
    if stages is None:
        return limit
    if not 1 <= stages <= limit:
        raise UsageError(f"stages is {stages}; {owner} has {limit}: expected 1 to {limit}, or None for all")
    return stages
