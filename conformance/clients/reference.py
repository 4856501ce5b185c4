"""What the reference runtime answers to each request: an open bundle, a session, and what is asked of them."""

import hashlib
from importlib.metadata import version
from typing import Any

import numpy as np

from conformance.clients.given import GivenClock, GivenEngine, TimedEngine
from conformance.clients.pieces import decoded, judged, letterboxed, monitored, opened, picture_of, reads_uint8
from conformance.clients.plain import plain_bundle, plain_detection, plain_recognized, plain_stage
from conformance.clients.requests import (
    Bye,
    Check,
    Close,
    Decode,
    Detect,
    DetectInput,
    Hello,
    Judge,
    LetterboxRequest,
    Load,
    Monitor,
    Open,
    Read,
    Recognize,
    Request,
    Runs,
    SelfCheck,
    Stages,
)
from fpm_edge_runtime import Bundle, Session, __version__, check_goldens
from fpm_edge_runtime.engines import ENGINES, Engine, default_engine, installed_engines, load_engine
from fpm_edge_runtime.errors import UsageError
from fpm_edge_runtime.stages.recognizer import Recognizer

__all__ = ["Reference"]

PROTOCOL = 1
ABILITIES = (
    *("trusted_keys", "letterbox", "decode", "recognize", "self_check", "monitor", "detect", "stages", "detect_input"),
    *("converge", "looks", "clock", "given_engine", "int16_maps", "monitor_state", "reference_state"),
)


class Reference:
    """What is open, and what each request does with it."""

    def __init__(self) -> None:
        self._bundle: Bundle | None = None
        self._session: Session | None = None
        self._clock: GivenClock | None = None
        self._given: GivenEngine | None = None

    def answer(self, request: Request) -> dict[str, Any]:
        """What to answer. Raises FpmEdgeError, and where something is wrong with the runtime anything."""
        match request:
            case Hello():
                return _hello()
            case Open():
                self._close()
                self._bundle = opened(request)
                return plain_bundle(self._bundle)
            case Judge():
                return judged(request)
            case Check():
                self._opened.check()
                return {}
            case Read():
                content = self._opened.read(request.member)
                return {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
            case Close() | Bye():
                self._close()
                return {}
            case LetterboxRequest():
                return letterboxed(request)
            case Decode():
                return decoded(request)
            case Recognize():
                return self._recognize(request)
            case Load():
                return self._load(request)
            case Detect():
                return self._detect(request)
            case Stages():
                return self._stages(request)
            case DetectInput():
                results = self._loaded.detect_input(picture_of(request), stages=request.stages)
                return {"results": [plain_stage(result) for result in results]}
            case Runs():
                return self._runs()
            case SelfCheck():
                return check_goldens(self._loaded).to_dict()
            case Monitor():
                return monitored(request, self._bundle)

    @property
    def _opened(self) -> Bundle:
        if self._bundle is None:
            raise UsageError("no bundle is open")
        return self._bundle

    @property
    def _loaded(self) -> Session:
        if self._session is None:
            raise UsageError("there is no session")
        return self._session

    def _close(self) -> None:
        self._bundle = None
        self._unload()

    def _unload(self) -> None:
        self._session, self._clock, self._given = None, None, None

    def _recognize(self, request: Recognize) -> dict[str, Any]:
        bundle = self._opened
        recognizer = Recognizer(bundle.manifest)
        recognizer.check(request.category)
        if not 1 <= request.stage <= bundle.stages:
            raise UsageError(f"stage is {request.stage}; the bundle has {bundle.stages}")
        count = len(bundle.schema.landmarks)
        if any(len(scores) != count for scores in request.scores):
            raise UsageError(f"expected {count} scores")
        found = [recognizer.at(request.stage, np.array(s, np.float32), request.category) for s in request.scores]
        return {"results": [plain_recognized(recognized) for recognized in found]}

    def _load(self, request: Load) -> dict[str, Any]:
        bundle = self._opened
        self._unload()
        if request.answers is not None and request.engine != "given":
            raise UsageError("answers are for the engine 'given'")
        engine, given, options = self._engine(request), None, {}
        if isinstance(engine, GivenEngine):
            given = engine
        clock = None if request.clock is None else GivenClock(request.clock)
        if clock is not None:
            engine, options = TimedEngine(engine, clock), {"clock": clock}
        formats = engine.formats if request.format is None else (request.format,)
        form = next((form for form in formats if form in bundle.formats and form in engine.formats), None)
        if form is None:
            raise UsageError(f"engine {engine.name} and the bundle have no such format in common")
        session = Session(bundle, engine, form, threads=request.threads, stages=request.stages, **options)
        if given is not None:
            given.runs.clear()
        self._session, self._clock, self._given = session, clock, given
        return {
            "engine": session.engine,
            "engine_version": session.engine_version,
            "format": session.format,
            "stage_limit": session.stage_limit,
        }

    def _engine(self, request: Load) -> Engine:
        if request.engine == "given":
            return GivenEngine(request.answers or {})
        return load_engine(request.engine or default_engine(self._opened.formats))

    def _detect(self, request: Detect) -> dict[str, Any]:
        session = self._loaded
        detection = session.detect(
            picture_of(request),
            category=request.category,
            box=request.box,
            stages=request.stages,
            deadline_ms=request.deadline_ms,
            converge_px=request.converge_px,
            looks=1 if request.looks is None else request.looks,
        )
        return plain_detection(detection)

    def _stages(self, request: Stages) -> dict[str, Any]:
        results = []
        for result in self._loaded.stages(
            picture_of(request),
            category=request.category,
            box=request.box,
            stages=request.stages,
            deadline_ms=request.deadline_ms,
        ):
            results.append(plain_stage(result))
            if request.pause_ms is not None:
                if self._clock is None:
                    raise UsageError("pause_ms needs a given clock")
                self._clock.move(request.pause_ms)
        return {"results": results}

    def _runs(self) -> dict[str, Any]:
        if self._given is None:
            raise UsageError("the engine is not 'given'")
        runs = [{"piece": piece, "inputs": inputs} for piece, inputs in self._given.runs]
        self._given.runs.clear()
        return {"runs": runs}


def _hello() -> dict[str, Any]:
    engines = [(name, ENGINES[name]) for name in installed_engines()]
    return {
        "protocol": PROTOCOL,
        "runtime": "fpm-edge (Python)",
        "version": __version__,
        "engines": [
            {"name": name, "version": version(known.package), "formats": known.formats} for name, known in engines
        ],
        "abilities": [*ABILITIES, *(["uint8_maps"] if reads_uint8() else [])],
    }
