"""Run a bundle's stages on pictures, as many as the time allows."""

import os
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from threading import Lock
from time import perf_counter
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from fpm_edge_runtime.bundle.contents import BundleContents
from fpm_edge_runtime.bundle.manifest import Format, Geometry, Piece
from fpm_edge_runtime.bundle.tensors import arranged
from fpm_edge_runtime.bundle.wiring import pieces_for
from fpm_edge_runtime.engines import Delegate, Engine, PieceRunner
from fpm_edge_runtime.errors import DataError, FpmEdgeError, UsageError
from fpm_edge_runtime.pixels.decode import read_heatmaps
from fpm_edge_runtime.pixels.geometry import Letterbox, cells_to_input
from fpm_edge_runtime.pixels.image import check_image, letterbox, load_image
from fpm_edge_runtime.stages.frame import Found, Frame, check_stages, start_frame
from fpm_edge_runtime.stages.pace import DECODE, Pace
from fpm_edge_runtime.stages.recognizer import Recognizer
from fpm_edge_runtime.stages.results import Detection, StageResult, Trace

if TYPE_CHECKING:
    from fpm_edge_runtime.bundle.schema import LandmarkSchema

__all__ = ["MOST_THREADS", "Session"]

_WARM_UP_RUNS = 2
MOST_THREADS = 256
"""Engines crash when asked for absurdly many."""

Box = tuple[float, float, float, float]


