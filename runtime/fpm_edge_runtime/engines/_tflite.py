"""The interpreter API that LiteRT and tflite-runtime share."""

from collections.abc import Mapping
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fpm_edge_runtime.bundle.manifest import Format, Piece, TensorSpec
from fpm_edge_runtime.engines import ENGINES, PieceRunner
from fpm_edge_runtime.engines._check import check_names, check_quantization, check_type, damaged

__all__ = ["SIGNATURE", "TFLiteEngine", "edges"]

SIGNATURE = "serving_default"

# Name and index of a tensor.
_Edges = list[tuple[str, int]]
_Details = dict[str, dict[str, Any]]


class TFLiteEngine:
    """An `Engine` around an ``Interpreter`` class."""

    formats: tuple[Format, ...] = ("tflite",)
    survives_fork = (None, 1)

    def __init__(self, name: str, interpreter: Any) -> None:
        self.name = name
        self._interpreter = interpreter

    @cached_property
    def version(self) -> str:
        """Of the package."""
        # Asked for, it takes as long to find out as an eighth of the runtime's import.
        from importlib import metadata

        return metadata.version(ENGINES[self.name].package)

    def load(self, piece: Piece, model: bytes, threads: int | None) -> PieceRunner:
        """See `Engine.load`."""
        try:
            interpreter = self._interpreter(model_content=model, num_threads=threads)
            interpreter.allocate_tensors()
            inputs, outputs = edges(interpreter, piece)
        except (ValueError, RuntimeError) as error:
            raise damaged(piece, self.name, error) from error
        return _Runner(interpreter, inputs, outputs)


class _Runner:
    def __init__(self, interpreter: Any, inputs: _Edges, outputs: _Edges) -> None:
        self._interpreter = interpreter
        self._inputs = inputs
        self._outputs = outputs

    def __call__(self, inputs: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        interpreter = self._interpreter
        for name, index in self._inputs:
            interpreter.set_tensor(index, inputs[name])
        interpreter.invoke()
        # get_tensor copies. A view would be free, but the next invoke overwrites it, and a view that somebody still
        # holds keeps the interpreter from ever allocating again.
        return {name: interpreter.get_tensor(index) for name, index in self._outputs}


def edges(interpreter: Any, piece: Piece) -> tuple[_Edges, _Edges]:
    """The inputs and the outputs of an interpreter, which need not have allocated its tensors.

    Raises:
        BundleError: their names, types, shapes or quantization are not those of `piece`.
    """
    inputs, outputs = _tensors(interpreter, piece)
    check_names(piece, inputs, outputs)
    return (
        [(spec.name, _index(piece, spec, inputs[spec.name])) for spec in piece.inputs],
        [(spec.name, _index(piece, spec, outputs[spec.name])) for spec in piece.outputs],
    )


def _tensors(interpreter: Any, piece: Piece) -> tuple[_Details, _Details]:
    """Inputs and outputs by name: the signature's names if they are the piece's, otherwise the tensors' own."""
    if SIGNATURE in interpreter.get_signature_list():
        signature = interpreter.get_signature_runner(SIGNATURE)
        inputs, outputs = signature.get_input_details(), signature.get_output_details()
        expected = {spec.name for spec in piece.inputs}, {spec.name for spec in piece.outputs}
        if (set(inputs), set(outputs)) == expected:
            return inputs, outputs
    inputs = {detail["name"]: detail for detail in interpreter.get_input_details()}
    outputs = {detail["name"]: detail for detail in interpreter.get_output_details()}
    return inputs, outputs


def _index(piece: Piece, spec: TensorSpec, detail: Mapping[str, Any]) -> int:
    check_type(piece, spec, np.dtype(detail["dtype"]).name, detail["shape"].tolist())
    check_quantization(piece, spec, detail["quantization_parameters"])
    return int(detail["index"])
