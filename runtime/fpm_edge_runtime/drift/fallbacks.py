"""What can take the place of a session that has drifted, and whether it would be better."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fpm_edge_runtime.bundle.contents import BundleContents
from fpm_edge_runtime.check.engine_choice import CheckCache, choose_engine
from fpm_edge_runtime.check.isolated import EngineCheck
from fpm_edge_runtime.check.self_check import Verdict, check_goldens
from fpm_edge_runtime.drift.report import MonitorReport
from fpm_edge_runtime.errors import GateError
from fpm_edge_runtime.stages.bundle import open_bundle
from fpm_edge_runtime.stages.results import StageResult
from fpm_edge_runtime.stages.session import Session

__all__ = ["Ready", "float_model", "no_more_stages", "other_engine"]


@dataclass(frozen=True)
class Ready:
    """What can answer now, how it does in the self-check (None: not known), and what is to be said of it."""

    session: Session
    golden: Verdict | None
    note: str = ""


def no_more_stages(session: Session, report: MonitorReport) -> str:
    """Why running all loaded stages would change nothing about the drift in the report; empty if it would."""
    if session.stage_limit == 1:
        return "one stage is loaded"
    if report.golden == "drifted":
        return "a golden case failed, and the self-check runs all stages"
    if report.stages[0].count == report.stages[session.stage_limit - 1].count:
        return f"all {session.stage_limit} stages ran for every compared frame"
    return ""


def other_engine(
    before: Session,
    engines: Sequence[str],
    threads: int | None,
    timeout: float,
    cache: CheckCache | None,
    check: Callable[..., EngineCheck],
) -> Ready:
    """The session's bundle in the first of these engines that passes the self-check; as many stages. Its note says who
    was passed over. Arguments as of `choose_engine`.

    Raises:
        FpmEdgeError: there is none, and why.
    """
    if not engines:
        raise GateError("no other engine is left")
    bundle = open_bundle(before.bundle.source)
    if bundle.digest != before.bundle.digest:
        raise GateError("the bundle's file is another one by now, so no other engine can be checked with it")
    choice = choose_engine(bundle.source, engines, threads=threads, timeout=timeout, cache=cache, check=check)
    session = bundle.session(choice.engine, threads, before.stage_limit)
    checked = check_goldens(session)
    if not checked.ok:
        raise GateError(f"{choice.engine} passes the self-check in a process of its own, and fails it in this one")
    passed_over = "; ".join(f"{tried.engine}: {tried.outcome}, {tried.reason}" for tried in choice.skipped)
    return Ready(session, checked.verdict, passed_over)


def float_model(before: Session, reference: Session) -> Ready:
    """The reference, if it answers the golden cases of the session's bundle: it may be what is at fault.

    Raises:
        FpmEdgeError: it does not.
    """
    golden = before.bundle.golden()
    if golden is None or not golden.cases:
        return Ready(reference, None, "not checked: the bundle has no golden cases")
    checked = check_goldens(_Float(before.bundle, reference))
    if not checked.ok:
        raise GateError(f"the float model fails the self-check itself, at stage {checked.worst.stage}")
    return Ready(reference, None)


@dataclass(frozen=True)
class _Float:
    """The reference with the bundle whose golden cases it must answer: its own has none."""

    bundle: BundleContents
    reference: Session

    def detect_input(self, image: NDArray[np.uint8], /) -> tuple[StageResult, ...]:
        return self.reference.detect_input(image, stages=min(self.bundle.stages, self.reference.stage_limit))
