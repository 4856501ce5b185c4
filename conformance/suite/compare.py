"""What the reference found, and what a client answered: the same, or an AssertionError that says what differs."""

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from conformance.suite.client import Refused
from conformance.suite.tolerance import AFTER_SCORES, CLOCK_MS, FLOAT32, LANDMARK_CELLS, RELATIVE
from fpm_edge_runtime import Detection
from fpm_edge_runtime.check.self_check import GoldenReport
from fpm_edge_runtime.drift.report import MonitorReport
from fpm_edge_runtime.errors import FpmEdgeError
from fpm_edge_runtime.pixels.decode import Reading
from fpm_edge_runtime.stages.recognizer import Recognized
from fpm_edge_runtime.stages.results import StageResult, Timings

__all__ = [
    "close",
    "error_of",
    "refused_alike",
    "same_detection",
    "same_goldens",
    "same_reading",
    "same_recognized",
    "same_report",
    "same_stage",
    "same_timings",
]


def close(what: str, expected: ArrayLike, answered: Any, absolute: float = 0.0, relative: float = 0.0) -> None:
    """Numbers of one shape, each within `absolute` plus `relative` times the larger of the two."""
    wanted = np.array(expected, np.float64)
    found = np.array(answered, np.float64)  # null is NaN
    assert found.shape == wanted.shape, f"{what} have shape {found.shape}, expected {wanted.shape}"
    same = (wanted == found) | (np.isnan(wanted) & np.isnan(found))
    with np.errstate(invalid="ignore"):
        apart = np.where(same, 0.0, np.abs(wanted - found))
        allowed = absolute + relative * np.maximum(np.abs(wanted), np.abs(found))
    wrong = ~(apart <= allowed)
    if wrong.any():
        worst = np.unravel_index(int(np.argmax(np.where(wrong, np.nan_to_num(apart, nan=np.inf), -1))), wanted.shape)
        raise AssertionError(
            f"{what}: {int(wrong.sum())} of {wrong.size} differ, most at {tuple(map(int, worst))}: "
            f"{found[worst]!r}, expected {wanted[worst]!r}"
        )


def _maybe(what: str, expected: float | None, answered: float | None, relative: float) -> None:
    assert (expected is None) == (answered is None), f"{what} is {answered}, expected {expected}"
    if expected is not None:
        close(what, expected, answered, relative=relative)


# ---- errors ----


def error_of(call: Callable[[], Any]) -> tuple[str, int] | None:
    """Class and exit code of what a call was refused with, by the reference or by a client; None if it was not."""
    try:
        call()
    except FpmEdgeError as error:
        return type(error).__name__, error.exit_code
    except Refused as error:
        return error.error_class, error.exit_code
    return None


def refused_alike(reference: Callable[[], Any], client: Callable[[], Any]) -> str:
    """Both refuse, with one class and exit code, which is returned."""
    expected, answered = error_of(reference), error_of(client)
    assert expected is not None, "the reference refuses nothing here"
    assert answered == expected, f"answered with {answered}, expected {expected}"
    return expected[0]


# ---- answers ----


def same_reading(expected: Reading, answered: Mapping[str, Any]) -> None:
    """Of heatmaps."""
    assert answered["doubts"] == {str(index): doubt for index, doubt in expected.doubts.items()}
    close("scores", expected.scores, answered["scores"], FLOAT32)
    close("cells", expected.cells, answered["cells"], LANDMARK_CELLS)


def same_recognized(expected: Recognized, answered: Mapping[str, Any]) -> None:
    """Of equal scores."""
    assert answered["category"] == expected.category
    assert answered["labelled"] == expected.labelled.tolist()
    _maybe("score", expected.score, answered["score"], RELATIVE)
    _confidences(expected.confidences, answered["confidences"])


def same_detection(expected: Detection, answered: Mapping[str, Any], pixels: float) -> None:
    """All but times and the engine's name; landmarks within so many pixels."""
    assert answered["stop_reason"] == expected.stop_reason
    assert answered["stages_run"] == expected.stages_run
    assert answered["looks"] == expected.looks
    _same_found(expected, answered, pixels)


