"""What a client gives a session in place of the world: a clock that moves as told, and an engine that answers as told.

See "Sessions" in PROTOCOL.md. The suite uses the same two for the answers that it expects.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, repeat
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fpm_edge_runtime.bundle.manifest import Format, Piece, TensorSpec
from fpm_edge_runtime.engines import Engine, PieceRunner
from fpm_edge_runtime.errors import UsageError

__all__ = ["GivenClock", "GivenEngine", "TimedEngine"]


class GivenClock:
    """A clock that stands still but for what moves it.

    Args:
        times: piece → milliseconds of each of its runs; the last repeats. Pieces that are not named take no time.
    """

    def __init__(self, times: Mapping[str, Sequence[float]]) -> None:
        self._times = {piece: _going_on(runs) for piece, runs in times.items()}
        self._ms = 0.0

    def __call__(self) -> float:
        """The time in seconds, as `perf_counter` has it."""
        return self._ms / 1e3

    def move(self, milliseconds: float) -> None:
        """Let so much time pass."""
        self._ms += milliseconds

    def run(self, piece: str) -> None:
        """Let the time of the piece's next run pass."""
        if piece in self._times:
            self.move(next(self._times[piece]))


@dataclass(frozen=True)
class TimedEngine:
    """An engine whose pieces take as long as a given clock says, whatever they took."""

    engine: Engine
    clock: GivenClock

    @property
    def name(self) -> str:
        """Of the engine that runs."""
        return self.engine.name

    @property
    def version(self) -> str:
        """Of the engine that runs."""
        return self.engine.version

    @property
    def formats(self) -> tuple[Format, ...]:
        """Of the engine that runs."""
        return self.engine.formats

    def load(self, piece: Piece, model: bytes, threads: int | None) -> PieceRunner:
        """See `Engine.load`."""
        runner = self.engine.load(piece, model, threads)

        def run(inputs: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
            outputs = runner(inputs)
            self.clock.run(piece.name)
            return outputs

        return run


@dataclass
class GivenEngine:
    """The engine ``given``: it answers from files, and remembers what it was given.

    Attributes:
        answers: tensor → files of raw numbers, one a run; the last repeats. Zeros for tensors that are not named.
        runs: (piece, input → SHA-256) of each run.
    """

    answers: Mapping[str, Sequence[Path]]
    runs: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    name: str = "given"
    version: str = "0"
    formats: tuple[Format, ...] = ("tflite", "onnx")

    def load(self, piece: Piece, model: bytes, threads: int | None) -> PieceRunner:
        """See `Engine.load`; the model is not looked at."""
        outputs: list[tuple[str, Callable[[], NDArray[Any]]]] = []
        for spec in piece.outputs:
            tensors = _going_on([_tensor(path, spec) for path in self.answers.get(spec.name, ())] or [_zeros(spec)])
            outputs.append((spec.name, tensors.__next__))

        def run(inputs: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
            given = {spec.name: inputs[spec.name].tobytes() for spec in piece.inputs}
            self.runs.append((piece.name, {name: hashlib.sha256(raw).hexdigest() for name, raw in given.items()}))
            return {name: answer() for name, answer in outputs}

        return run


def _going_on(items: Sequence[Any]) -> Iterator[Any]:
    return chain(items, repeat(items[-1]))


def _zeros(spec: TensorSpec) -> NDArray[Any]:
    return np.zeros(spec.shape, spec.dtype)


def _tensor(path: Path, spec: TensorSpec) -> NDArray[Any]:
    zeros, raw = _zeros(spec), path.read_bytes()
    if len(raw) != zeros.nbytes:
        raise UsageError(f"{path} has {len(raw)} bytes; {spec.name} has {zeros.nbytes}")
    return np.frombuffer(raw, zeros.dtype.newbyteorder("<")).astype(zeros.dtype).reshape(spec.shape)
