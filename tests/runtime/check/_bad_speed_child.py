"""A child for `measure_in_children` that is well in LiteRT, and as any other engine misbehaves as HOW says.

python _bad_speed_child.py HOW --speed BUNDLE ENGINE THREADS

It runs LiteRT, so that the self-check passes, until it is timed. HOW is one of `_bad_child`, or: ``fails``: every run
with two threads; ``wrong``: zeros with two threads; ``refuses two``: to load with two threads.
"""

import json
import sys
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from _bad_child import BadEngine, reply

from fpm_edge_runtime import load_engine, open_bundle
from fpm_edge_runtime.bundle.manifest import Piece
from fpm_edge_runtime.check.child import main
from fpm_edge_runtime.errors import ModelError

# Two runs of warm-up and one golden case.
RUNS_BEFORE = 3


class LaterBadEngine:
    """LiteRT until it is timed."""

    name = "later bad"
    version = "1.0"
    formats = ("tflite",)

    def __init__(self, how: str) -> None:
        self.how = how
        self.litert = load_engine("litert")
        self.bad = BadEngine(how)

    def load(self, piece: Piece, model: bytes, threads: int | None) -> Callable[..., dict[str, np.ndarray]]:
        if (self.how, threads) == ("refuses two", 2):
            raise ModelError(f"cannot run {piece.name} with {threads} threads")
        runner = self.litert.load(piece, model, threads)
        runs = 0

        def run(inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
            nonlocal runs
            runs += 1
            outputs = runner(inputs)
            if (self.how, threads) == ("wrong", 2):
                return {name: np.zeros_like(values) for name, values in outputs.items()}
            if runs > RUNS_BEFORE:
                if (self.how, threads) == ("fails", 2):
                    raise RuntimeError("out of arena")
                self.bad.misbehave()
            return outputs

        return run


def greeting(how: str, bundle: str) -> Any:
    """What programs say that are no child of ours."""
    if how == "other threads":
        return json.dumps({"digest": open_bundle(bundle).digest, "ready": []})
    if how == "another bundle":
        return json.dumps({"digest": "0000", "ready": []})
    return reply(how)


if __name__ == "__main__":
    HOW = sys.argv.pop(1)
    BUNDLE, ENGINE = sys.argv[2:4]
    if ENGINE == "litert":
        main()
    elif greeting(HOW, BUNDLE) is not None:
        print(greeting(HOW, BUNDLE), flush=True)
        sys.stdin.read()
    else:
        main(LaterBadEngine(HOW))
