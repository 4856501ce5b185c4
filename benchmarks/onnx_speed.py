"""Which form of the int8 ONNX file is fast, and which is right: every form in ONNX Runtime and OpenVINO beside LiteRT.

    benchmarks/onnx_speed.py lite-m --data rendered:200@5 --threads 1,2

Makes the int8 TFLite file as `convert` does, and of it every form that was considered (decision 0016). Prints for each
which nodes ONNX Runtime executes, how many codes of the last stage differ from LiteRT's and by how many at most, and
the median time of interleaved runs for every number of threads.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import onnx
import onnxruntime
import openvino
from ai_edge_litert.interpreter import Interpreter
from numpy.typing import NDArray

from fpm_edge.convert.inputs import network_inputs
from fpm_edge.convert.quantized import load_any
from fpm_edge.convert.sampling import calibration_samples
from fpm_edge.data import load_dataset
from fpm_edge.shipped import model_folder
from fpm_edge_calibration import MinMax
from fpm_edge_converters import calibrated
from fpm_edge_converters import onnx_export as exporter
from fpm_edge_converters.onnx_codes import unsigned_weights
from fpm_edge_converters.tflite import Precision, to_tflite
from fpm_edge_runtime.engines._onnx_overflow import overflows

Run = Callable[[NDArray[np.uint8]], NDArray[Any]]
ALLOWED = {"session.qdqisint8allowed": "1"}
PRECISE = {"session.x64quantprecision": "1"}
# OpenVINO without integer arithmetic.
REAL = {"LP_TRANSFORMS_MODE": "NO"}


@dataclass(frozen=True)
class Form:
    """A file with the options of a session; `data` None for what is not ONNX."""

    title: str
    engine: str
    data: bytes
    options: dict[str, str]


def forms(networks: dict[Precision, bytes], stages: int) -> list[Form]:
    """All that are compared."""
    unsigned = exporter.to_onnx(networks["int8"], stages=stages)
    bytes_of = {
        "float32": exporter.to_onnx(networks["float32"], stages=stages).SerializeToString(),
        "int8 activations": signed_onnx(networks["int8"], stages).SerializeToString(),
        "uint8 activations": unsigned.SerializeToString(),
        "uint8 activations and kernels": unsigned_weights(unsigned).SerializeToString(),
    }
    return [
        Form("LiteRT, int8", "litert", networks["int8"], {}),
        Form("LiteRT, float32", "litert", networks["float32"], {}),
        *(Form(f"ONNX Runtime, {name}", "onnxruntime", data, {}) for name, data in bytes_of.items()),
        Form("ONNX Runtime, int8 activations, int8 allowed", "onnxruntime", bytes_of["int8 activations"], ALLOWED),
        Form("ONNX Runtime, int8 activations, precise", "onnxruntime", bytes_of["int8 activations"], PRECISE),
        Form("ONNX Runtime, uint8 activations, precise", "onnxruntime", bytes_of["uint8 activations"], PRECISE),
        *(Form(f"OpenVINO, {name}", "openvino", data, {}) for name, data in bytes_of.items()),
        Form("OpenVINO, TFLite", "openvino", networks["int8"], {}),
        Form("OpenVINO, uint8 activations, in float", "openvino", bytes_of["uint8 activations"], REAL),
        Form("OpenVINO, TFLite, in float", "openvino", networks["int8"], REAL),
    ]


def signed_onnx(tflite: bytes, stages: int) -> onnx.ModelProto:
    """The file as it was before decision 0016: TFLite's own codes."""
    with mock.patch.object(exporter, "unsigned_activations"):
        return exporter.to_onnx(tflite, stages=stages)


def onnx_options(form: Form, threads: int) -> onnxruntime.SessionOptions:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = threads
    for name, value in form.options.items():
        options.add_session_config_entry(name, value)
    return options


