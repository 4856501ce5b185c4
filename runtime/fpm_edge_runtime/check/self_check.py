"""The self-check: does this device answer the golden cases of a bundle as the float model did?

It measures the disagreement of `drift`, which needs no label.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import msgspec
import numpy as np
from numpy.typing import NDArray

from fpm_edge_runtime.bundle.manifest import GoldenCase, GoldenSet, Manifest
from fpm_edge_runtime.bundle.schema import LandmarkSchema
from fpm_edge_runtime.errors import BundleError, ModelError
from fpm_edge_runtime.pixels.metrics import normalized_error

__all__ = ["GoldenReport", "GoldenStage", "Verdict", "check_goldens", "verdict_of"]

Verdict = Literal["ok", "warning", "drifted"]

# A disagreement over this share of its limit is worth a warning.
_WARNING_SHARE = 0.75


def verdict_of(value: float, limit: float) -> Verdict:
    """`drifted` over the limit (or not finite), `warning` over three quarters of it, otherwise `ok`."""
    if not value <= limit:
        return "drifted"
    return "warning" if value > _WARNING_SHARE * limit else "ok"


class _StageResult(Protocol):
    @property
    def stage(self) -> int: ...
    @property
    def landmarks(self) -> NDArray[np.float32]: ...


class _Bundle(Protocol):
    @property
    def manifest(self) -> Manifest: ...
    @property
    def schema(self) -> LandmarkSchema: ...
    def golden(self) -> GoldenSet | None: ...
    def golden_input(self, case: GoldenCase, /) -> NDArray[np.uint8]: ...


class _Session(Protocol):
    """The part of `fpm_edge_runtime.stages.session.Session` that the self-check uses."""

    @property
    def bundle(self) -> _Bundle: ...
    def detect_input(self, input_array: NDArray[np.uint8], /) -> Sequence[_StageResult]: ...


@dataclass(frozen=True)
class GoldenStage:
    """One stage over all self-check cases.

    Attributes:
        stage: counts from 1.
        mean: disagreement with the float model averaged over the cases, NE units; inf where an answer is not finite.
        worst: the largest mean disagreement of a single case; this is what is held against the limit.
        worst_case: the bundle member of that case.
        limit: the largest mean disagreement of a case that counts as healthy.
        verdict: of `worst` against `limit`.
    """

    stage: int
    mean: float
    worst: float
    worst_case: str
    limit: float
    verdict: Verdict


@dataclass(frozen=True)
class GoldenReport:
    """What `check_goldens` found.

    `verdict` is the worst of the stages' verdicts; `ok` is False only where a stage has drifted.
    """

    cases: int
    stages: tuple[GoldenStage, ...]

    @property
    def verdict(self) -> Verdict:
        order: tuple[Verdict, ...] = ("ok", "warning", "drifted")
        return max((entry.verdict for entry in self.stages), key=order.index)

    @property
    def ok(self) -> bool:
        return self.verdict != "drifted"

    @property
    def worst(self) -> GoldenStage:
        """The stage furthest into (or over) its limit."""
        return max(self.stages, key=_load)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON; a disagreement that is not finite is None, and its verdict `drifted`."""
        stages: list[dict[str, Any]] = msgspec.to_builtins(self.stages)
        for entry in stages:
            for key in ("mean", "worst"):
                entry[key] = entry[key] if np.isfinite(entry[key]) else None
        return {"cases": self.cases, "ok": self.ok, "verdict": self.verdict, "stages": stages}


def _load(entry: GoldenStage) -> float:
    """A stage's worst disagreement as a share of its limit."""
    if entry.limit > 0:
        return entry.worst / entry.limit
    return 0.0 if entry.worst == 0 else float("inf")


def check_goldens(session: _Session) -> GoldenReport:
    """Run every self-check case of the session's bundle and compare with the float model's stored landmarks.

    The disagreement of a case is the mean over its category's landmarks of the distance between the two models'
    landmarks, coordinates divided by the input's width and height. A stage is held to its limit by its worst case.
    The report has the stages that the session has loaded, which may be fewer than the bundle's.

    Raises:
        BundleError: the bundle has no self-check cases, or they do not fit its stages and landmarks.
        ModelError: the session's answers are not those of stages 1, 2, … in order.
    """
    bundle = session.bundle
    golden = bundle.golden()
    if golden is None or not golden.cases:
        raise BundleError(
            "the bundle has no self-check cases (golden/golden.json), so its drift cannot be checked here; "
            "convert the model again with golden cases"
        )
    manifest = bundle.manifest
    if len(golden.limits) != manifest.stages:
        raise BundleError(
            f"golden/golden.json has {len(golden.limits)} limits for {manifest.stages} stages; make the bundle again"
        )
    found = np.stack([_disagreement(session, case) for case in golden.cases])
    stages = []
    for i, limit in enumerate(golden.limits[: found.shape[1]]):
        worst = int(np.argmax(found[:, i]))
        value = float(found[worst, i])
        stages.append(
            GoldenStage(
                stage=i + 1,
                mean=float(found[:, i].mean()),
                worst=value,
                worst_case=golden.cases[worst].member,
                limit=limit,
                verdict=verdict_of(value, limit),
            )
        )
    return GoldenReport(len(golden.cases), tuple(stages))


def _disagreement(session: _Session, case: GoldenCase) -> NDArray[np.float64]:
    """(loaded stages,) mean disagreement of one case, NE units; inf where an answer is not finite."""
    bundle = session.bundle
    schema, geometry, stages = bundle.schema, bundle.manifest.geometry, bundle.manifest.stages
    stored = [len(landmarks) for landmarks in case.landmarks]
    if stored != [len(schema.landmarks)] * stages:
        raise BundleError(
            f"{case.member}: stores {stored} landmarks by stage; expected {len(schema.landmarks)} for each of "
            f"{stages} stages; make the bundle again"
        )
    members = list(schema.landmarks_of(case.category))
    results = session.detect_input(bundle.golden_input(case))
    answered = [result.stage for result in results]
    if not 1 <= len(results) <= stages or answered != list(range(1, len(results) + 1)):
        raise ModelError(f"{case.member}: the session answered with stages {answered}; expected 1 to at most {stages}")
    landmarks = np.stack([result.landmarks[members] for result in results])
    expected = np.array(case.landmarks, np.float64)[: len(results), members]
    size = np.array([[geometry.input_width, geometry.input_height]], np.float64)
    errors = normalized_error(landmarks, expected, size.repeat(len(results), axis=0))
    return np.asarray(errors.mean(axis=1))
