"""Runs a file of ncnn or MNN in the environment of its engine: `worker.py FILE`.

For every picture on the standard input (its shape as three int32, then its pixels in uint8) it writes to the standard
output, all in float32: its own wall and processor seconds, the shape (stages, maps, height, width), and the heatmaps.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

STAGES = 3


def ncnn_engine(path: Path) -> Callable[[Any], list[Any]]:
    import ncnn

    net = ncnn.Net()
    net.opt.num_threads = 1
    net.load_param(str(path))
    net.load_model(str(path.with_suffix(".bin")))

    def run(picture: Any) -> list[Any]:
        planes = np.ascontiguousarray(picture.transpose(2, 0, 1), np.float32) / np.float32(255)
        extractor = net.create_extractor()
        # It does not copy: an array that Python frees too early gives other landmarks, and no error.
        extractor.input("in0", ncnn.Mat(planes))
        return [np.array(extractor.extract(f"out{stage}")[1]) for stage in range(STAGES)]

    return run


def mnn_engine(path: Path) -> Callable[[Any], list[Any]]:
    from MNN import expr, nn

    runtime = nn.create_runtime_manager(({"backend": "CPU", "numThread": 1, "precision": "high"},))
    names = [f"heatmap_{stage}" for stage in range(1, STAGES + 1)]
    net = nn.load_module_from_file(str(path), ["image"], names, runtime_manager=runtime)

    def run(picture: Any) -> list[Any]:
        planes = np.ascontiguousarray(picture.transpose(2, 0, 1)[None], np.float32) / np.float32(255)
        given = expr.convert(expr.const(planes, planes.shape, expr.NCHW), expr.NC4HW4)
        return [np.array(expr.convert(maps, expr.NCHW).read())[0] for maps in net.forward([given])]

    return run


def main() -> None:
    path = Path(sys.argv[1])
    # What an engine prints must not get among the answers.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    run = (ncnn_engine if path.suffix == ".param" else mnn_engine)(path)
    while head := sys.stdin.buffer.read(12):
        shape = np.frombuffer(head, np.int32)
        picture = np.frombuffer(sys.stdin.buffer.read(int(shape.prod())), np.uint8).reshape(shape)
        begun, begun_busy = time.perf_counter(), time.process_time()
        maps = np.stack(run(picture)).astype(np.float32)
        seconds = time.perf_counter() - begun, time.process_time() - begun_busy
        answers.write(np.array([*seconds, *maps.shape], np.float32).tobytes() + maps.tobytes())
        answers.flush()


if __name__ == "__main__":
    main()
