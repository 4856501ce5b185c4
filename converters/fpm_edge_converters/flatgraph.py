"""A TFLite file as an editable graph: name tensors, cut it at tensors, write it back.

Cutting copies operators and constants as they are, so a piece computes exactly what the whole graph did (DESIGN §5.3).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

from fpm_edge_runtime.errors import ConversionError
from fpm_edge_runtime.manifest import TensorSpec

__all__ = ["FlatGraph", "Operator"]

_IDENTIFIER = b"TFL3"
_SIGNATURE = b"serving_default"


def _names_of(enumeration: Any) -> dict[int, str]:
    return {value: name for name, value in vars(enumeration).items() if isinstance(value, int)}


_OPERATORS = _names_of(schema.BuiltinOperator)
_TYPES = _names_of(schema.TensorType)


@dataclass(frozen=True)
class Operator:
    """One operator: its builtin name, and the indices of its tensors (−1 for an absent optional input)."""

    kind: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]


class FlatGraph:
    """One-subgraph TFLite model."""

    def __init__(self, data: bytes) -> None:
        """Parse a TFLite file that the converter has just made. Raises ConversionError for several subgraphs."""
        self._model = schema.ModelT.InitFromPackedBuf(data, 0)
        if len(self._model.subgraphs) != 1:
            raise ConversionError(f"the converted graph has {len(self._model.subgraphs)} subgraphs; expected one")

    @property
    def operators(self) -> tuple[Operator, ...]:
        """In order of execution."""
        found = []
        for op in self._graph.operators:
            code = self._model.operatorCodes[op.opcodeIndex]
            kind = _OPERATORS[max(code.builtinCode, code.deprecatedBuiltinCode)]
            found.append(Operator(kind, tuple(int(i) for i in op.inputs), tuple(int(i) for i in op.outputs)))
        return tuple(found)

    @property
    def inputs(self) -> tuple[int, ...]:
        """Tensor indices of the graph's inputs."""
        return tuple(int(i) for i in self._graph.inputs)

    @property
    def outputs(self) -> tuple[int, ...]:
        """Tensor indices of the graph's outputs."""
        return tuple(int(i) for i in self._graph.outputs)

    def signature_outputs(self) -> dict[str, int]:
        """Name → tensor index of the outputs, as the traced function named them."""
        (signature,) = self._model.signatureDefs
        return {item.name.decode(): int(item.tensorIndex) for item in signature.outputs}

    def tensor_type(self, index: int) -> str:
        """TFLite's name of the element type, e.g. ``INT8``."""
        return _TYPES[self._graph.tensors[index].type]

    def tensor_name(self, index: int) -> str:
        """Name of a tensor."""
        return str(self._graph.tensors[index].name.decode())

    def find(self, name: str) -> int:
        """Index of the tensor of that name. Raises ConversionError."""
        for index, tensor in enumerate(self._graph.tensors):
            if tensor.name == name.encode():
                return index
        raise ConversionError(f"the converted graph has no tensor named {name!r}")

    def is_constant(self, index: int) -> bool:
        """Whether the tensor holds data of its own (a weight)."""
        data = self._model.buffers[self._graph.tensors[index].buffer].data
        return data is not None and len(data) > 0

    def quantization(self, index: int) -> tuple[float, int] | None:
        """(scale, zero point) of a per-tensor quantized tensor, else None."""
        parameters = self._graph.tensors[index].quantization
        if parameters is None or parameters.scale is None or len(parameters.scale) != 1:
            return None
        return float(parameters.scale[0]), int(parameters.zeroPoint[0])

    def spec(self, index: int) -> TensorSpec:
        """The tensor as the manifest describes it."""
        scale_and_zero = self.quantization(index)
        integer = self.tensor_type(index) in {"INT8", "UINT8"} and scale_and_zero is not None
        return TensorSpec(
            name=self.tensor_name(index),
            dtype=self.tensor_type(index).lower(),  # type: ignore[arg-type]
            shape=tuple(int(n) for n in self._graph.tensors[index].shape),
            layout="NHWC",
            scale=scale_and_zero[0] if integer and scale_and_zero else None,
            zero_point=scale_and_zero[1] if integer and scale_and_zero else None,
        )

    def rename(self, names: Mapping[int, str]) -> None:
        """Give tensors stable names."""
        for index, name in names.items():
            self._graph.tensors[index].name = name.encode()

    def reached(self, output: int, stops: Sequence[int]) -> set[int]:
        """Which of the tensors `stops` one meets on the way back from `output`, not looking behind any of them."""
        wanted, met = {output}, set()
        for op in reversed(self.operators):
            if not wanted & set(op.outputs):
                continue
            wanted -= set(op.outputs)
            for index in op.inputs:
                if index in stops:
                    met.add(index)
                elif index >= 0:
                    wanted.add(index)
        return met

    def append(self, other: "FlatGraph", inputs: Mapping[int, int], prefix: str) -> dict[str, int]:
        """Put another graph behind this one; what `cut` takes away, this adds.

        Args:
            other: the graph to add. Its operators and constants are used as they are.
            inputs: tensor index of each of its inputs → index of this graph's tensor to read instead.
            prefix: of the names of its tensors that are not outputs; a number follows.

        Returns:
            Name → tensor index, in this graph, of its outputs.

        Raises:
            ConversionError: an input is of another type or shape than the tensor it is to read.
        """
        for theirs, mine in inputs.items():
            found, expected = self.spec(mine), other.spec(theirs)
            if (found.dtype, found.shape) != (expected.dtype, expected.shape):
                raise ConversionError(
                    f"{expected.name} is {expected.dtype} {expected.shape} and cannot be read from {found.name}, "
                    f"{found.dtype} {found.shape}"
                )
        codes, buffers = len(self._model.operatorCodes), len(self._model.buffers)
        self._model.operatorCodes += other._model.operatorCodes
        self._model.buffers += other._model.buffers
        indices = dict(inputs)
        for index, tensor in enumerate(other._graph.tensors):
            if index in inputs:
                continue
            indices[index] = len(self._graph.tensors)
            copy = _copy(schema.TensorT(), tensor)
            copy.buffer = buffers + tensor.buffer
            if index not in other.outputs:
                copy.name = f"{prefix}{index}".encode()
            self._graph.tensors.append(copy)
        for op in other._graph.operators:
            copy = _copy(schema.OperatorT(), op)
            copy.opcodeIndex = codes + op.opcodeIndex
            copy.inputs = np.array([indices.get(int(i), -1) for i in op.inputs], np.int32)
            copy.outputs = np.array([indices[int(i)] for i in op.outputs], np.int32)
            self._graph.operators.append(copy)
        return {other.tensor_name(index): indices[index] for index in other.outputs}

    def cut(self, inputs: Sequence[int], outputs: Sequence[int]) -> bytes:
        """The part of the graph that computes `outputs` from `inputs`, as a TFLite file of its own.

        Raises:
            ConversionError: the outputs depend on something that is neither an input nor a constant.
        """
        needed, chosen = set(outputs), []
        for position in reversed(range(len(self._graph.operators))):
            op = self._graph.operators[position]
            produced = {int(i) for i in op.outputs}
            if not produced & (needed - set(inputs)):
                continue
            chosen.append(position)
            needed |= {int(i) for i in op.inputs if i >= 0}
        chosen.reverse()
        produced_all = {int(i) for p in chosen for i in self._graph.operators[p].outputs}
        loose = [i for i in needed - set(inputs) - produced_all if not self.is_constant(i)]
        if loose:
            raise ConversionError(
                f"cutting at {[self.tensor_name(i) for i in inputs]} leaves {self.tensor_name(loose[0])!r} undefined"
            )
        return self._write(chosen, list(inputs), list(outputs))

    @property
    def _graph(self) -> Any:
        return self._model.subgraphs[0]

    def _write(self, positions: list[int], inputs: list[int], outputs: list[int]) -> bytes:
        new_index: dict[int, int] = {}
        buffers = [schema.BufferT()]  # buffer 0 stands for "no data", by TFLite's convention
        tensors: list[Any] = []
        codes: dict[int, int] = {}

        def tensor(old: int) -> int:
            if old < 0:
                return old
            if old not in new_index:
                new_index[old] = len(tensors)
                source = self._graph.tensors[old]
                copy = _copy(schema.TensorT(), source)
                copy.buffer = 0
                if self.is_constant(old):
                    copy.buffer = len(buffers)
                    buffers.append(self._model.buffers[source.buffer])
                tensors.append(copy)
            return new_index[old]

        graph = schema.SubGraphT()
        graph.name = self._graph.name
        graph.inputs = np.array([tensor(i) for i in inputs], np.int32)
        graph.operators = []
        for position in positions:
            source = self._graph.operators[position]
            op = _copy(schema.OperatorT(), source)
            op.opcodeIndex = codes.setdefault(source.opcodeIndex, len(codes))
            op.inputs = np.array([tensor(int(i)) for i in source.inputs], np.int32)
            op.outputs = np.array([tensor(int(i)) for i in source.outputs], np.int32)
            graph.operators.append(op)
        graph.outputs = np.array([tensor(i) for i in outputs], np.int32)
        graph.tensors = tensors

        model = schema.ModelT()
        model.version = self._model.version
        model.description = b"fpm-edge"
        model.operatorCodes = [self._model.operatorCodes[old] for old in codes]
        model.subgraphs = [graph]
        model.buffers = buffers
        model.signatureDefs = [_signature(tensors, graph.inputs, graph.outputs)]
        builder = flatbuffers.Builder(1 << 20)
        builder.Finish(model.Pack(builder), _IDENTIFIER)
        return bytes(builder.Output())


def _copy(new: Any, source: Any) -> Any:
    vars(new).update(vars(source))
    return new


def _signature(tensors: Sequence[Any], inputs: Sequence[int], outputs: Sequence[int]) -> Any:
    def maps(indices: Sequence[int]) -> Iterator[Any]:
        for index in indices:
            item = schema.TensorMapT()
            item.name, item.tensorIndex = tensors[index].name, int(index)
            yield item

    signature = schema.SignatureDefT()
    signature.signatureKey = _SIGNATURE
    signature.subgraphIndex = 0
    signature.inputs, signature.outputs = list(maps(inputs)), list(maps(outputs))
    return signature
