"""What was tried to bring the lite networks nearer to the limit, each beside the form that is, in turns.

    taskset -c 1 benchmarks/roofline_forms.py

Of an int8 TFLite file, the first layers in other forms that give the same codes:

- pairs: the image is read as pairs of pixels of 6 channels (RESHAPE moves nothing), by kernels of half the columns and
  one more: the engine's kernels take 8 channels at once, and get 6 instead of 3;
- pairs, PAD and pairs, CONCATENATION: an edge of one pixel is written around the image first, so that the kernels need
  no more than half the columns;
  OpenVINO, which reads the TFLite file as well, is timed on these by itself, without what the runtime sets;
- float: the QUANTIZE from uint8 to int8, which XNNPACK does not take, as DEQUANTIZE and QUANTIZE, which it does.

Of the engine: LiteRT's CompiledModel with other options. Of the float ONNX file: the clip of the maps as TFLite has it
(Relu, Min, Relu), and as one Clip. Of both int8 files: kernels of 7 bits.

Prints for each how many codes or numbers of the last stage differ from the form that is, the median processor time, and
the median ratio of the times within a turn, with its quartiles.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from unittest import mock

os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import onnxruntime
import openvino
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.compiled_model import CompiledModel, CpuOptions, HardwareAccelerator, Options
from ai_edge_litert.cpu_kernel_mode import CpuKernelMode
from ai_edge_litert.interpreter import Interpreter
from numpy.typing import NDArray
from roofline_machine import KINDS, to_graph
from roofline_parts import NETWORKS, network_of

from fpm_edge_converters import onnx_export
from fpm_edge_converters.flatgraph import FlatGraph
from fpm_edge_converters.tflite_schema import copied, type_number
from fpm_edge_runtime.engines.onnxruntime import session_options

Picture = NDArray[np.uint8]
Run = Callable[[], NDArray[Any]]
WAYS = ("pairs", "pairs, PAD", "pairs, CONCATENATION", "float", "pairs, CONCATENATION, float")


class Editor:
    """Changes to a graph that no part of the package needs."""

    def __init__(self, data: bytes) -> None:
        self.graph = FlatGraph(data)
        self._raw = self.graph._graph
        self._model = self.graph._model

    def constant(self, values: NDArray[Any], kind: str, like: int | None = None) -> int:
        """A new constant, in the codes of the tensor `like`."""
        buffer, tensor = schema.BufferT(), schema.TensorT()
        buffer.data = np.ascontiguousarray(values).view(np.uint8).ravel()
        self._model.buffers.append(buffer)
        tensor.name = f"constant_{len(self._raw.tensors)}".encode()  # OpenVINO tells tensors apart by name
        tensor.type, tensor.isVariable = type_number(kind), False
        tensor.shape, tensor.buffer = np.array(values.shape, np.int32), len(self._model.buffers) - 1
        tensor.quantization = None if like is None else self._raw.tensors[like].quantization
        return self.graph._append(tensor)

    def tensor(self, like: int, shape: tuple[int, ...], kind: str | None = None) -> int:
        """A new activation in the codes of the tensor `like`, or of another kind and without codes."""
        tensor = copied(self._raw.tensors[like])
        tensor.shape, tensor.shapeSignature = np.array(shape, np.int32), None
        tensor.name = f"new_{len(self._raw.tensors)}".encode()
        if kind is not None:
            tensor.type, tensor.quantization = type_number(kind), None
        return self.graph._append(tensor)

    def operator(self, kind: str, read: list[int], made: int, options: Any = None, version: int = 1) -> Any:
        """A new operator, which is nowhere yet."""
        operator = schema.OperatorT()
        operator.opcodeIndex = self.graph._code(kind, version)
        operator.inputs, operator.outputs = np.array(read, np.int32), np.array([made], np.int32)
        if options is not None:
            operator.builtinOptionsType = getattr(schema.BuiltinOptions, type(options).__name__.removesuffix("T"))
            operator.builtinOptions = options
        return operator

    def joined(self, parts: list[int], made: int, axis: int) -> Any:
        """A CONCATENATION."""
        options = schema.ConcatenationOptionsT()
        options.axis, options.fusedActivationFunction = axis, schema.ActivationFunctionType.NONE
        return self.operator("CONCATENATION", parts, made, options, 2)

    def in_float(self) -> None:
        """The QUANTIZE of the image by way of real numbers."""
        first = self._raw.operators[0]
        image, codes = int(first.inputs[0]), int(first.outputs[0])
        real = self.tensor(image, self.graph.shape(image), "FLOAT32")
        self._raw.operators[0:1] = [
            self.operator("DEQUANTIZE", [image], real, version=2),
            self.operator("QUANTIZE", [real], codes),
        ]

    def in_pairs(self, edge: str) -> None:
        """The first convolution (4 × 4, stride 2) on pairs of pixels; `edge`: what writes one, or nothing."""
        convolution = self._raw.operators[1]
        codes, kernel = (int(index) for index in convolution.inputs[:2])
        _, height, width, channels = self.graph.shape(codes)
        weights = self.graph.constant(kernel)
        filters, rows, columns, _ = weights.shape
        _, zero = self.graph.quantization(codes) or (1.0, 0)
        before: list[Any] = []
        source = codes
        if edge:
            height, width = height + 2, width + 2
            source = self.tensor(codes, (1, height, width, channels))
        if edge == "PAD":
            sides = self.constant(np.array([[0, 0], [1, 1], [1, 1], [0, 0]], np.int32), "INT32")
            before.append(self.operator("PAD", [codes, sides], source, schema.PadOptionsT(), 2))
        elif edge:
            row = self.constant(np.full((1, 1, width - 2, channels), zero, np.int8), "INT8", codes)
            column = self.constant(np.full((1, height, 1, channels), zero, np.int8), "INT8", codes)
            tall = self.tensor(codes, (1, height, width - 2, channels))
            before += [self.joined([row, codes, row], tall, 1), self.joined([column, tall, column], source, 2)]
        else:
            wide = np.zeros((filters, rows, columns + 2, channels), np.int8)
            wide[:, :, 1:-1] = weights
            weights = wide
        shape = np.array((1, height, width // 2, 2 * channels), np.int32)
        options = schema.ReshapeOptionsT()
        options.newShape = shape
        pairs = self.tensor(codes, tuple(shape))
        before.append(self.operator("RESHAPE", [source, self.constant(shape, "INT32")], pairs, options))
        weights = weights.reshape(filters, rows, -1, 2 * channels)
        self.graph.replace_constant(1, 1, weights, self.graph.scales(kernel))
        self._raw.tensors[-1].shape = np.array(weights.shape, np.int32)
        convolution.inputs[0] = pairs
        self.graph.set_options(1, strideW=1, padding=schema.Padding.VALID if edge else schema.Padding.SAME)
        self._raw.operators[1:1] = before

    def files(self) -> tuple[bytes, bytes]:
        """The whole file, and what is before the second convolution."""
        graph = self.graph
        first = next(op.outputs for op in graph.operators if op.kind == "CONV_2D")
        return graph.cut(graph.inputs, graph.outputs), graph.cut(graph.inputs, list(first))


def in_way(data: bytes, way: str) -> tuple[bytes, bytes]:
    editor = Editor(data)
    if "pairs" in way:
        editor.in_pairs("PAD" if "PAD" in way else "CONCATENATION" if "CONC" in way else "")
    if "float" in way:
        editor.in_float()
    return editor.files()


def interpreted(data: bytes, picture: Picture) -> Run:
    made = Interpreter(model_content=data, num_threads=1)
    made.allocate_tensors()
    made.set_tensor(made.get_input_details()[0]["index"], picture)
    last = max(made.get_output_details(), key=lambda detail: str(detail["name"]))["index"]

    def run() -> NDArray[Any]:
        made.invoke()
        return np.asarray(made.get_tensor(last))

    return run


def compiled(data: bytes, picture: Picture, **options: Any) -> Run:
    """LiteRT's CompiledModel. Raises RuntimeError where it does not take the options."""
    on_cpu = Options(HardwareAccelerator.CPU, cpu_options=CpuOptions(1, **options))
    model = CompiledModel.from_buffer(data, options=on_cpu)
    ((signature, edges),) = model.get_signature_list().items()
    inputs = {name: model.create_input_buffer_by_name(signature, name) for name in edges["inputs"]}
    outputs = {name: model.create_output_buffer_by_name(signature, name) for name in edges["outputs"]}
    inputs["image"].write(picture)
    last = max(outputs)
    spec = FlatGraph(data).spec(FlatGraph(data).find(last))
    size, dtype = int(np.prod(spec.shape)), np.dtype(spec.dtype)

    def run() -> NDArray[Any]:
        model.run_by_name(signature, inputs, outputs)
        return np.asarray(outputs[last].read(size, dtype)).reshape(spec.shape)

    return run


