"""Cold starts: fresh processes that find the landmarks of one picture, and the memory they take."""

import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np

from fpm_edge.bench.data import Cold, Memory
from fpm_edge.bench.plan import Variant
from fpm_edge.bench.spread import percentile
from fpm_edge.bench.turns import in_turns
from fpm_edge_runtime import Bundle
from fpm_edge_runtime.check.child_process import how_it_died, kill_child, last_words, start_child

__all__ = ["ColdStart", "cold_starts"]

_TIMEOUT = 300.0  # seconds; OpenVINO takes some to compile a large network on a small board
_CHILD = Path(__file__).with_name("_cold_child.py")


@dataclass(frozen=True)
class ColdStart:
    """What fresh processes took; `cold` is None where `why` says why not."""

    cold: Cold | None
    why: str
    memory: Memory


class _Steps(msgspec.Struct, frozen=True, rename={"import_": "import"}):
    """Seconds of each step of a cold start."""

    import_: float
    open: float
    load: float
    first: float

    @property
    def total(self) -> float:
        """Of all."""
        return self.import_ + self.open + self.load + self.first


class _Said(msgspec.Struct, frozen=True):
    """What a child says: the bundle's digest, its steps, and its peak of resident memory in bytes."""

    digest: str
    seconds: _Steps
    peak: int | None


def cold_starts(
    variants: Sequence[Variant],
    bundles: Mapping[str, Bundle],
    size: tuple[int, int],
    processes: int,
    *,
    keys: Sequence[Path] | None = None,
    seed: int = 0,
    timeout: float = _TIMEOUT,
    advance: Callable[[], None] = lambda: None,
) -> tuple[ColdStart, ...]:
    """One for each variant, all in turns.

    Args:
        variants: what to start.
        bundles: label → bundle; one that was opened from memory has no cold start.
        size: width and height of the picture, which is black.
        processes: how many for each variant.
        keys: public keys that the bundles must be signed with, as of `open_bundle`.
        seed: of the order.
        timeout: seconds for a process.
        advance: called after each process.
    """
    said: list[list[_Said]] = [[] for _ in variants]
    failed: dict[int, str] = {}
    for _, index in in_turns(len(variants), processes, seed):
        if index not in failed:
            one = _start(variants[index], bundles[variants[index].label], size, keys or (), timeout)
            if isinstance(one, str):
                failed[index] = one
            else:
                said[index].append(one)
        advance()
    return tuple(
        ColdStart(None, failed[index], Memory(None, failed[index])) if index in failed else _medians(found)
        for index, found in enumerate(said)
    )


def _start(
    variant: Variant, bundle: Bundle, size: tuple[int, int], keys: Sequence[Path], timeout: float
) -> _Said | str:
    """What one process says, or in words why it does not."""
    if isinstance(bundle.source, bytes):
        return "the bundle is in memory, and a fresh process opens a file"
    if not sys.executable or getattr(sys, "frozen", False):
        return "this Python has no interpreter to start a fresh process with"
    numbers = (variant.threads, variant.stages, *size)
    command = [sys.executable, str(_CHILD), str(bundle.source.absolute()), variant.engine, *map(str, numbers)]
    with start_child([*command, *(str(key.absolute()) for key in keys)]) as child:
        try:
            out, words = child.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            kill_child(child)
            child.communicate()
            return f"no answer within {timeout:g} s"
        except BaseException:  # Ctrl-C does not reach it: it has a session of its own
            kill_child(child)
            child.wait()  # after a Ctrl-C nothing else does
            raise
    died = how_it_died(child.returncode)
    if died is not None:
        return died + last_words(words)
    try:
        one = msgspec.json.decode(out, type=_Said)
    except ValueError as error:
        return f"its answer cannot be read: {error}{last_words(words)}"
    return one if one.digest == bundle.digest else "it opened another bundle; was the file replaced?"


def _medians(said: Sequence[_Said]) -> ColdStart:
    def median(values: Sequence[float]) -> float:
        return percentile(np.sort(values), 50)

    cold = Cold(
        len(said),
        import_ms=median([one.seconds.import_ for one in said]) * 1e3,
        open_ms=median([one.seconds.open for one in said]) * 1e3,
        load_ms=median([one.seconds.load for one in said]) * 1e3,
        first_ms=median([one.seconds.first for one in said]) * 1e3,
        total_ms=median([one.seconds.total for one in said]) * 1e3,
    )
    peaks = [one.peak for one in said if one.peak is not None]
    memory = Memory(median(peaks) / 1e6) if peaks else Memory(None, "this system does not tell a process's peak")
    return ColdStart(cold, "", memory)
