"""The lite networks as converted files, in all parts that are timed: pieces in each engine, and layers alone."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import tf_keras
from ai_edge_litert.interpreter import Interpreter
from roofline_machine import ENGINES, KINDS, Kind, Run, quantized, random_inputs

from fpm_edge.convert.quantized import load_any
from fpm_edge.model import preset
from fpm_edge.model.folding import fold_batch_norm
from fpm_edge.model.network import build_model
from fpm_edge.shipped import shipped_model
from fpm_edge_converters import Precision
from fpm_edge_converters.export import export
from fpm_edge_converters.flatgraph import FlatGraph
from fpm_edge_converters.layer_costs import LayerCost, layer_costs
from fpm_edge_runtime import load_schema
from fpm_edge_runtime.bundle.manifest import Piece
from fpm_edge_runtime.engines import load_engine
from fpm_edge_runtime.engines.onnxruntime import session_options

NETWORKS = ("lite-s", "lite-m", "lite-l")
SHIPPED = "lite-m"
# The profiler's clock goes on while other processes have the processor, so the quicker runs are the node's own time.
_PROFILED_RUNS, _QUIET = 100, 10


@dataclass(frozen=True)
class Part:
    """Something that is timed, and the layers that it computes; `engine` is empty for a layer by itself in LiteRT."""

    network: str
    kind: Kind
    engine: str
    piece: str
    costs: tuple[LayerCost, ...]
    run: Run


@dataclass(frozen=True)
class Files:
    """A network converted to a precision: pieces by format."""

    network: str
    kind: Kind
    pieces: dict[str, dict[Piece, bytes]]


def convert_all(names: tuple[str, ...]) -> list[Files]:
    """Every network in every kind of number. `lite-m` is the shipped one; the others have their first weights."""
    made = []
    for name in names:
        network = network_of(name)
        _, height, width, _ = network.input.shape
        pictures = np.random.default_rng(0).integers(0, 256, (8, height, width, 3), np.uint8)
        for kind in KINDS:
            precision: Precision = "float32" if kind == "float32" else "int8"
            exported = export(quantized(network, list(pictures), kind), precision, ("tflite", "onnx"), pictures[:1])
            files = {
                form: {piece: exported.members[piece.member] for piece in pieces}
                for form, pieces in exported.pieces.items()
            }
            made.append(Files(name, kind, files))
    return made


def network_of(name: str) -> tf_keras.Model:
    """Float, without batch normalisation."""
    if name == SHIPPED:
        return load_any(shipped_model()).network
    tf_keras.utils.set_random_seed(0)
    # As `lite-s` was when docs/results/roofline.md was measured (decision 0030).
    side = (128, 128) if name == "lite-s" else None
    config = preset(name, load_schema("fashionai24"), input_size=side)
    return fold_batch_norm(config, build_model(config))[1]


def pieces_of(files: Files, threads: int) -> Iterator[Part]:
    """Every piece in every engine, as the runtime runs it. What it has to do is what the TFLite piece says."""
    numbers = np.random.default_rng(0)
    costs = {piece.name: layer_costs(FlatGraph(data)) for piece, data in files.pieces["tflite"].items()}
    for engine, form in ENGINES.items():
        for piece, data in files.pieces[form].items():
            runner, inputs = load_engine(engine).load(piece, data, threads), random_inputs(piece, numbers)
            run: Run = lambda runner=runner, inputs=inputs: runner(inputs)  # type: ignore[misc]  # noqa: E731
            yield Part(files.network, files.kind, engine, piece.name, costs[piece.name], run)


def layers_of(files: Files, threads: int) -> Iterator[Part]:
    """Every operator of the TFLite pieces as a file of its own, in LiteRT; none where that is what int8 is."""
    if files.kind == "int8-7":
        return
    numbers = np.random.default_rng(0)
    for piece, data in files.pieces["tflite"].items():
        graph = FlatGraph(data)
        for cost, op in zip(layer_costs(graph), graph.operators, strict=True):
            read = [index for index in op.inputs if index >= 0 and not graph.is_constant(index)]
            alone = Interpreter(model_content=graph.cut(read, list(op.outputs)), num_threads=threads)
            alone.allocate_tensors()
            own = Piece("layer", "layer.tflite", tuple(graph.spec(index) for index in read), ())
            values = list(random_inputs(own, numbers).values())
            for detail, value in zip(alone.get_input_details(), values, strict=True):
                alone.set_tensor(detail["index"], value)
            yield Part(files.network, files.kind, "", piece.name, (cost,), alone.invoke)


@dataclass(frozen=True)
class Profiled:
    """A node of ONNX Runtime's optimized graph: its piece, what it has to do, and its seconds (10th percentile)."""

    piece: str
    cost: LayerCost
    seconds: float


def profiled(files: Files, threads: int) -> Iterator[Profiled]:
    """Every node that ONNX Runtime executes, by its own profiler (which takes about a microsecond a node itself).

    Its convolutions are those of the TFLite piece, in the same order, and have its costs. Every other node is what that
    engine added: it multiplies nothing, and moves its inputs and outputs.
    """
    numbers = np.random.default_rng(0)
    costs = {piece.name: layer_costs(FlatGraph(data)) for piece, data in files.pieces["tflite"].items()}
    for piece, data in files.pieces["onnx"].items():
        inputs = random_inputs(piece, numbers)
        nodes: dict[str, list[dict[str, Any]]] = {}
        for event in _events(data, inputs, threads):
            nodes.setdefault(event["name"].removesuffix("_kernel_time"), []).append(event)
        convolutions = iter([cost for cost in costs[piece.name] if cost.macs])
        for position, (name, events) in enumerate(nodes.items()):
            arguments = events[0]["args"]
            kind = arguments["op_name"]
            if "Conv" in kind:
                cost = next(convolutions)
            else:
                moved = (int(arguments[key]) for key in ("parameter_size", "activation_size", "output_size"))
                cost = LayerCost(name, kind, position, 0, *moved)
            yield Profiled(piece.name, cost, float(np.percentile([event["dur"] for event in events], _QUIET)) / 1e6)
        if next(convolutions, None) is not None:
            raise SystemExit(f"ONNX Runtime runs {piece.member} with fewer convolutions than it has")


def _events(data: bytes, inputs: dict[str, Any], threads: int) -> list[dict[str, Any]]:
    with tempfile.TemporaryDirectory() as folder:
        options = session_options(threads)
        options.enable_profiling = True
        options.profile_file_prefix = str(Path(folder, "profile"))
        session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
        for _ in range(_PROFILED_RUNS):
            session.run(None, inputs)
        events = json.loads(Path(session.end_profiling()).read_text())
    return [event for event in events if event.get("cat") == "Node" and event["name"].endswith("_kernel_time")]
