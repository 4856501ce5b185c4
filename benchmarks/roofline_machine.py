"""What this machine can do at most: large convolutions in every engine, and copies of large and of small arrays."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import onnxruntime
import openvino
import tf_keras
from numpy.typing import NDArray

from fpm_edge_calibration import MinMax
from fpm_edge_converters import assign_kernel_ranges, calibrated
from fpm_edge_converters.flatgraph import FlatGraph
from fpm_edge_converters.onnx_export import cut_onnx, to_onnx
from fpm_edge_converters.pieces import Cut, cut_tflite
from fpm_edge_converters.tflite import to_tflite
from fpm_edge_runtime.bundle.manifest import Piece
from fpm_edge_runtime.engines import _onnx_overflow, _openvino_overflow, load_engine

Run = Callable[[], object]
Kind = Literal["float32", "int8", "int8-7"]
KINDS: tuple[Kind, ...] = ("float32", "int8", "int8-7")
"""The last: int8 with kernels of 7 bits."""
ENGINES = {"litert": "tflite", "onnxruntime": "onnx", "openvino": "tflite"}
"""Engine → the format that it gets."""

# (side, channels, kernel) of the convolutions that are tried: of 0.06 to 1.7 GMAC.
_SHAPES = ((24, 64, 5), (64, 256, 3), (32, 256, 5))
# Bytes of each array in memory, four times the caches of most machines, and of two that a shared cache holds.
_LARGE, _SHARED = 128 * 2**20, 4 * 2**20
_OVERFLOWS = {"onnxruntime": _onnx_overflow.overflows, "openvino": _openvino_overflow.overflows}
_QUIET = 10
_CUT = (Cut("peak", "peak", ("features",), ("heatmap_1",)),)


def seconds(run: Run, threads: int, repeat: int = 1) -> float:
    """One run after another that warms up: processor time for one thread, which other processes do not lengthen."""
    clock = time.process_time if threads == 1 else time.perf_counter
    run()
    begun = clock()
    for _ in range(repeat):
        run()
    return (clock() - begun) / repeat


def random_inputs(piece: Piece, numbers: np.random.Generator) -> dict[str, NDArray[Any]]:
    """Something for every input of a piece; what it is makes no difference to the time."""
    made: dict[str, NDArray[Any]] = {}
    for spec in piece.inputs:
        dtype = np.dtype(spec.dtype)
        if dtype.kind == "f":
            made[spec.name] = numbers.random(spec.shape, np.float32).astype(dtype)
        else:
            limits = np.iinfo(dtype)
            made[spec.name] = numbers.integers(limits.min, limits.max, spec.shape, dtype, endpoint=True)
    return made


@dataclass(frozen=True)
class Peak:
    """A convolution in an engine.

    Attributes:
        alone: without what the runtime sets to keep an engine's products exact (decision 0016).
        exact: whether products of codes cannot overflow.
    """

    engine: str
    kind: Kind
    shape: tuple[int, int, int]
    alone: bool
    exact: bool
    macs: int
    run: Run

    @property
    def title(self) -> str:
        return f"{self.engine}{', by itself' if self.alone else ''}"


def peaks(threads: int) -> list[Peak]:
    """Every shape in every engine, set up as the runtime sets it up, and as it is by itself where that overflows."""
    found = []
    numbers = np.random.default_rng(0)
    for shape in _SHAPES:
        side, channels, kernel = shape
        network = _network(*shape)
        pictures = numbers.integers(0, 256, (2, side, side, channels), np.uint8)
        for kind in KINDS:
            graph = to_graph(network, list(pictures), kind)
            whole = graph.cut(graph.inputs, graph.outputs)
            files = {"tflite": cut_tflite(graph, _CUT), "onnx": cut_onnx(to_onnx(whole, stages=1), _CUT)}
            macs = side**2 * channels**2 * kernel**2
            for engine, form in ENGINES.items():
                ((piece, data),) = files[form].items()
                runner, inputs = load_engine(engine).load(piece, data, threads), random_inputs(piece, numbers)
                run = _bound(runner, inputs)
                found.append(Peak(engine, kind, shape, False, True, macs, run))
                if kind != "float32" and engine != "litert":
                    alone = _by_itself(engine, data, inputs, threads)
                    exact = kind == "int8-7" or not _OVERFLOWS[engine]()
                    found.append(Peak(engine, kind, shape, True, exact, macs, alone))
    return found


def quantized(network: tf_keras.Model, pictures: list[NDArray[np.uint8]], kind: Kind) -> tf_keras.Model:
    """The network with what a kind of number needs to be converted."""
    if kind == "float32":
        return network
    made = calibrated(network, pictures, MinMax())
    assign_kernel_ranges(made, 7 if kind == "int8-7" else 8)
    return made


def to_graph(network: tf_keras.Model, pictures: list[NDArray[np.uint8]], kind: Kind) -> FlatGraph:
    """The network converted."""
    return to_tflite(quantized(network, pictures, kind), "float32" if kind == "float32" else "int8")


def _network(side: int, channels: int, kernel: int) -> tf_keras.Model:
    tf_keras.utils.set_random_seed(0)
    layers = tf_keras.layers
    image = tf_keras.Input((side, side, channels), name="image")
    x = layers.ReLU(6.0, name="features")(layers.Conv2D(channels, 1, name="first_conv")(image))
    x = layers.Conv2D(channels, kernel, padding="same", name="large_conv")(x)
    return tf_keras.Model(image, layers.ReLU(6.0, name="heatmap_1")(x))


def _bound(runner: Callable[[Mapping[str, NDArray[Any]]], object], inputs: Mapping[str, NDArray[Any]]) -> Run:
    return lambda: runner(inputs)


def _by_itself(engine: str, data: bytes, inputs: dict[str, NDArray[Any]], threads: int) -> Run:
    """The engine without what the runtime sets."""
    if engine == "onnxruntime":
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        options.intra_op_num_threads = threads
        session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
        return lambda: session.run(None, inputs)
    settings = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": threads}
    core = openvino.Core()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "peak.tflite")
        path.write_bytes(data)
        compiled = core.compile_model(core.read_model(path), "CPU", settings | {"ENABLE_CPU_PINNING": False})
    request = compiled.create_infer_request()
    request.set_tensor(compiled.inputs[0], openvino.Tensor(next(iter(inputs.values()))))
    return lambda: request.infer()


def second_level_cache() -> int:
    """Bytes of the second-level cache of a core, as Linux states it; 512 KiB where it does not."""
    size = Path("/sys/devices/system/cpu/cpu0/cache/index2/size")
    return int(size.read_text().strip().removesuffix("K")) * 1024 if size.exists() else 512 * 1024


def copies() -> dict[str, tuple[Run, int]]:
    """Copies and a triad, with the bytes that each moves: in memory, and in what the caches hold."""
    one, two, three = (np.ones(_LARGE // 4, np.float32) for _ in range(3))
    half = second_level_cache() // 4
    small, other_small = np.ones(half, np.uint8), np.ones(half, np.uint8)
    middle, other_middle = np.ones(_SHARED // 2, np.uint8), np.ones(_SHARED // 2, np.uint8)
    return {
        "memory, copy": (lambda: np.copyto(one, two), 2 * _LARGE),
        "memory, triad": (lambda: np.add(two, three, out=one), 3 * _LARGE),
        "third-level cache": (lambda: [np.copyto(other_middle, middle) for _ in range(5)], 5 * _SHARED),
        "second-level cache": (lambda: [np.copyto(other_small, small) for _ in range(50)], 50 * 2 * half),
    }


def bandwidth_for(moved: int, bandwidth: Mapping[str, float]) -> float:
    """The bandwidth that a layer of so many bytes can have: its maps were written by the layer before it."""
    if moved <= second_level_cache():
        return bandwidth["second-level cache"]
    if moved <= _SHARED:
        return bandwidth["third-level cache"]
    return max(bandwidth["memory, copy"], bandwidth["memory, triad"])


@dataclass(frozen=True)
class Machine:
    """What was reached in the quicker turns (10th percentile of times): other work slows a peak, nothing hastens it.

    Attributes:
        rates: GMAC/s of every engine by kind and title, for the shape that it does fastest.
        chosen: the convolutions that are the limit of a kind: the three fastest of those that are exact, fastest first.
        bandwidth: of each of `copies`, GB/s.
    """

    rates: dict[Kind, dict[str, float]]
    chosen: dict[Kind, tuple[Peak, ...]]
    bandwidth: dict[str, float]


def measure_machine(threads: int, turns: int = 7) -> Machine:
    """All peaks and copies in turns; copies on one thread."""
    candidates, moved = peaks(threads), copies()
    times: dict[int, list[float]] = {number: [] for number in range(len(candidates))}
    copied: dict[str, list[float]] = {name: [] for name in moved}
    for _ in range(turns):
        for number, peak in enumerate(candidates):
            times[number].append(seconds(peak.run, threads))
        for name, (run, _) in moved.items():
            copied[name].append(seconds(run, 1))
    rates: dict[Kind, dict[str, float]] = {kind: {} for kind in KINDS}
    exact: dict[Kind, list[tuple[float, int]]] = {kind: [] for kind in KINDS}
    for number, peak in enumerate(candidates):
        rate = peak.macs / float(np.percentile(times[number], _QUIET)) / 1e9
        known = rates[peak.kind]
        known[peak.title] = max(rate, known.get(peak.title, 0.0))
        if peak.exact:
            exact[peak.kind].append((rate, number))
    chosen = {
        kind: tuple(candidates[number] for _, number in sorted(found, reverse=True)[:3])
        for kind, found in exact.items()
    }
    bandwidth = {name: moved[name][1] / float(np.percentile(values, _QUIET)) / 1e9 for name, values in copied.items()}
    return Machine(rates, chosen, bandwidth)
