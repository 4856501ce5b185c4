"""The other side of `isolated`: one self-check, in a process that may die of it.

    python -m fpm_edge_runtime._child BUNDLE|- ENGINE THREADS

The answer is one `Answer` as JSON on stdout. Whatever an engine prints goes to stderr.
"""

import os
import sys
from collections.abc import Mapping
from typing import Any, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from fpm_edge_runtime.bundle import open_bundle
from fpm_edge_runtime.engines import Engine, PieceRunner, load_engine
from fpm_edge_runtime.errors import FpmEdgeError, MissingExtraError
from fpm_edge_runtime.manifest import Format, Piece
from fpm_edge_runtime.self_check import check_goldens

__all__ = ["Answer", "answer", "main"]


class Answer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the child found: see `isolated.EngineCheck`. `digest` is that of the bundle it checked."""

    digest: str
    outcome: Literal["ok", "wrong", "not finite", "refused", "missing"]
    reason: str = ""
    report: dict[str, Any] | None = None


def answer(source: str | bytes, engine: str | Engine, threads: int | None) -> Answer:
    """Check a bundle in an engine, in this process."""
    bundle = open_bundle(source)
    try:
        watched = _Watched(load_engine(engine) if isinstance(engine, str) else engine)
        report = check_goldens(bundle.session(watched, threads=threads))
    except MissingExtraError as error:
        return Answer(bundle.digest, "missing", str(error))
    except FpmEdgeError as error:
        return Answer(bundle.digest, "refused", str(error))
    if watched.not_finite is not None:
        reason = f"{watched.not_finite} has values that are infinite or not numbers"
        return Answer(bundle.digest, "not finite", reason, report.to_dict())
    if not report.ok:
        worst = report.worst
        reason = (
            f"stage {worst.stage} disagrees with the float model by {worst.worst:.4f} in {worst.worst_case}, the limit "
            f"is {worst.limit:.4f}"
        )
        return Answer(bundle.digest, "wrong", reason, report.to_dict())
    return Answer(bundle.digest, "ok", report=report.to_dict())


def main(engine: Engine | None = None) -> None:
    """Answer the command line; an engine given here takes the place of the one named there."""
    bundle, name, threads = sys.argv[1:]
    # Engines print to stdout as they like, some from C++; the answer has a way of its own.
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    source = sys.stdin.buffer.read() if bundle == "-" else bundle
    found = answer(source, engine or name, int(threads) if threads else None)
    with out:
        out.write(msgspec.json.encode(found))


class _Watched:
    """An engine that notices values that are no numbers: decoding makes low scores of them, not an error."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.name = engine.name
        self.version = engine.version
        self.formats: tuple[Format, ...] = engine.formats
        self.not_finite: str | None = None

    def load(self, piece: Piece, model: bytes, threads: int | None) -> PieceRunner:
        runner = self._engine.load(piece, model, threads)

        def run(inputs: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
            outputs = runner(inputs)
            for name, values in outputs.items():
                if self.not_finite is None and not np.isfinite(values).all():
                    self.not_finite = name
            return outputs

        return run


if __name__ == "__main__":
    main()
