"""What LiteRT's CompiledModel makes of bundles on the CPU, a GPU and an NPU, and what it costs.

    benchmarks/delegates.py f32.fpm int8.fpm

For each bundle and each way to run it, a row of a Markdown table: the share that the delegate took, the disagreement
with the float model in the golden cases (the worst case of each stage, as a share of its limit: over 1 fails the
self-check), how far clear landmarks are from LiteRT's interpreter, and the time of a whole golden case. What is refused
or fails says why.

Two ways are in no engine of the runtime: a GPU that may compute in float16, which is LiteRT's default; and Intel's
NPU plugin told to compute on the CPU, which goes through LiteRT's NPU path on a machine without an NPU. The latter
needs the very version of the package ``openvino`` that ai-edge-litert was built with, and its libraries on
``LD_LIBRARY_PATH``. A driver may compile a GPU's programs at the first run: with Mesa's processor driver that takes
minutes.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import perf_counter

import numpy as np
from ai_edge_litert.options import GpuOptions, IntelOpenVinoOptions, Options
from numpy.typing import NDArray

from fpm_edge_runtime import Bundle, Engine, FpmEdgeError, Session, StageResult, check_goldens, load_engine, open_bundle
from fpm_edge_runtime.engines import Delegate
from fpm_edge_runtime.engines._compiled import CompiledEngine
from fpm_edge_runtime.stages.convergence import CLEAR_PEAK


class Float16Gpu(CompiledEngine):
    """A GPU as LiteRT runs it if nothing is said."""

    def options(self, delegate: Delegate, threads: int | None) -> Options:
        found = super().options(delegate, threads)
        return Options(found.hardware_accelerators, gpu_options=GpuOptions())


class IntelOnCpu(CompiledEngine):
    """The NPU path of Intel's plugin, which then computes on the CPU."""

    def options(self, delegate: Delegate, threads: int | None) -> Options:
        found = super().options(delegate, threads)
        cpu = IntelOpenVinoOptions.GRAPH_BACKEND.CPU
        return Options(found.hardware_accelerators, intel_openvino_options=IntelOpenVinoOptions(graph_backend=cpu))


WAYS: dict[str, Callable[[], Engine]] = {
    "litert": lambda: load_engine("litert"),
    "litert-compiled": lambda: load_engine("litert-compiled"),
    "litert-gpu": lambda: load_engine("litert-gpu"),
    "gpu float16": lambda: Float16Gpu("litert-gpu", "gpu"),
    "litert-npu": lambda: load_engine("litert-npu"),
    "npu on CPU": lambda: IntelOnCpu("litert-npu", "npu"),
}
"""What the table calls it → the engine."""


class Recorded:
    """A session for `check_goldens` that keeps what it answered, and how long that took."""

    def __init__(self, session: Session) -> None:
        self.session, self.bundle = session, session.bundle
        self.answers: list[tuple[StageResult, ...]] = []
        self.seconds: list[float] = []

    def detect_input(self, image: NDArray[np.uint8]) -> tuple[StageResult, ...]:
        start = perf_counter()
        self.answers.append(self.session.detect_input(image))
        self.seconds.append(perf_counter() - start)
        return self.answers[-1]


def row(bundle: Bundle, engine: Engine) -> str:
    """The cells after bundle and way."""
    start = perf_counter()
    try:
        found = Recorded(bundle.session(engine, threads=1))
        loaded = perf_counter() - start
        report = check_goldens(found)
    except FpmEdgeError as error:
        return f"{' '.join(str(error).split())} | | | | |"
    interpreted = Recorded(bundle.session("litert", threads=1))
    check_goldens(interpreted)
    apart = np.array([_apart(*pair) for pair in zip(found.answers, interpreted.answers, strict=True)])
    shares = ", ".join(f"{stage.worst / stage.limit:.2f}" for stage in report.stages)
    farthest = ", ".join(f"{value:.4f}" for value in apart.max(axis=0))
    delegated = f"{found.session.delegate} {found.session.delegated:.0%}"
    times = f"{loaded:.1f} s | {1e3 * median(found.seconds):.0f} ms"
    return f"{delegated} | {shares}: {report.verdict} | {farthest} | {times} |"


def _apart(found: tuple[StageResult, ...], expected: tuple[StageResult, ...]) -> list[float]:
    """Largest distance of a landmark that either finds clear, by stage, px of the input."""
    stages = []
    for one, other in zip(found, expected, strict=True):
        clear = np.maximum(one.scores, other.scores) >= CLEAR_PEAK
        stages.append(float(np.linalg.norm(one.landmarks - other.landmarks, axis=-1)[clear].max(initial=0.0)))
    return stages


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bundles", type=Path, nargs="+")
    parser.add_argument("--way", action="append", choices=list(WAYS), help="Repeatable; all by default.")
    arguments = parser.parse_args()
    print("| bundle | way | delegate | worst golden case / limit, by stage | px from LiteRT, by stage | load | case |")
    print("|---|---|---|---|---|---|---|", flush=True)
    for path in arguments.bundles:
        bundle = open_bundle(path)
        for name in arguments.way or WAYS:
            print(f"| {path.stem} | {name} | {row(bundle, WAYS[name]())}", flush=True)


if __name__ == "__main__":
    main()
