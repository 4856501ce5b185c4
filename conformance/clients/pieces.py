"""Requests that need no session: bundles, letterboxing, decoding, a drift monitor."""

import hashlib
from collections.abc import Sequence
from math import nan
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from conformance.clients.plain import plain_fit, plain_reading, plain_report
from conformance.clients.requests import Damage, Decode, Judge, LetterboxRequest, Monitor, Open, Picture, Step
from fpm_edge_runtime import Bundle, DriftMonitor, open_bundle
from fpm_edge_runtime.check.self_check import GoldenReport, GoldenStage
from fpm_edge_runtime.drift.limits import TOLERANCE
from fpm_edge_runtime.errors import FpmEdgeError, UsageError
from fpm_edge_runtime.pixels.decode import read_heatmaps
from fpm_edge_runtime.pixels.geometry import Letterbox
from fpm_edge_runtime.pixels.image import check_image, letterbox

__all__ = ["decoded", "judged", "letterboxed", "monitored", "opened", "picture_of", "reads_uint8"]


def opened(request: Open) -> Bundle:
    """The bundle, damaged first if so asked."""
    source: Path | bytes = request.path
    if request.damage is not None:
        source = _damaged(_read(request.path), request.damage)
    return open_bundle(source, request.trusted_keys, now=request.now)


def judged(request: Judge) -> dict[str, Any]:
    """What becomes of each damaged copy."""
    content = _read(request.path)
    return {"verdicts": [_verdict(_damaged(content, damage), request) for damage in request.damages]}


def _verdict(content: bytes, request: Judge) -> str | None:
    try:
        open_bundle(content, request.trusted_keys, now=request.now).check()
    except FpmEdgeError as error:
        return type(error).__name__
    except Exception:
        return "Unexpected"
    return None


def _damaged(content: bytes, damage: Damage) -> bytes:
    changed = bytearray(content)
    for offset, removed, inserted in damage:
        end = len(changed) if removed is None else offset + removed
        changed[offset:end] = bytes.fromhex(inserted)
    return bytes(changed)


def picture_of(request: Picture) -> NDArray[np.uint8]:
    """(height, width, 3) uint8 RGB."""
    return _array(request.image, np.dtype(np.uint8), (request.height, request.width, 3))


def letterboxed(request: LetterboxRequest) -> dict[str, Any]:
    """The network's input, and where the picture lies in it."""
    image = check_image(picture_of(request))
    fit = Letterbox.fit((request.width, request.height), request.input, request.box)
    content = letterbox(image, fit, request.input).tobytes()
    if request.out is not None:
        request.out.write_bytes(content)
    answer: dict[str, Any] = {"fit": plain_fit(fit), "sha256": hashlib.sha256(content).hexdigest()}
    if request.points is not None:
        points = np.array(request.points, np.float32).reshape(-1, 2)
        answer |= {"to_picture": fit.to_picture(points).tolist(), "to_input": fit.to_input(points).tolist()}
    return answer


def decoded(request: Decode) -> dict[str, Any]:
    """What each set of heatmaps says."""
    kind = np.dtype(request.dtype).newbyteorder("<")
    sets: NDArray[Any] = _array(request.maps, kind, (request.count or 1, *request.shape)).astype(request.dtype)
    layout: Any = request.layout
    readings = [
        read_heatmaps(
            maps, layout=layout, landmarks=request.landmarks, scale=request.scale, zero_point=request.zero_point
        )
        for maps in sets
    ]
    return {"readings": [plain_reading(reading) for reading in readings]}


def reads_uint8() -> bool:
    """Whether heatmaps may be uint8 codes."""
    maps: Any = np.zeros((2, 2, 2), np.uint8)
    try:
        read_heatmaps(maps, layout="NHWC", landmarks=1, scale=1 / 255, zero_point=0)
    except FpmEdgeError:
        return False
    return True


def monitored(request: Monitor, bundle: Bundle | None) -> dict[str, Any]:
    """What a monitor says at each checkpoint."""
    monitor = _monitor(request, bundle)
    if request.state is not None:
        monitor.restore(request.state.encode(), "the state")
    reports, waiting = [], list(request.checkpoints)
    for number, step in enumerate((None, *request.stream)):
        if step is not None:
            _take(monitor, step)
        while waiting and waiting[0] == number:
            reports.append(plain_report(monitor.report()))
            del waiting[0]
    if waiting:
        raise UsageError(f"checkpoints {waiting} are not in the stream, or not ascending")
    return {"reports": reports, **({"state": monitor.state().decode()} if request.save else {})}


def _monitor(request: Monitor, bundle: Bundle | None) -> DriftMonitor:
    alpha = 0.01 if request.alpha is None else request.alpha
    if request.limits is None:
        if bundle is None or request.landmarks is not None or request.subject is not None:
            raise UsageError("without limits there must be an open bundle, and no landmarks or subject")
        tolerance = TOLERANCE if request.tolerance is None else request.tolerance
        return DriftMonitor.of_bundle(bundle, tolerance=tolerance, alpha=alpha)
    if request.landmarks is None or request.tolerance is not None:
        raise UsageError("limits need landmarks, and no tolerance")
    return DriftMonitor(request.limits, request.landmarks, subject=request.subject or "", alpha=alpha)


def _take(monitor: DriftMonitor, step: Step) -> None:
    if step.shadow is not None:
        monitor.add_shadow(_distances(step.shadow))
    elif step.frame is not None:
        monitor.add_frame(np.array(step.frame.scores, np.float32), step.frame.movement)
    elif step.flip is not None:
        monitor.add_flip(step.flip)
    elif step.failure is not None:
        monitor.add_failure(step.failure)
    elif step.golden is not None:
        monitor.add_golden(GoldenReport(1, (GoldenStage(1, 0.0, 0.0, "", 1.0, step.golden),)))
    elif step.reset:
        monitor.reset()
    else:
        raise UsageError("a step of the stream is empty")


def _distances(rows: Sequence[Sequence[float | None]]) -> NDArray[np.float64]:
    return np.array([[nan if value is None else value for value in row] for row in rows], np.float64)


def _array(path: Path, kind: np.dtype[Any], shape: tuple[int, ...]) -> NDArray[Any]:
    raw = _read(path)
    if min(shape) < 0 or len(raw) != np.prod(shape, dtype=object) * kind.itemsize:
        raise UsageError(f"{path} has {len(raw)} bytes, which is not {shape} of {kind}")
    return np.frombuffer(raw, kind).reshape(shape)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from error
