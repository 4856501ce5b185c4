"""What each precision costs and keeps: drift, bytes, time in LiteRT and OpenVINO; what ONNX Runtime makes of them.

    benchmarks/precisions.py lite-m --data rendered:1000@5 --test rendered:300@102 -o runs/precisions

Converts the model to every precision that has no bundle in the folder yet, and prints a Markdown table. The times of
all are taken in turns, one thread, network only (no pre-processing, no decoding), and told as medians and as medians
of the ratio to float32 in the same turn, which a busy machine disturbs less.

With ``--rejected`` instead: times of what `convert` does not make. In LiteRT int16x8 with biases of 64 bits, as
TFLite's own converter writes them; in ONNX Runtime int16 QDQ, and its own dynamic quantization.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import median
from typing import Any

os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import onnx
import onnxruntime
import pictures
from ai_edge_litert.interpreter import Interpreter
from numpy.typing import NDArray
from onnx import helper, numpy_helper
from onnxruntime.quantization import quantize_dynamic

from fpm_edge.convert.convert import Calibration, convert
from fpm_edge.convert.inputs import network_inputs
from fpm_edge.convert.quantized import load_any
from fpm_edge.convert.sampling import calibration_samples
from fpm_edge.data import Dataset, read_image
from fpm_edge.shipped import model_folder
from fpm_edge_calibration import MinMax
from fpm_edge_converters import Precision, calibrated
from fpm_edge_converters.flatgraph import FlatGraph
from fpm_edge_converters.onnx_export import to_onnx
from fpm_edge_converters.tflite import to_tflite
from fpm_edge_converters.tflite_schema import type_number
from fpm_edge_runtime import Session, open_bundle
from fpm_edge_runtime.engines.onnxruntime import session_options

PRECISIONS: tuple[Precision, ...] = ("int8", "int16x8", "dynamic-range", "float16", "float32")
ENGINES = {"litert": "LiteRT", "openvino": "OpenVINO"}
SAMPLES = 128
TURNS = 40
# The first opset with int16 codes.
OPSET_INT16 = 21


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    pictures.add_options(parser)
    parser.add_argument("--rejected", action="store_true", help="only times of what `convert` does not make")
    parser.add_argument("-o", "--output", type=Path, required=True, help="folder for bundles")
    arguments = parser.parse_args()
    data, test = pictures.load(parser, arguments)
    arguments.output.mkdir(parents=True, exist_ok=True)
    model = model_folder(arguments.model)
    if arguments.rejected:
        print_rejected(model, data, arguments.output)
        return
    for precision in PRECISIONS:
        bundle = arguments.output / f"{precision}.fpm"
        if not bundle.is_file():
            calibration = Calibration(data, samples=SAMPLES)
            convert(model, bundle, precision=precision, calibration=calibration, score=test, formats=("tflite",))
    print_table(arguments.output, read_image(test.records[0]))


def print_table(folder: Path, picture: NDArray[np.uint8]) -> None:
    bundles = {precision: open_bundle(folder / f"{precision}.fpm") for precision in PRECISIONS}
    times = {}
    for engine in ENGINES:
        sessions = {precision: bundle.session(engine, threads=1) for precision, bundle in bundles.items()}
        times[engine] = in_turns({name: runner(session, picture) for name, session in sessions.items()})
    heads = [f"ms, {title} | of float32" for title in ENGINES.values()]
    print(f"| | NE, stages 1-3 | drift, last stage | bounds | disagreement | kB | {' | '.join(heads)} |")
    print("|---|---|---|---|---|---|" + "---|---|" * len(heads))
    for precision, bundle in bundles.items():
        measured = bundle.manifest.measured
        assert measured is not None
        last = measured.stages[-1]
        drift = last.relative_drift
        size = sum(len(bundle.read(piece.member)) for piece in bundle.manifest.pieces["tflite"])
        cells = [
            precision,
            " / ".join(f"{stage.converted_ne:.4f}" for stage in measured.stages),
            f"{drift.estimate:+.2%}",
            f"{drift.lower:+.2%} to {drift.upper:+.2%}",
            f"{last.disagreement.estimate:.5f}",
            f"{size / 1e3:.0f}",
        ]
        for engine in ENGINES:
            cells += ratio_cells(times[engine], precision, "float32")
        print(f"| {' | '.join(cells)} |")


def runner(session: Session, picture: NDArray[np.uint8]) -> Callable[[], float]:
    """Milliseconds of the network on a picture."""
    return lambda: sum(session.detect(picture).timings.pieces.values())


def in_turns(runs: Mapping[str, Callable[[], float]]) -> dict[str, list[float]]:
    """Milliseconds of each, measured one after the other, turn after turn."""
    found: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(TURNS):
        for name, run in runs.items():
            found[name].append(run())
    return found


def ratio_cells(times: Mapping[str, list[float]], name: str, other: str) -> list[str]:
    """Median, and median of the ratio to `other` in the same turn."""
    ratio = median(mine / theirs for mine, theirs in zip(times[name], times[other], strict=True))
    return [f"{median(times[name]):.2f}", f"{ratio:.2f}"]


def print_rejected(model: Path, data: Dataset, folder: Path) -> None:
    loaded = load_any(model)
    chosen = calibration_samples(data, SAMPLES, "stratified", 0, loaded.config, loaded.network)
    inputs = network_inputs(data, chosen, loaded.config)
    image = inputs[0][np.newaxis]
    quantized = calibrated(loaded.network, inputs, MinMax())
    files = {
        "float32": written(to_tflite(loaded.network, "float32")),
        "int16x8": written(to_tflite(quantized, "int16x8")),
        "int16x8, biases of 64 bits": written(with_wide_biases(to_tflite(quantized, "int16x8"))),
    }
    print_times("LiteRT", {name: (len(data), litert_runner(data, image)) for name, data in files.items()})
    graphs = {
        "float32": to_onnx(files["float32"], stages=loaded.config.stages),
        "int8": to_onnx(written(to_tflite(quantized, "int8")), stages=loaded.config.stages),
    }
    graphs["int16 QDQ"] = int16(graphs["int8"])
    paths = folder / "float32.onnx", folder / "dynamic.onnx"
    onnx.save(graphs["float32"], paths[0])
    quantize_dynamic(*paths, op_types_to_quantize=["Conv"])
    graphs["dynamic (onnxruntime.quantization)"] = onnx.load(paths[1])
    contents = {name: graph.SerializeToString() for name, graph in graphs.items()}
    print_times("ONNX Runtime", {name: (len(data), onnx_runner(data, image)) for name, data in contents.items()})


def print_times(engine: str, runs: Mapping[str, tuple[int, Callable[[], float]]]) -> None:
    times = in_turns({name: run for name, (_, run) in runs.items()})
    print(f"| {engine} | ms | of float32 | kB |\n|---|---|---|---|")
    for name, (size, _) in runs.items():
        print(f"| {' | '.join((name, *ratio_cells(times, name, 'float32'), f'{size / 1e3:.0f}'))} |")
    print()


def written(graph: FlatGraph) -> bytes:
    return graph.cut(graph.inputs, graph.outputs)


def with_wide_biases(graph: FlatGraph) -> FlatGraph:
    for position, op in enumerate(graph.operators):
        if op.kind == "CONV_2D":
            bias = op.inputs[2]
            graph.replace_constant(position, 2, graph.constant(bias).astype(np.int64), graph.scales(bias))
            graph.set_options(position, quantizedBiasType=type_number("INT64"))
    return graph


def int16(int8: onnx.ModelProto) -> onnx.ModelProto:
    """The int8 QDQ graph with int16 activations over the same ranges, as `int16x8` has them."""
    model = onnx.ModelProto()
    model.CopyFrom(int8)
    del model.opset_import[:]
    model.opset_import.append(helper.make_opsetid("", OPSET_INT16))
    model.ir_version = 10
    constants = {constant.name: constant for constant in model.graph.initializer}
    pixels = {"image"}
    for node in model.graph.node:
        if node.op_type == "Transpose" and node.input[0] in pixels:
            pixels.add(node.output[0])
        if node.op_type not in {"QuantizeLinear", "DequantizeLinear"} or node.input[0] in {*constants, *pixels}:
            continue
        scale, zero_point = (numpy_helper.to_array(constants[name]) for name in node.input[1:3])
        limits = np.iinfo(zero_point.dtype)
        most = float(scale) * max(int(zero_point) - limits.min, limits.max - int(zero_point))
        for slot, value in ((1, np.float32(most / 32767)), (2, np.int16(0))):
            node.input[slot] = f"{node.name}_{slot}"
            model.graph.initializer.append(numpy_helper.from_array(np.asarray(value), node.input[slot]))
    for output in model.graph.output:
        output.type.tensor_type.elem_type = onnx.TensorProto.INT16
    del model.graph.value_info[:]
    return model


def litert_runner(data: bytes, image: NDArray[Any]) -> Callable[[], float]:
    interpreter = Interpreter(model_content=data, num_threads=1)
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], image)
    return timed(interpreter.invoke)


def onnx_runner(data: bytes, image: NDArray[Any]) -> Callable[[], float]:
    session = onnxruntime.InferenceSession(data, session_options(1), providers=["CPUExecutionProvider"])
    return timed(lambda: session.run(None, {"image": image}))


def timed(run: Callable[[], object]) -> Callable[[], float]:
    """Milliseconds of a call, after a first one."""
    run()

    def measure() -> float:
        start = time.perf_counter()
        run()
        return (time.perf_counter() - start) * 1e3

    return measure


if __name__ == "__main__":
    main()
