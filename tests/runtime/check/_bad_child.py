"""A child for `check_in_child` whose engine misbehaves as the program's first argument says.

python _bad_child.py HOW BUNDLE ENGINE THREADS
"""

import os
import signal
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from fpm_edge_runtime.bundle.manifest import Piece
from fpm_edge_runtime.check.child import main
from fpm_edge_runtime.errors import ModelError


class BadEngine:
    """Answers with zeros, after doing what it is told to."""

    name = "bad"
    version = "1.0"
    formats = ("tflite", "onnx")

    def __init__(self, how: str) -> None:
        self.how = how

    def load(self, piece: Piece, model: bytes, threads: int | None) -> Callable[..., dict[str, np.ndarray]]:
        if self.how == "refuses":
            raise ModelError(f"cannot run {piece.name} with {threads} threads")

        def run(inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
            self.misbehave()
            outputs = {spec.name: np.zeros(spec.shape, spec.dtype) for spec in piece.outputs}
            if self.how == "nan" and "heatmap_2" in outputs:
                outputs["heatmap_2"][0, 0, 0, 0] = np.nan
            return outputs

        return run

    def misbehave(self) -> None:
        if self.how in ("SIGSEGV", "SIGABRT", "SIGKILL"):
            print("illegal access", file=sys.stderr, flush=True)
            os.kill(os.getpid(), getattr(signal, self.how))
        if self.how == "exit 0":
            os._exit(0)
        if self.how == "exit 3":
            os._exit(3)
        if self.how == "raises":
            raise MemoryError("no memory for the arena")
        if self.how == "hangs":
            time.sleep(600)
        if self.how == "hangs with a helper":
            os.fork()  # both hold the pipes
            time.sleep(600)
        if self.how == "chats":
            os.write(1, b"INFO: delegate for 7 nodes\n")


def reply(how: str) -> Any:
    """What programs say that are no child of ours."""
    other = '{"digest":"0000","outcome":"ok"}'
    return {"garbage": "\x00\xff{", "half": '{"digest":"00', "another bundle": other}.get(how)


if __name__ == "__main__":
    HOW = sys.argv.pop(1)
    if reply(HOW) is not None:
        print(reply(HOW))
    else:
        main(None if HOW == "well" else BadEngine(HOW))