def in_onnxruntime(model: Any, picture: Picture) -> Run:
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), session_options(1), providers=["CPUExecutionProvider"]
    )
    return lambda: np.asarray(session.run(None, {"image": picture})[-1].transpose(0, 2, 3, 1))


def in_openvino(data: bytes, picture: Picture) -> Run:
    """In integers, as on a processor with VNNI; here products overflow, and the runtime does not allow it."""
    settings = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": 1}
    core = openvino.Core()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "whole.tflite")
        path.write_bytes(data)
        made = core.compile_model(core.read_model(path), "CPU", settings | {"ENABLE_CPU_PINNING": False})
    request = made.create_infer_request()
    request.set_tensor(made.inputs[0], openvino.Tensor(picture))
    last = max(made.outputs, key=lambda port: max(name for name in port.get_names() if name.startswith("heatmap")))

    def run() -> NDArray[Any]:
        request.infer()
        return np.array(request.get_tensor(last).data)

    return run


def compare(title: str, runs: dict[str, Run], turns: int, twins: Mapping[str, str] | None = None) -> None:
    """A table; the first is what the others are compared with, or for what it answers the one that `twins` names."""
    times: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(turns):
        for name, run in runs.items():
            run()
            begun = time.process_time()
            run()
            times[name].append(time.process_time() - begun)
    base, *_ = runs
    print(f"\n| {title} | differ | ms | ratio |\n|---|---|---|---|")
    for name, run in runs.items():
        low, middle, high = np.percentile(np.array(times[name]) / np.array(times[base]), (25, 50, 75))
        found, expected = run(), runs[(twins or {}).get(name, base)]()
        differ = f"{(found != expected).mean():.1%}" if found.shape == expected.shape else "–"
        print(f"| {name} | {differ} | {1e3 * np.median(times[name]):.2f} | {middle:.3f} ({low:.3f}–{high:.3f}) |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--networks", default=",".join(NETWORKS))
    parser.add_argument("--turns", type=int, default=40)
    parser.add_argument("--first", action="store_true", help="only the forms of the first layers")
    arguments = parser.parse_args()
    turns: int = arguments.turns
    for name in arguments.networks.split(","):
        network = network_of(name)
        _, height, width, _ = network.input.shape
        numbers = np.random.default_rng(0)
        pictures = list(numbers.integers(0, 256, (8, height, width, 3), np.uint8))
        picture = pictures[0][np.newaxis]
        files = {}
        for kind in KINDS:
            graph = to_graph(network, pictures, kind)
            files[kind] = graph.cut(graph.inputs, graph.outputs)
        forms = {"as it is": Editor(files["int8"]).files()} | {way: in_way(files["int8"], way) for way in WAYS}
        whole = {form: interpreted(data, picture) for form, (data, _) in forms.items()}
        compare(f"{name} int8, LiteRT: the whole file", whole, turns)
        first = {form: interpreted(data, picture) for form, (_, data) in forms.items()}
        compare(f"{name} int8, LiteRT: up to the first convolution", first, turns)
        by_itself = {form: in_openvino(data, picture) for form, (data, _) in forms.items() if "float" not in form}
        compare(f"{name} int8, OpenVINO by itself: the whole file", by_itself, turns)
        if arguments.first:
            continue
        for kind in ("float32", "int8"):
            data = files[kind]
            engines = {"interpreter": interpreted(data, picture)}
            for title, options in {
                "CompiledModel": {},
                "built-in kernels": {"kernel_mode": CpuKernelMode.BUILTIN},
                "YNNPACK": {"enable_ynnpack": True},
                "without XNNPACK's int8 (flags 0)": {"xnnpack_flags": 0},
                "its latest operators (flags 0x83)": {"xnnpack_flags": 0x83},
            }.items():
                try:
                    engines[title] = compiled(data, picture, **options)
                except RuntimeError:
                    print(f"\n{title}: not in this build of LiteRT")
            compare(f"{name} {kind}, LiteRT", engines, turns)
        with mock.patch.object(onnx_export, "_clip_once"):
            before = onnx_export.to_onnx(files["float32"], stages=3)
        after = onnx_export.to_onnx(files["float32"], stages=3)
        clips = {"Relu, Min, Relu": in_onnxruntime(before, picture), "Clip": in_onnxruntime(after, picture)}
        compare(f"{name} float32, ONNX Runtime", clips, turns)
        kernels: dict[str, Run] = {}
        for title, kind in (("kernels of 8 bits", "int8"), ("of 7", "int8-7")):
            data = files[kind]
            kernels[f"LiteRT, {title}"] = interpreted(data, picture)
            kernels[f"ONNX Runtime, {title}"] = in_onnxruntime(onnx_export.to_onnx(data, stages=3), picture)
        compare(f"{name} int8", kernels, turns, {"ONNX Runtime, of 7": "LiteRT, of 7", "LiteRT, of 7": "LiteRT, of 7"})


if __name__ == "__main__":
    main()
