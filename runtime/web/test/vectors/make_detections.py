"""Make detections.json: what the Python runtime finds with tiny.fpm, in ONNX Runtime.

    .venv/bin/python runtime/web/test/vectors/make_detections.py

`scene` and `ticking` are in test/support/tiny.ts again.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fpm_edge_runtime import Detection, Session, StageResult, open_bundle
from fpm_edge_runtime.engines import load_engine

HERE = Path(__file__).parent

# Width, height; golden case, left, top and side of the garment in it.
SCENES = ((64, 64, 0, 0, 0, 64), (131, 97, 0, 20, 3, 90), (57, 203, 1, 1, 100, 55), (640, 481, 1, 400, 60, 150))

ASKED: tuple[dict[str, Any], ...] = (
    {},
    {"category": "trousers"},
    {"category": "any", "stages": 2},
    {"box": (3.25, 10.0, 50.5, 60.75)},
    {"box": (-20.0, 5.0, 1e6, 55.5), "category": "dress", "stages": 1},
    {"converge_px": 30.0},
    {"converge_px": "fitted", "category": "skirt"},
    {"looks": 2},
    {"looks": 2, "category": "any", "stages": 2},
)

DEADLINES = tuple(0.75 * number for number in range(25))


def scene(inputs: list[NDArray[np.uint8]], size: tuple[int, ...]) -> NDArray[np.uint8]:
    """A golden input, enlarged without any filter, before a pattern."""
    width, height, case, left, top, side = size
    y, x = np.mgrid[:height, :width]
    picture = np.stack([(3 * x + y) % 64, (x + 2 * y) % 64, (x * y) % 32], axis=-1).astype(np.uint8)
    for row in range(top, min(top + side, height)):
        for column in range(left, min(left + side, width)):
            picture[row, column] = inputs[case][(row - top) * 64 // side, (column - left) * 64 // side]
    return picture


def ticking() -> Callable[[], float]:
    """A clock, in seconds, that goes on by 1/8 to 1 millisecond whenever it is read."""
    state, eighths = 1, 0

    def read() -> float:
        nonlocal state, eighths
        state = state * 1103515245 + 12345 & 0x7FFFFFFF
        eighths += (state >> 16) % 8 + 1
        return eighths / 8 / 1e3

    return read


def answer(found: Detection | StageResult) -> dict[str, Any]:
    return {
        "landmarks": [round(float(value), 3) for value in found.landmarks.ravel()],
        "scores": [round(float(value), 4) for value in found.scores],
        "labelled": "".join("1" if value else "0" for value in found.labelled),
        "doubts": dict(found.doubts),
        "category": found.category,
        "categoryScore": found.category_score,
        "confidences": None if found.confidences is None else [round(float(value), 4) for value in found.confidences],
    }


def timed(found: Detection) -> dict[str, Any]:
    timings = found.timings
    return {
        "stagesRun": found.stages_run,
        "stopReason": found.stop_reason,
        "looks": found.looks,
        "timings": {
            "preprocessMs": timings.preprocess_ms,
            "pieces": dict(timings.pieces),
            "decodeMs": timings.decode_ms,
            "totalMs": timings.total_ms,
        },
    }


def main() -> None:
    bundle = open_bundle(HERE / "tiny.fpm")
    golden = bundle.golden()
    assert golden is not None
    inputs = [bundle.golden_input(case) for case in golden.cases]
    pictures = [scene(inputs, size) for size in SCENES]
    session = bundle.session("onnxruntime", threads=1)
    detections = []
    for number, picture in enumerate(pictures):
        for asked in ASKED:
            found = session.detect(picture, **asked)
            entry = {"stagesRun": found.stages_run, "stopReason": found.stop_reason, "looks": found.looks}
            detections.append({"scene": number, "asked": asked, "found": answer(found) | entry})
    ticked = Session(bundle, load_engine("onnxruntime"), "onnx", threads=1, clock=ticking())
    deadlines = [
        {"scene": scene, "deadline": deadline, "looks": looks, "found": timed(found)}
        for scene, looks in ((1, 1), (3, 2))
        for deadline in DEADLINES
        for found in [ticked.detect(pictures[scene], deadline_ms=deadline, looks=looks)]
    ]
    stages = [
        answer(found) | {"stage": found.stage, "elapsedMs": found.elapsed_ms}
        for found in ticked.stages(pictures[1], deadline_ms=1000)
    ]
    trace = ticked.trace(pictures[2], category="blouse", stages=2)
    traced = {
        "landmarks": [[round(float(value), 3) for value in stage.ravel()] for stage in trace.landmarks],
        "sum": int(trace.input.sum()),
    }
    content = {"scenes": SCENES, "detections": detections, "deadlines": deadlines, "stages": stages, "trace": traced}
    (HERE / "detections.json").write_text(json.dumps(content, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