def same_stage(expected: StageResult, answered: Mapping[str, Any], pixels: float, *, timed: bool = False) -> None:
    """All but the time, if it is not by a given clock."""
    assert answered["stage"] == expected.stage
    if timed:
        close("elapsed_ms", expected.elapsed_ms, answered["elapsed_ms"], CLOCK_MS)
    _same_found(expected, answered, pixels)


def same_timings(expected: Timings, answered: Mapping[str, Any]) -> None:
    """By a given clock."""
    assert list(answered["pieces"]) == list(expected.pieces)
    close("times of pieces", list(expected.pieces.values()), list(answered["pieces"].values()), CLOCK_MS)
    for name in ("preprocess_ms", "decode_ms", "total_ms"):
        close(name, getattr(expected, name), answered[name], CLOCK_MS)


def _same_found(expected: Detection | StageResult, answered: Mapping[str, Any], pixels: float) -> None:
    assert answered["doubts"] == dict(expected.doubts)
    close("scores", expected.scores, answered["scores"], FLOAT32)
    close("landmarks", expected.landmarks, answered["landmarks"], pixels)
    assert answered["category"] == expected.category
    assert answered["labelled"] == expected.labelled.tolist()
    _maybe("category_score", expected.category_score, answered["category_score"], AFTER_SCORES)
    _confidences(expected.confidences, answered["confidences"])


def _confidences(expected: Any, answered: Any) -> None:
    assert (expected is None) == (answered is None)
    if expected is not None:
        close("confidences", expected, answered, FLOAT32)


def same_goldens(expected: GoldenReport, answered: Mapping[str, Any], disagreement: float) -> None:
    """Disagreements within so many NE units; verdicts and the worst case, where that does not decide them."""
    plain = expected.to_dict()
    assert answered["cases"] == plain["cases"]
    assert [entry["stage"] for entry in answered["stages"]] == [entry["stage"] for entry in plain["stages"]]
    for wanted, found in zip(plain["stages"], answered["stages"], strict=True):
        for name in ("mean", "worst"):
            close(name, _number(wanted[name]), _number(found[name]), disagreement)
        close("limit", wanted["limit"], found["limit"], relative=RELATIVE)
        assert found["verdict"] == wanted["verdict"]
        assert found["worst_case"] == wanted["worst_case"]
    assert (answered["ok"], answered["verdict"]) == (plain["ok"], plain["verdict"])


def same_report(expected: MonitorReport, answered: Mapping[str, Any]) -> None:
    """Of a drift monitor; reasons are words, and only there or not."""
    for name in ("verdict", "samples", "alarm_sample", "golden", "failures"):
        assert answered[name] == getattr(expected, name), name
    assert answered["fast_alarms"] == list(expected.fast_alarms)
    assert bool(answered["reason"]) == bool(expected.reason)
    for name in ("alpha", "evidence", "most_evidence", "estimate", "lower", "upper", "certified"):
        _maybe(name, getattr(expected, name), answered[name], RELATIVE)
    assert [limit["source"] for limit in answered["limits"]] == [limit.source for limit in expected.limits]
    close("limits", [x.value for x in expected.limits], [x["value"] for x in answered["limits"]], relative=RELATIVE)
    for name in ("stages", "landmarks", "proxies"):
        _same_means(getattr(expected, name), answered[name])


def _same_means(expected: Iterable[Any], answered: list[dict[str, Any]]) -> None:
    wanted = list(expected)
    assert [(part["name"], part["count"]) for part in answered] == [(part.name, part.count) for part in wanted]
    for name in ("mean", "recent"):
        for one, other in zip(wanted, answered, strict=True):
            if hasattr(one, name):
                _maybe(f"{name} of {one.name}", getattr(one, name), other[name], RELATIVE)


def _number(value: float | None) -> float:
    return math.nan if value is None else value
