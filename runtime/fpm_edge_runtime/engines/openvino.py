"""OpenVINO, on the CPU. It reads the TFLite pieces as well as the ONNX ones."""

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fpm_edge_runtime.bundle.manifest import Format, Piece, TensorSpec
from fpm_edge_runtime.engines import Engine, PieceRunner
from fpm_edge_runtime.engines._check import check_names, check_type, damaged
from fpm_edge_runtime.engines._some_home import some_home

# It looks for a consent to telemetry there.
with some_home():
    import openvino

    from fpm_edge_runtime.engines._openvino_core import core
    from fpm_edge_runtime.engines._openvino_overflow import overflows

__all__ = ["load"]

_TYPES = {"u8": "uint8", "i8": "int8", "i16": "int16", "f32": "float32"}
_BYTES = ("int8", "uint8")
# Two products of a kernel's code up to this with a uint8 code fit in 16 bits (decision 0028).
_SAFE = 64


def load() -> Engine:
    """The engine."""
    return _OpenVINO()


class _OpenVINO:
    name = "openvino"
    formats: tuple[Format, ...] = ("tflite", "onnx")
    survives_fork = ()  # it has threads whatever it is told

    def __init__(self) -> None:
        self.version = str(openvino.__version__)

    def load(self, piece: Piece, model: bytes, threads: int | None) -> PieceRunner:
        """See `Engine.load`. Scales are not compared: OpenVINO turns them into operations while reading."""
        # Left alone, it computes in bfloat16 or float16 where the CPU can, and the landmarks drift unseen.
        settings: dict[str, Any] = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": "f32"}
        if threads is not None:
            settings["INFERENCE_NUM_THREADS"] = threads
        # Left alone, it ties its threads to the first processors, those of every session and process to the same ones.
        settings["ENABLE_CPU_PINNING"] = False
        its_core = core()  # whose failure is no fault of the model
        try:
            graph = _read(model, Path(piece.member).suffix)
            # Float pieces have no such products, and the question takes a tenth of a second.
            if any(spec.dtype in _BYTES for spec in piece.outputs) and _largest_kernel(graph) > _SAFE and overflows():
                # Codes are then multiplied as real numbers, which is slower, and right.
                settings["LP_TRANSFORMS_MODE"] = False
            compiled = its_core.compile_model(graph, "CPU", settings)
            request = compiled.create_infer_request()
        except RuntimeError as error:
            raise damaged(piece, self.name, error) from error
        inputs, outputs = ({_name(port, specs): port for port in side} for side, specs in _sides(compiled, piece))
        check_names(piece, inputs, outputs)
        for by_name, specs in ((inputs, piece.inputs), (outputs, piece.outputs)):
            for spec in specs:
                port = by_name[spec.name]
                dtype = port.element_type.get_type_name()
                check_type(piece, spec, _TYPES.get(dtype, dtype), list(port.shape))
        return _Runner(request, inputs, outputs, piece.outputs)


class _Runner:
    def __init__(
        self, request: Any, inputs: dict[str, Any], outputs: dict[str, Any], specs: Sequence[TensorSpec]
    ) -> None:
        self._request = request
        self._inputs = inputs
        self._outputs = [(spec.name, outputs[spec.name], spec.shape, spec.dtype) for spec in specs]
        # The request knows arrays by their address, and does not keep them: these are what it knows.
        self._known: list[NDArray[Any]] = []

    def __call__(self, inputs: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        request, known = self._request, []
        for name, port in self._inputs.items():
            array = inputs[name]
            # It shares no array that it might not write to, though it never writes to an input.
            request.set_tensor(port, openvino.Tensor(array, shared_memory=array.flags.writeable))
            known.append(array)
        found = {}
        for name, port, shape, dtype in self._outputs:
            # It writes into them, and the next piece reads them there.
            found[name] = np.empty(shape, dtype)
            request.set_tensor(port, openvino.Tensor(found[name], shared_memory=True))
            known.append(found[name])
        self._known = known
        request.infer()
        return found


def _read(model: bytes, suffix: str) -> Any:
    if suffix == ".onnx":
        return core().read_model(model)
    # Its TFLite reader takes paths only. Nobody else can write into the folder, so it reads the checked bytes.
    with tempfile.TemporaryDirectory(prefix="fpm-edge-") as folder:
        path = Path(folder, f"piece{suffix}")
        path.write_bytes(model)
        return core().read_model(path)


def _largest_kernel(graph: Any) -> int:
    """The largest absolute code of the kernels in bytes; 0 where there are none. Zero points have no axes or one."""
    constants = (node for node in graph.get_ops() if node.get_type_name() == "Constant")
    kernels = (
        node.get_data()
        for node in constants
        if node.get_element_type().get_type_name() in ("i8", "u8") and len(node.get_output_shape(0)) > 1
    )
    return max((int(np.abs(codes.astype(np.int16)).max()) for codes in kernels), default=0)


def _sides(compiled: Any, piece: Piece) -> list[tuple[Any, set[str]]]:
    return [
        (compiled.inputs, {spec.name for spec in piece.inputs}),
        (compiled.outputs, {spec.name for spec in piece.outputs}),
    ]


def _name(port: Any, expected: set[str]) -> str:
    """The port's name: a tensor may have several, of which one should be the piece's."""
    names = sorted(port.get_names())
    return next((name for name in names if name in expected), next(iter(names), "(no name)"))
