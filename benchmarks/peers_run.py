"""Runs any quantized file on network inputs and decodes it, the same way for everybody's."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import onnxruntime
import openvino
from ai_edge_litert.interpreter import Interpreter
from numpy.typing import NDArray

from fpm_edge.accuracy.predict import Predictions
from fpm_edge.train.pipeline import Sample
from fpm_edge_runtime.engines.onnxruntime import session_options
from fpm_edge_runtime.pixels.decode_maps import decode_heatmaps
from fpm_edge_runtime.pixels.geometry import cells_to_input

Layout = Literal["NHWC", "NCHW"]
Codes = Sequence[tuple[float, int]]


@dataclass(frozen=True)
class Maps:
    """One stage's heatmaps: (height, width, maps) or (maps, height, width), codes where there is a scale."""

    values: NDArray[Any]
    layout: Layout
    scale: float | None = None
    zero_point: int | None = None


@dataclass(frozen=True)
class Runner:
    """A loaded file: `invoke` runs one input (height, width, 3) uint8, `maps` reads its heatmaps, stage by stage.

    `seconds` gives the wall and processor seconds of the last `invoke`, where it ran in a process of its own.
    """

    invoke: Callable[[NDArray[np.uint8]], Any]
    maps: Callable[[Any], list[Maps]]
    seconds: Callable[[], tuple[float, float]] | None = None


def load(path: Path, engine: str, threads: int, codes: Codes | None, python: Path | None = None) -> Runner:
    """A file in an engine.

    Args:
        codes: scale and zero point of every stage's heatmaps, for our files; ONNX Runtime then gets the options of our
            runtime as well. None for a peer's file, which is run as the peer's documentation runs it.
        python: interpreter of the engine's own environment, for the engines that are run in one; always one thread.
    """
    if python is not None:
        return _worker(path, python)
    if engine == "litert":
        return _litert(path, threads)
    return (_onnx if engine == "onnxruntime" else _openvino)(path, threads, codes)


def predict(runner: Runner, samples: Sequence[Sample], landmarks: int, stride: int) -> Predictions:
    """Landmarks of all stages, by the runtime's decoder."""
    points, heights, sizes = [], [], []
    for sample in samples:
        found = [
            decode_heatmaps(
                maps.values,
                layout=maps.layout,
                landmarks=landmarks,
                scale=maps.scale,
                zero_point=maps.zero_point,
            )
            for maps in runner.maps(runner.invoke(sample.image))
        ]
        points.append([sample.placement.to_picture(cells_to_input(cells, stride)) for cells, _ in found])
        heights.append([scores for _, scores in found])
        sizes.append(sample.picture_size)
    return Predictions(np.array(points, np.float32), np.array(heights, np.float32), np.array(sizes, np.float64))


def _litert(path: Path, threads: int) -> Runner:
    interpreter = Interpreter(str(path), num_threads=threads)
    interpreter.allocate_tensors()
    signature = interpreter.get_signature_runner()
    (entry,) = signature.get_input_details().values()
    outputs = [detail for _, detail in sorted(signature.get_output_details().items())]
    scale, zero_point = entry["quantization"]

    def invoke(image: NDArray[np.uint8]) -> list[NDArray[Any]]:
        given: NDArray[Any] = image
        if entry["dtype"] == np.float32:
            given = image.astype(np.float32) / np.float32(255)
        elif entry["dtype"] == np.int8:
            given = np.clip(np.rint(image / 255 / scale) + zero_point, -128, 127).astype(np.int8)
        interpreter.set_tensor(entry["index"], given[np.newaxis])
        interpreter.invoke()
        return [interpreter.get_tensor(detail["index"]) for detail in outputs]

    def maps(values: list[NDArray[Any]]) -> list[Maps]:
        found = []
        for value, detail in zip(values, outputs, strict=True):
            codes = detail["quantization"] if value.dtype == np.int8 else (None, None)
            found.append(Maps(value[0], "NHWC", *codes))
        return found

    return Runner(invoke, maps)


def _onnx(path: Path, threads: int, codes: Codes | None) -> Runner:
    options = session_options(threads)
    if codes is None:
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    names = sorted(output.name for output in session.get_outputs())
    return Runner(
        lambda image: session.run(names, {"image": image[np.newaxis]}), lambda values: _named(values, "NCHW", codes)
    )


def _openvino(path: Path, threads: int, codes: Codes | None) -> Runner:
    core = openvino.Core()
    settings = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": threads}
    compiled = core.compile_model(core.read_model(path), "CPU", settings)
    request = compiled.create_infer_request()
    ports = sorted(compiled.outputs, key=lambda port: min(n for n in port.get_names() if n.startswith("heatmap_")))
    layout: Layout = "NHWC" if path.suffix == ".tflite" else "NCHW"

    def invoke(image: NDArray[np.uint8]) -> list[NDArray[Any]]:
        found = request.infer([image[np.newaxis]])
        return [np.array(found[port]) for port in ports]

    return Runner(invoke, lambda values: _named(values, layout, codes))


def _worker(path: Path, python: Path) -> Runner:
    """A file in an engine of another environment, see `peers/worker.py`."""
    script = Path(__file__).parent / "peers" / "worker.py"
    process = subprocess.Popen([python, script, path.absolute()], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdin is not None
    assert process.stdout is not None
    given, answers = process.stdin, process.stdout
    last = [0.0, 0.0]

    def read(count: int) -> NDArray[np.float32]:
        data = answers.read(4 * count)
        if len(data) < 4 * count:
            raise RuntimeError(f"{path}: its engine ended, with code {process.wait()}")
        return np.frombuffer(data, np.float32)

    def invoke(image: NDArray[np.uint8]) -> list[NDArray[Any]]:
        given.write(np.array(image.shape, np.int32).tobytes() + image.tobytes())
        given.flush()
        wall, busy, *shape = read(6).tolist()
        last[:] = wall, busy
        sizes = [int(size) for size in shape]
        return [maps[np.newaxis] for maps in read(int(np.prod(sizes))).reshape(sizes)]

    return Runner(invoke, lambda values: _named(values, "NCHW", None), lambda: (last[0], last[1]))


def _named(values: Sequence[NDArray[Any]], layout: Layout, codes: Codes | None) -> list[Maps]:
    """With the scales, which these engines do not tell; a peer's files give real numbers."""
    if codes is None:
        return [Maps(value[0], layout) for value in values]
    return [Maps(value[0], layout, *code) for value, code in zip(values, codes, strict=True)]
