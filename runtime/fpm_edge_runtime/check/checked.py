"""One engine, checked in this process, also for values that are no numbers."""

from collections.abc import Mapping
from typing import Any, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from fpm_edge_runtime.bundle.manifest import Format, Piece
from fpm_edge_runtime.check.self_check import check_goldens
from fpm_edge_runtime.engines import Engine, PieceRunner, load_engine
from fpm_edge_runtime.errors import FpmEdgeError, MissingExtraError
from fpm_edge_runtime.stages.bundle import Bundle
from fpm_edge_runtime.stages.session import Session

__all__ = ["Answer", "checked_session"]


class Answer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the child found: see `isolated.EngineCheck`. `digest` is that of the bundle it checked."""

    digest: str
    outcome: Literal["ok", "wrong", "not finite", "refused", "missing"]
    reason: str = ""
    report: dict[str, Any] | None = None


def checked_session(bundle: Bundle, engine: str | Engine, threads: int | None) -> tuple[Answer, Session | None]:
    """What the self-check says, and the session that passed it."""
    try:
        watched = _Watched(load_engine(engine) if isinstance(engine, str) else engine)
        session = bundle.session(watched, threads=threads)
        report = check_goldens(session)
    except MissingExtraError as error:
        return Answer(bundle.digest, "missing", str(error)), None
    except FpmEdgeError as error:
        return Answer(bundle.digest, "refused", str(error)), None
    if watched.not_finite is not None:
        reason = f"{watched.not_finite} has values that are infinite or not numbers"
        return Answer(bundle.digest, "not finite", reason, report.to_dict()), None
    if not report.ok:
        worst = report.worst
        reason = (
            f"stage {worst.stage} disagrees with the float model by {worst.worst:.4f} in {worst.worst_case}, the limit "
            f"is {worst.limit:.4f}"
        )
        return Answer(bundle.digest, "wrong", reason, report.to_dict()), None
    watched.watching = False
    return Answer(bundle.digest, "ok", report=report.to_dict()), session


class _Watched:
    """An engine that notices values that are no numbers: decoding makes low scores of them, not an error.

    It looks while it is `watching`; that would count as the engine's time.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.name = engine.name
        self.version = engine.version
        self.formats: tuple[Format, ...] = engine.formats
        self.not_finite: str | None = None
        self.watching = True

    def load(self, piece: Piece, model: bytes, threads: int | None) -> PieceRunner:
        runner = self._engine.load(piece, model, threads)

        def run(inputs: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
            outputs = runner(inputs)
            if not self.watching:
                return outputs
            for name, values in outputs.items():
                if self.not_finite is None and not np.isfinite(values).all():
                    self.not_finite = name
            return outputs

        return run
