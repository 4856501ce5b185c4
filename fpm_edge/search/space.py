"""What a search chooses from: stages × precision × input size × engine × threads."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import get_args

from fpm_edge.model.config import ModelConfig
from fpm_edge_converters import Precision
from fpm_edge_runtime.check.device import thread_words, usual_threads
from fpm_edge_runtime.engines import ENGINES
from fpm_edge_runtime.errors import UsageError

__all__ = ["PRECISIONS", "Candidate", "File", "Space", "usual_sizes"]

_EXACT = ("float32", "float16")

PRECISIONS: tuple[Precision, ...] = tuple(
    sorted(get_args(Precision), key=lambda name: _EXACT.index(name) if name in _EXACT else len(_EXACT))
)
"""All that a network can be converted to, exact ones first."""

# Shares of the model's own input.
_SHARES = (1.0, 7 / 8, 3 / 4, 5 / 8, 1 / 2)


@dataclass(frozen=True, order=True)
class File:
    """What needs a conversion of its own.

    Attributes:
        precision: one of `PRECISIONS`.
        input_size: (width, height), pixels.
    """

    precision: Precision
    input_size: tuple[int, int]

    @property
    def is_exact(self) -> bool:
        """Whether what it loses, less precise ones of its size will not find again."""
        return self.precision in _EXACT

    @property
    def name(self) -> str:
        """Such as ``int8-192x192``."""
        return f"{self.precision}-{self.input_size[0]}x{self.input_size[1]}"


@dataclass(frozen=True, order=True)
class Candidate:
    """One way to run the model.

    Attributes:
        file: which conversion.
        engine: name, as in `ENGINES`.
        stages: how many of them run.
        threads: of the engine.
    """

    file: File
    engine: str
    stages: int
    threads: int

    @property
    def name(self) -> str:
        """For people."""
        width, height = self.file.input_size
        stages = "1 stage" if self.stages == 1 else f"{self.stages} stages"
        return f"{self.file.precision} at {width} × {height}, {stages}, {self.engine} with {thread_words(self.threads)}"


@dataclass(frozen=True)
class Space:
    """The axes; every combination is a candidate.

    Attributes:
        stages: numbers of them, at most the model's.
        precisions: of `PRECISIONS`, in that order.
        input_sizes: (width, height) in pixels, largest first.
        engines: names.
        threads: numbers of them.
    """

    stages: tuple[int, ...]
    precisions: tuple[Precision, ...]
    input_sizes: tuple[tuple[int, int], ...]
    engines: tuple[str, ...]
    threads: tuple[int, ...]

    @classmethod
    def of(
        cls,
        config: ModelConfig,
        *,
        engines: Sequence[str],
        precisions: Sequence[Precision] | None = None,
        input_sizes: Sequence[tuple[int, int]] | None = None,
        threads: Sequence[int] | None = None,
    ) -> "Space":
        """The space of a model; what is not given is all that there is.

        Raises:
            UsageError: an unknown precision or engine, or no engine.
            ModelError: an input size that the network's stride does not divide.
        """
        for kind, given, known in (("precision", precisions or (), PRECISIONS), ("engine", engines, ENGINES)):
            wrong = [name for name in given if name not in known]
            if wrong:
                raise UsageError(f"unknown {kind} {wrong[0]!r}; expected one of: {', '.join(known)}")
        if not engines:
            raise UsageError("no engine to search in; expected at least one of: " + ", ".join(ENGINES))
        sizes = usual_sizes(config) if input_sizes is None else tuple(input_sizes)
        for size in sizes:
            config.resized(size)
        return cls(
            stages=tuple(range(1, config.stages + 1)),
            precisions=tuple(name for name in PRECISIONS if precisions is None or name in precisions),
            input_sizes=tuple(sorted(set(sizes), key=lambda size: (-size[0] * size[1], size))),
            engines=tuple(dict.fromkeys(engines)),
            threads=tuple(sorted(set(usual_threads() if threads is None else threads))),
        )

    def __iter__(self) -> Iterator[Candidate]:
        """Every candidate; those of one file together, exact files first within a size."""
        for size, precision in itertools.product(self.input_sizes, self.precisions):
            for engine, stages, threads in itertools.product(self.engines, self.stages, self.threads):
                yield Candidate(File(precision, size), engine, stages, threads)

    def __len__(self) -> int:
        axes = (self.stages, self.precisions, self.input_sizes, self.engines, self.threads)
        count = 1
        for axis in axes:
            count *= len(axis)
        return count


def usual_sizes(config: ModelConfig) -> tuple[tuple[int, int], ...]:
    """1, 7/8, 3/4, 5/8 and 1/2 of the model's input, to the nearest multiple of its stride, largest first."""
    width, height = (side // config.stride for side in config.input_size)
    sizes = [
        (max(1, round(width * share)) * config.stride, max(1, round(height * share)) * config.stride)
        for share in _SHARES
    ]
    return tuple(dict.fromkeys(sizes))
