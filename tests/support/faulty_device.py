"""A device that can be made faulty, with its float model: what a bad delegate or a bad memory cell looks like."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from fpm_edge_runtime import Bundle, Detection, DriftMonitor, Engine, Guard, Shadow, load_engine
from fpm_edge_runtime.bundle.manifest import Piece
from fpm_edge_runtime.drift.log import DriftLog

__all__ = ["LONG", "FaultyDevice", "FaultyEngine", "photo"]

LONG = 120.0


def photo(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (70, 90, 3), np.uint8)


class FaultyEngine:
    """A real engine. While `faulty` holds names of heatmaps (``heatmap_1``), they come out a cell beside.

    Stages after them get the right ones, so each stage's fault is its own.
    """

    def __init__(self, name: str = "litert") -> None:
        self._engine: Engine = load_engine(name)
        self.name, self.version, self.formats = name, self._engine.version, self._engine.formats
        self.faulty: set[str] = set()

    def load(
        self, piece: Piece, model: bytes, threads: int | None
    ) -> Callable[[Mapping[str, np.ndarray]], dict[str, Any]]:
        runner = self._engine.load(piece, model, threads)

        def run(inputs: Mapping[str, np.ndarray]) -> dict[str, Any]:
            found = runner({name: self._beside(name, value, -1) for name, value in inputs.items()})
            return {name: self._beside(name, value, 1) for name, value in found.items()}

        return run

    def _beside(self, name: str, value: np.ndarray, by: int) -> np.ndarray:
        # NHWC in both formats of the bundles that this is used with: axis 2 runs along the width.
        return np.ascontiguousarray(np.roll(value, by, axis=2)) if name in self.faulty else value


class FaultyDevice:
    """A bundle with a golden case in an engine that can be made faulty, and its float model, which can too.

    The "float model" is the same network, so nothing disagrees as long as nothing is faulty.
    """

    def __init__(self, bundle: Bundle, stages: int | None = None, log: DriftLog | None = None) -> None:
        self.engine, self.float_engine = FaultyEngine(), FaultyEngine()
        self.session = bundle.session(self.engine, 1, stages)
        self.reference = bundle.session(self.float_engine, 1)
        self.monitor = DriftMonitor((0.01, 0.01), bundle.schema.landmarks, subject=bundle.digest)
        self.shadow = Shadow(self.session, self.reference, self.monitor, rate=1.0, spacing_s=0, log=log)

    def guard(self, *steps: Any, **settings: Any) -> Guard:
        return Guard(self.shadow, steps, **settings)

    def break_it(self, *heatmaps: str) -> None:
        self.engine.faulty = set(heatmaps or ("heatmap_1", "heatmap_2"))

    def drift(self, guard: Guard, **arguments: Any) -> None:
        """Frames until the monitor says "drifted": the next call acts."""
        for seed in range(50):
            found = guard.detect(photo(seed), **arguments)
            assert found.fallback == self.shadow.fallback
            assert self.shadow.flush(LONG)
            if self.shadow.verdict == "drifted":
                return
        raise AssertionError(f"no drift: {guard.monitor.report()}")

    def act(self, guard: Guard, **arguments: Any) -> Detection:
        """Let it drift, and the policy act; the answer of the first frame after that."""
        self.drift(guard, **arguments)
        before = len(guard.taken)
        guard.detect(photo(), **arguments)
        assert guard.wait(LONG)
        assert len(guard.taken) > before
        return guard.detect(photo(1), **arguments)

    def stays_ok(self, guard: Guard, **arguments: Any) -> None:
        taken = guard.taken
        for seed in range(20):
            guard.detect(photo(seed), **arguments)
            assert self.shadow.flush(LONG)
        assert guard.monitor.verdict == "ok"
        assert guard.taken == taken
