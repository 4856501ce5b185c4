"""The reference and a client side by side: one bundle, loaded alike, asked the same."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from conformance.clients.given import GivenClock, GivenEngine, TimedEngine
from conformance.suite.client import Client
from conformance.suite.compare import refused_alike, same_detection, same_stage, same_timings
from conformance.suite.pictures import Files
from conformance.suite.tolerance import LANDMARK_CELLS
from fpm_edge_runtime import Bundle, Detection, Session, open_bundle
from fpm_edge_runtime.engines import Engine, load_engine
from fpm_edge_runtime.pixels.geometry import Letterbox
from fpm_edge_runtime.stages.results import StageResult

__all__ = ["Pair", "pixels_of"]

Times = Mapping[str, Sequence[float]]


class Pair:
    """Two sessions.

    Attributes:
        session, bundle: the reference's.
        loaded: what the client answered to `load`.
    """

    def __init__(
        self,
        client: Client,
        files: Files,
        path: Path,
        *,
        engine: str = "given",
        answers: Mapping[str, Sequence[NDArray[Any]]] | None = None,
        clock: Times | None = None,
        form: Any = None,
        stages: int | None = None,
    ) -> None:
        """Open and load.

        Args:
            answers: tensor → arrays, for the engine "given".
            clock: piece → milliseconds of its runs; the real clock otherwise.
        """
        self.client, self.files = client, files
        self.bundle: Bundle = open_bundle(path)
        paths = {name: [files.raw(array) for array in arrays] for name, arrays in (answers or {}).items()}
        self.clock = None if clock is None else GivenClock(clock)
        self.given = GivenEngine(paths) if engine == "given" else None
        chosen: Engine = self.given or load_engine(engine)
        options: dict[str, Any] = {}
        if self.clock is not None:
            chosen, options = TimedEngine(chosen, self.clock), {"clock": self.clock}
        form = form or next(form for form in chosen.formats if form in self.bundle.formats)
        self.session = Session(self.bundle, chosen, form, stages=stages, **options)
        if self.given is not None:
            self.given.runs.clear()
        fields = {"engine": engine, "format": form, "stages": stages, "clock": clock}
        client.ask("open", path=path)
        self.loaded = client.ask("load", **fields, **({"answers": paths} if engine == "given" else {}))
        assert (self.loaded["format"], self.loaded["stage_limit"]) == (form, self.session.stage_limit)

    def detect(self, image: NDArray[np.uint8], **options: Any) -> Detection:
        """Both, compared; what the reference found."""
        expected = self.session.detect(image, **options)
        answered = self.client.ask("detect", **self.files.picture(image), **options)
        same_detection(expected, answered, pixels_of(self.bundle, image, options.get("box")))
        assert answered["engine"] == self.loaded["engine"]
        if self.clock is not None:
            same_timings(expected.timings, answered["timings"])
        else:
            _plausible(answered["timings"], list(expected.timings.pieces))
        return expected

    def stages(self, image: NDArray[np.uint8], *, pause_ms: float | None = None, **options: Any) -> list[StageResult]:
        """Both, compared; what the reference found."""
        expected = []
        for result in self.session.stages(image, **options):
            expected.append(result)
            if pause_ms is not None and self.clock is not None:
                self.clock.move(pause_ms)
        answered = self.client.ask("stages", **self.files.picture(image), pause_ms=pause_ms, **options)["results"]
        self._same(expected, answered, pixels_of(self.bundle, image, options.get("box")))
        return expected

    def detect_input(self, image: NDArray[np.uint8], stages: int | None = None) -> list[StageResult]:
        """Both, compared; what the reference found."""
        expected = list(self.session.detect_input(image, stages=stages))
        answered = self.client.ask("detect_input", **self.files.picture(image), stages=stages)["results"]
        self._same(expected, answered, LANDMARK_CELLS * self.bundle.manifest.geometry.stride)
        return expected

    def runs(self) -> list[str]:
        """Which pieces both have run since the last time, on the same bytes."""
        assert self.given is not None
        expected = [{"piece": piece, "inputs": inputs} for piece, inputs in self.given.runs]
        self.given.runs.clear()
        assert self.client.ask("runs")["runs"] == expected
        return [run["piece"] for run in expected]

    def refused(self, do: str, image: NDArray[np.uint8], **options: Any) -> str:
        """Both refuse alike; the class."""
        if do == "detect_input":
            return refused_alike(
                lambda: self.session.detect_input(image, **options),
                lambda: self.client.ask(do, **self.files.picture(image), **options),
            )
        call: Any = getattr(self.session, do)
        return refused_alike(
            lambda: call(image, **options), lambda: self.client.ask(do, **self.files.picture(image), **options)
        )

    def _same(self, expected: list[StageResult], answered: list[dict[str, Any]], pixels: float) -> None:
        assert [result["stage"] for result in answered] == [result.stage for result in expected]
        for one, other in zip(expected, answered, strict=True):
            same_stage(one, other, pixels, timed=self.clock is not None)


def pixels_of(bundle: Bundle, image: NDArray[np.uint8], box: Any = None) -> float:
    """`LANDMARK_CELLS` in pixels of the picture."""
    geometry = bundle.manifest.geometry
    size = geometry.input_width, geometry.input_height
    fit = Letterbox.fit((image.shape[1], image.shape[0]), size, box)
    return LANDMARK_CELLS * geometry.stride / min(fit.scale_x, fit.scale_y)


def _plausible(timings: Mapping[str, Any], pieces: list[str]) -> None:
    assert list(timings["pieces"]) == pieces
    parts = [timings["preprocess_ms"], *timings["pieces"].values(), timings["decode_ms"]]
    assert all(part >= 0 for part in parts)
    assert sum(parts) <= timings["total_ms"] + 1e-3
