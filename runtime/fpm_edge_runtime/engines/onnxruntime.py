"""ONNX Runtime, on the CPU."""

from collections.abc import Mapping
from typing import Any

import onnxruntime
from numpy.typing import NDArray

from fpm_edge_runtime.bundle.manifest import Format, Piece
from fpm_edge_runtime.engines import Engine, PieceRunner
from fpm_edge_runtime.engines._check import check_names, check_type, damaged
from fpm_edge_runtime.engines._onnx_overflow import overflows

__all__ = ["load", "session_options"]

_TYPES = {"tensor(uint8)": "uint8", "tensor(int8)": "int8", "tensor(int16)": "int16", "tensor(float)": "float32"}
_ERRORS_ONLY = 3


def load() -> Engine:
    """The engine."""
    return _OnnxRuntime()


def session_options(threads: int | None) -> onnxruntime.SessionOptions:
    """What a session of this engine runs with: one piece at a time, and integers that are exact on every processor."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = _ERRORS_ONLY
    options.inter_op_num_threads = 1
    # Each piece has threads of its own. Left alone, those of one piece go on spinning while the next one runs, and take
    # the processors from it.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    if threads is not None:
        options.intra_op_num_threads = threads
    if overflows():
        # Kernels become uint8 as well. Not where it is not needed: with VNNI, that is slower.
        options.add_session_config_entry("session.x64quantprecision", "1")
    return options


class _OnnxRuntime:
    name = "onnxruntime"
    formats: tuple[Format, ...] = ("onnx",)

    def __init__(self) -> None:
        self.version = str(onnxruntime.__version__)

    def load(self, piece: Piece, model: bytes, threads: int | None) -> PieceRunner:
        """See `Engine.load`. An ONNX model does not state the scales of its edges: only names, types and shapes."""
        try:
            session = onnxruntime.InferenceSession(model, session_options(threads), providers=["CPUExecutionProvider"])
        except Exception as error:
            # Its exception classes (InvalidProtobuf, InvalidGraph, Fail, ...) have no other common base.
            raise damaged(piece, self.name, error) from error
        inputs = {tensor.name: tensor for tensor in session.get_inputs()}
        outputs = {tensor.name: tensor for tensor in session.get_outputs()}
        check_names(piece, inputs, outputs)
        for specs, tensors in ((piece.inputs, inputs), (piece.outputs, outputs)):
            for spec in specs:
                tensor = tensors[spec.name]
                check_type(piece, spec, _TYPES.get(tensor.type, tensor.type), tensor.shape)
        return _Runner(session, [spec.name for spec in piece.inputs], [spec.name for spec in piece.outputs])


class _Runner:
    def __init__(self, session: Any, inputs: list[str], outputs: list[str]) -> None:
        self._session = session
        self._inputs = inputs
        self._outputs = outputs

    def __call__(self, inputs: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        values = self._session.run(self._outputs, {name: inputs[name] for name in self._inputs})
        return dict(zip(self._outputs, values, strict=True))