class Session:
    """A bundle's pieces, loaded into an engine. Get one from `Bundle.session`.

    Several threads may use one session: each piece then runs for one of them at a time.
    """

    def __init__(
        self,
        bundle: BundleContents,
        engine: Engine,
        form: Format,
        *,
        threads: int | None = None,
        stages: int | None = None,
        clock: Callable[[], float] = perf_counter,
    ) -> None:
        """See `Bundle.session` for the arguments and errors.

        `form` is the format whose pieces are loaded. `clock` says the time, in seconds from anywhere: deadlines and
        the pace of the pieces are by it.
        """
        if threads is not None and not 1 <= threads <= MOST_THREADS:
            raise UsageError(f"threads is {threads}; expected 1 to {MOST_THREADS}, or none: the engine decides then")
        self._bundle = bundle
        self._manifest = bundle.manifest
        self._stage_limit = check_stages(stages, bundle.stages, "the bundle")
        self._engine = engine
        self._format = form
        pieces = bundle.manifest.pieces[form]
        self._plan = {stage: pieces_for(pieces, stage) for stage in range(1, self._stage_limit + 1)}
        self._made = {spec.name: spec for piece in pieces for spec in piece.outputs}
        needed = {piece.name: piece for plan in self._plan.values() for piece in plan}
        self._runners: dict[str, PieceRunner] = {
            name: engine.load(piece, bundle.read(piece.member), threads) for name, piece in needed.items()
        }
        self._recognizer = Recognizer(bundle.manifest)
        self._lock = Lock()
        self._process, self._threads = os.getpid(), threads
        self._clock = clock
        self._pace = Pace()
        self._warm_up()

    @property
    def bundle(self) -> BundleContents:
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
            category: what garment it is, to say which landmarks are meaningful; "any" for all landmarks, whatever it
                is; None to find it, if the bundle has a rule for that (`Manifest.recognition`), else as "any".
            box: (x0, y0, x1, y1) the garment's region, pixels (edge coordinates); None for the whole picture.
            stages: run at most so many; None for all that are loaded.
            deadline_ms: start a stage only if it will probably (95 % quantile of its last 64 runs) end within this
                time from the call. Stage 1 always runs.
            converge_px: run no further stage where no clear landmark of the category moved by more than this since the
                stage before, in pixels of the network's input (`moved_px`); ``fitted`` for what the bundle was found to
                bear (`Manifest.convergence`).
            looks: 2 to run stage 1 on the whole picture (or box), and all stages on the region of what it found, where
                that shows the garment larger and stage 1 then sees it more clearly (`looks`); `Detection.looks` says
                which look answered. Deadline and timings are of both.

        Raises:
            UsageError: stages, box, deadline_ms, converge_px or looks is out of range, or nothing was fitted.
            SchemaError: the category is unknown.
            DataError: the image is not a picture (ImageError for a file), or the box lies outside it.
        """
        frame = start_frame(self._stage_limit, stages, deadline_ms, category, self._clock)
        return self._detect(frame, image, box, converge_px, looks)[0]

    def trace(
        self,
        image: str | Path | NDArray[np.uint8],
        *,
        category: str | None = None,
        box: Box | None = None,
        stages: int | None = None,
        deadline_ms: float | None = None,
        converge_px: float | Literal["fitted"] | None = None,
        looks: int = 1,
    ) -> Trace:
        """As `detect`, with what a comparison with another model needs: every stage's landmarks, and the input.

        Arguments and errors are those of `detect`; of two looks, the one that answered is traced. The earlier stages
        are decoded after the answer was there.
        """
        frame = start_frame(self._stage_limit, stages, deadline_ms, category, self._clock)
        detection, frame = self._detect(frame, image, box, converge_px, looks)
        assert frame.fit is not None
        earlier = [self._decode(frame, stage).landmarks for stage in range(1, detection.stages_run)]
        landmarks = np.stack([*earlier, frame.fit.to_input(detection.landmarks)])
        return Trace(detection, landmarks, frame.tensors["image"][0].copy(), frame.fit)

    def detect_input(self, image: NDArray[np.uint8], *, stages: int | None = None) -> tuple[StageResult, ...]:
        """Every stage's landmarks for a ready-made network input, in pixels of that input.

        Args:
            image: (input height, input width, 3) uint8 RGB, for example of `Bundle.golden_input`.
            stages: as for `detect`.

        Raises:
            UsageError: stages is out of range.
            DataError: the array is not of exactly that shape and type.
        """
        frame = start_frame(self._stage_limit, stages, None, clock=self._clock)
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
        frame = start_frame(self._stage_limit, stages, deadline_ms, category, self._clock)
        self._recognizer.check(category)
        self._prepare(frame, image, box)
        return self._each_stage(frame)

    def _detect(
        self,
        frame: Frame,
        image: str | Path | NDArray[np.uint8],
        box: Box | None,
        converge_px: float | Literal["fitted"] | None,
        looks: int,
    ) -> tuple[Detection, Frame]:
        """The answer, and the look that gave it."""
        self._recognizer.check(frame.category)
        still = None
        if converge_px is not None:
            from fpm_edge_runtime.stages.convergence import still_px

            still = still_px(converge_px, self._manifest.convergence)
        if looks == 1:
            self._prepare(frame, image, box)
        else:
            from fpm_edge_runtime.stages.looks import check_looks, look_again

            check_looks(looks)
            pixels = self._prepare(frame, image, box)
            frame = look_again(frame, partial(self._see, pixels), self._pace, self._input_size)
        return self._answer(frame, still), frame

    def _see(self, pixels: NDArray[np.uint8], frame: Frame, box: Box | None) -> Found:
        """What stage 1 finds; in this box, if the frame has no input yet."""
        if frame.fit is None:
            self._fit(frame, pixels, box)
        next(self._advance(frame))
        return self._decode(frame, 1)

    def _each_stage(self, frame: Frame) -> Iterator[StageResult]:
        for stage in self._advance(frame):
            self._decode(frame, stage)
            yield frame.result(stage)

    def _answer(self, frame: Frame, still: float | None) -> Detection:
        stages_run = self._run_stages(frame, still)
        found = self._decode(frame, stages_run)
        recognized = found.recognized
        return Detection(
            frame.to_picture(found.landmarks),
            found.scores,
            recognized.labelled,
            found.doubts,
            stages_run,
            frame.stop_reason,
            frame.timings(),
            self.engine,
            recognized.category,
            category_score=recognized.score,
            confidences=recognized.confidences,
            looks=frame.look,
        )

    def _run_stages(self, frame: Frame, still: float | None) -> int:
        """Run what the frame's limit, its deadline and still landmarks allow; the number of the last stage."""
        stage, before = 0, None
        for stage in self._advance(frame):
            if still is None:
                continue
            found = self._decode(frame, stage)
            if before is not None and stage < frame.limit:
                from fpm_edge_runtime.stages.convergence import moved_px

                # Which landmarks count is what the garment seems to be by now.
                moved = moved_px(before.landmarks, found.landmarks, found.scores, found.recognized.labelled)
                if moved <= still:
                    frame.stop_reason = "converged"
                    break
            before = found
        return stage

    def _advance(self, frame: Frame) -> Iterator[int]:
        """Run stage after stage while the frame's limit and deadline allow."""
        for stage in range(1, frame.limit + 1):
            waiting = [piece for piece in self._plan[stage] if piece.name not in frame.pieces]
            if stage > 1 and frame.deadline is not None:
                predicted = sum(self._pace.predict(piece.name) for piece in waiting) + self._pace.predict(DECODE)
                if self._clock() + predicted > frame.deadline:
                    frame.stop_reason = "deadline"
                    return
            for piece in waiting:
                self._run(frame, piece)
            yield stage
        frame.stop_reason = "all stages" if frame.limit == self._manifest.stages else "stage limit"

    def _run(self, frame: Frame, piece: Piece) -> None:
        inputs: Mapping[str, NDArray[Any]] = {
            spec.name: arranged(frame.tensors[spec.name], self._made.get(spec.name), spec) for spec in piece.inputs
        }
        if self._process != os.getpid():
            self._begin_anew()
        with self._lock:
            start = self._clock()
            try:
                outputs = self._runners[piece.name](inputs)
            except (RuntimeError, ValueError) as error:
                raise FpmEdgeError(
                    f"{self.engine} {self.engine_version} failed in {piece.name} ({piece.member}): {error}; "
                    "try another engine"
                ) from error
            seconds = self._clock() - start
            self._pace.record(piece.name, seconds)
        frame.tensors.update(outputs)
        frame.pieces[piece.name] = seconds

    def _begin_anew(self) -> None:
        """In a forked process, whose lock may be that of a lost thread."""
        from fpm_edge_runtime.stages.forks import check_engine, forking

        with forking:
            if self._process != os.getpid():
                check_engine(self._engine, self._threads)
                self._lock, self._process = Lock(), os.getpid()

    def _decode(self, frame: Frame, stage: int) -> Found:
        """What a stage that has run found."""
        if stage in frame.found:
            return frame.found[stage]
        start = self._clock()
        spec = self._made[f"heatmap_{stage}"]
        names = self.schema.landmarks
        read = read_heatmaps(
            frame.tensors[spec.name][0],
            layout=spec.layout,
            landmarks=len(names),
            scale=spec.scale,
            zero_point=spec.zero_point,
        )
        found = frame.found[stage] = Found(
            cells_to_input(read.cells, self.geometry.stride),
            read.scores,
            {names[index]: doubt for index, doubt in read.doubts.items()},
            self._recognizer.at(stage, read.scores, frame.category),
        )
        seconds = self._clock() - start
        frame.decode += seconds
        self._pace.record(DECODE, seconds)
        return found

    @property
    def _input_size(self) -> tuple[int, int]:
        return self.geometry.input_width, self.geometry.input_height

    def _prepare(self, frame: Frame, image: str | Path | NDArray[np.uint8], box: Box | None) -> NDArray[np.uint8]:
        """Make the frame's input, and return the picture."""
        if box is not None and len(box) != 4:
            raise UsageError(f"box is {box}; expected (x0, y0, x1, y1) in pixels of the picture")
        pixels = load_image(image) if isinstance(image, str | Path) else check_image(image)
        self._fit(frame, pixels, box)
        frame.preprocess = self._clock() - frame.start
        return pixels

    def _fit(self, frame: Frame, pixels: NDArray[np.uint8], box: Box | None) -> None:
        start = self._clock()
        frame.fit = Letterbox.fit((pixels.shape[1], pixels.shape[0]), self._input_size, box)
        frame.tensors["image"] = letterbox(pixels, frame.fit, self._input_size)[np.newaxis]
        frame.preprocess = frame.fitting = self._clock() - start

    def _check_input(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        expected = (self.geometry.input_height, self.geometry.input_width, 3)
        if check_image(image).shape != expected:
            raise DataError(f"the input has shape {image.shape}; expected {expected}; use detect for other pictures")
        return np.ascontiguousarray(image)[np.newaxis]

    def _warm_up(self) -> None:
        """Run everything on black, and keep the time of the last run: the first one also pays for allocations."""
        black = np.zeros((1, self.geometry.input_height, self.geometry.input_width, 3), np.uint8)
        for _ in range(_WARM_UP_RUNS):
            self._pace = Pace()
            frame = start_frame(self._stage_limit, None, None, clock=self._clock)
            frame.tensors["image"] = black
            for stage in self._advance(frame):
                self._decode(frame, stage)