def load(form: Form, threads: int) -> Run:
    """What gives the last stage's codes (or real numbers), maps first."""
    if form.engine == "litert":
        interpreter = Interpreter(model_content=form.data, num_threads=threads)
        interpreter.allocate_tensors()
        runner = interpreter.get_signature_runner()
        (entry,) = (detail["index"] for detail in runner.get_input_details().values())
        _, last = max((name, detail["index"]) for name, detail in runner.get_output_details().items())

        def invoke(image: NDArray[np.uint8]) -> NDArray[Any]:
            interpreter.set_tensor(entry, image[np.newaxis])
            interpreter.invoke()
            return np.asarray(interpreter.get_tensor(last)[0].transpose(2, 0, 1))

        return invoke
    if form.engine == "onnxruntime":
        options = onnx_options(form, threads)
        session = onnxruntime.InferenceSession(form.data, options, providers=["CPUExecutionProvider"])
        return lambda image: np.asarray(session.run(None, {"image": image[np.newaxis]})[-1][0])
    settings = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": threads}
    settings |= form.options
    core = openvino.Core()
    is_onnx = "TFLite" not in form.title
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model.onnx" if is_onnx else "model.tflite")
        path.write_bytes(form.data)
        compiled = core.compile_model(core.read_model(path), "CPU", settings)
    request = compiled.create_infer_request()
    last_port = max(compiled.outputs, key=lambda port: max(n for n in port.get_names() if n.startswith("heatmap")))

    def infer(image: NDArray[np.uint8]) -> NDArray[Any]:
        found = np.array(request.infer([image[np.newaxis]])[last_port][0])
        return found if is_onnx else np.asarray(found.transpose(2, 0, 1))

    return infer


def executed(form: Form) -> str:
    """The operators of ONNX Runtime's optimized graph."""
    options = onnx_options(form, 1)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "optimized.onnx")
        options.optimized_model_filepath = str(path)
        onnxruntime.InferenceSession(form.data, options, providers=["CPUExecutionProvider"])
        counts = Counter(node.op_type for node in onnx.load(path).graph.node)
    return ", ".join(f"{count} {kind}" for kind, count in sorted(counts.items()))


def measure(runs: dict[str, Run], inputs: Sequence[NDArray[np.uint8]], rounds: int) -> dict[str, tuple[float, float]]:
    """Median wall and processor milliseconds; a round runs every form twice and times the second."""
    wall: dict[str, list[float]] = {title: [] for title in runs}
    busy: dict[str, list[float]] = {title: [] for title in runs}
    for number in range(rounds):
        image = inputs[number % len(inputs)]
        for title, run in runs.items():
            run(image)
            begun, begun_busy = time.perf_counter(), time.process_time()
            run(image)
            wall[title].append(1e3 * (time.perf_counter() - begun))
            busy[title].append(1e3 * (time.process_time() - begun_busy))
    return {title: (statistics.median(wall[title]), statistics.median(busy[title])) for title in runs}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path, help="folder of a float model, or the name of the shipped one")
    parser.add_argument("--data", required=True, help="pictures that set the ranges")
    parser.add_argument("--samples", type=int, default=64)
    parser.add_argument("--threads", default="1,2")
    parser.add_argument("--rounds", type=int, default=100)
    arguments = parser.parse_args()
    loaded = load_any(model_folder(arguments.model))
    data = load_dataset(arguments.data)
    chosen = calibration_samples(data, arguments.samples, "stratified", 0, loaded.config, loaded.network)
    inputs = network_inputs(data, chosen, loaded.config)
    quantized = calibrated(loaded.network, inputs, MinMax())
    networks: dict[Precision, bytes] = {}
    networks["int8"], networks["float32"] = (
        graph.cut(graph.inputs, graph.outputs)
        for graph in (to_tflite(quantized, "int8"), to_tflite(loaded.network, "float32"))
    )
    compared = forms(networks, loaded.config.stages)
    print(f"products of uint8 and int8 overflow in ONNX Runtime {onnxruntime.__version__}: {overflows()}\n")
    for form in compared:
        if form.engine == "onnxruntime":
            print(f"- {form.title}: {executed(form)}")
    single = {form.title: load(form, 1) for form in compared}
    tests = inputs[:16]
    true = np.stack([single[compared[0].title](image) for image in tests]).astype(int)
    print("\n| form | codes that differ | by at most |\n|---|---|---|")
    for form in compared:
        found = np.stack([single[form.title](image) for image in tests])
        if found.dtype == np.int8:
            apart = np.abs(found.astype(int) - true)
            print(f"| {form.title} | {(apart > 0).mean():.2%} | {apart.max()} |")
    for threads in map(int, arguments.threads.split(",")):
        times = measure({form.title: load(form, threads) for form in compared}, inputs, arguments.rounds)
        base, base_busy = times[compared[0].title]
        print(f"\n{threads} threads\n\n| form | ms | × LiteRT int8 | processor ms | × |\n|---|---|---|---|---|")
        for title, (ms, busy) in times.items():
            print(f"| {title} | {ms:.1f} | {ms / base:.2f} | {busy:.1f} | {busy / base_busy:.2f} |")


if __name__ == "__main__":
    main()
