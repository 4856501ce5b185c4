"""A TFLite file as an editable graph: name tensors, cut it at tensors, write it back.

Cutting copies operators and constants as they are, so a piece computes exactly what the whole graph did (DESIGN §5.3).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray

from fpm_edge_converters.tflite_schema import (
    NUMPY_TYPES,
    OPERATORS,
    TYPES,
    copied,
    signature,
    symmetric,
    type_number,
    type_of,
)
from fpm_edge_runtime.bundle.manifest import TensorSpec
from fpm_edge_runtime.errors import ConversionError

__all__ = ["FlatGraph", "Operator"]

_IDENTIFIER = b"TFL3"
# The first versions of QUANTIZE and DEQUANTIZE that know int8 in every combination.
_ROUNDING_VERSION = 2


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
            kind = OPERATORS[max(code.builtinCode, code.deprecatedBuiltinCode)]
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
        """Name → tensor index of the outputs, as the traced function named them; empty where the names are lost."""
        if not self._model.signatureDefs:
            return {}
        (signature,) = self._model.signatureDefs
        return {item.name.decode(): int(item.tensorIndex) for item in signature.outputs}

    def tensor_type(self, index: int) -> str:
        """TFLite's name of the element type, e.g. ``INT8``."""
        return TYPES[self._graph.tensors[index].type]

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

    def shape(self, index: int) -> tuple[int, ...]:
        """Shape of a tensor."""
        return tuple(int(n) for n in self._graph.tensors[index].shape)

    def constant(self, index: int) -> NDArray[Any]:
        """The numbers or codes of a constant, in its shape. Raises ConversionError for a tensor without data."""
        kind = self.tensor_type(index)
        if not self.is_constant(index) or kind not in NUMPY_TYPES:
            raise ConversionError(f"tensor {self.tensor_name(index)} ({kind}) holds no numbers that can be read")
        data = np.asarray(self._model.buffers[self._graph.tensors[index].buffer].data, np.uint8)
        return data.view(NUMPY_TYPES[kind]).reshape(self.shape(index))

    def real_constant(self, index: int) -> NDArray[np.float64]:
        """A constant in real units: scale · (code − zero point) where it is quantized, per channel or not."""
        values = self.constant(index).astype(np.float64)
        parameters = self._graph.tensors[index].quantization
        if self.scales(index).size == 0:
            return values
        axes = [1] * values.ndim
        if len(parameters.scale) > 1:
            axes[parameters.quantizedDimension] = len(parameters.scale)
        scale = np.asarray(parameters.scale, np.float64).reshape(axes)
        return np.asarray(scale * (values - np.asarray(parameters.zeroPoint, np.float64).reshape(axes)))

    def scales(self, index: int) -> NDArray[np.float32]:
        """The scales of a tensor: one, one for each channel, or none."""
        parameters = self._graph.tensors[index].quantization
        found = None if parameters is None else parameters.scale
        return np.zeros(0, np.float32) if found is None else np.asarray(found, np.float32)

    def quantization(self, index: int) -> tuple[float, int] | None:
        """(scale, zero point) of a per-tensor quantized tensor, else None."""
        scales = self.scales(index)
        if scales.size != 1:
            return None
        return float(scales[0]), int(self._graph.tensors[index].quantization.zeroPoint[0])

    def spec(self, index: int) -> TensorSpec:
        """The tensor as the manifest describes it."""
        scale_and_zero = self.quantization(index)
        integer = self.tensor_type(index) in {"INT8", "INT16", "UINT8"} and scale_and_zero is not None
        return TensorSpec(
            name=self.tensor_name(index),
            dtype=self.tensor_type(index).lower(),  # type: ignore[arg-type]
            shape=self.shape(index),
            layout="NHWC",
            scale=scale_and_zero[0] if integer and scale_and_zero else None,
            zero_point=scale_and_zero[1] if integer and scale_and_zero else None,
        )

    def rename(self, names: Mapping[int, str]) -> None:
        """Give tensors stable names."""
        for index, name in names.items():
            self._graph.tensors[index].name = name.encode()

    def set_options(self, position: int, **values: Any) -> None:
        """Change fields of the builtin options of the operator at `position`."""
        vars(self._graph.operators[position].builtinOptions).update(values)

    def fuse_relu(self, position: int) -> None:
        """Clip the output of the operator at `position` at 0, if no activation is fused into it yet."""
        options = self._graph.operators[position].builtinOptions
        if options.fusedActivationFunction == schema.ActivationFunctionType.NONE:
            options.fusedActivationFunction = schema.ActivationFunctionType.RELU

    def make_cast(self, position: int, source: str, target: str) -> None:
        """Turn the operator at `position` into a CAST between two types."""
        op = self._graph.operators[position]
        op.opcodeIndex = self._code("CAST", 1)
        op.builtinOptionsType, op.builtinOptions = schema.BuiltinOptions.CastOptions, schema.CastOptionsT()
        self.set_options(position, inDataType=type_number(source), outDataType=type_number(target))

    def store_as(self, index: int, kind: str, scale: float | None) -> None:
        """Change the type of a tensor without data, and its scale (None: it has none). Its zero point becomes 0."""
        tensor = self._graph.tensors[index]
        tensor.type = type_number(kind)
        tensor.quantization = None if scale is None else symmetric([scale])

    def replace_constant(
        self, position: int, slot: int, values: NDArray[Any], scales: NDArray[np.float32] | None = None
    ) -> None:
        """Give input `slot` of the operator at `position` a constant of its own; other readers keep theirs.

        Args:
            values: its numbers or codes, in the type that it is to have.
            scales: of codes, one for each entry of the first axis, with zero points 0.
        """
        op = self._graph.operators[position]
        old = self._graph.tensors[int(op.inputs[slot])]
        buffer = schema.BufferT()
        buffer.data = np.ascontiguousarray(values).view(np.uint8).ravel()
        self._model.buffers.append(buffer)
        tensor = copied(old)
        tensor.name = old.name + b"/replaced"
        tensor.type = type_number(type_of(values))
        tensor.quantization = None if scales is None else symmetric(scales)
        tensor.buffer = len(self._model.buffers) - 1
        inputs = [int(i) for i in op.inputs]
        self._graph.tensors.append(tensor)
        inputs[slot] = len(self._graph.tensors) - 1
        op.inputs = np.array(inputs, np.int32)

    def round_tensor(self, index: int, scale: float, zero_point: int) -> None:
        """Send a float tensor through int8 codes (QUANTIZE, DEQUANTIZE) on its way to all that read it.

        An output of the graph keeps its name and becomes the rounded one.
        """
        name = self.tensor_name(index)
        codes, real = self.add_tensor(index, f"{name}/codes", "INT8", (scale, zero_point)), self.add_tensor(index, name)
        self.rename({index: f"{name}/float"})
        operators = self._graph.operators
        for op in operators:
            op.inputs = np.array([real if int(i) == index else int(i) for i in op.inputs], np.int32)
        self._graph.outputs = np.array([real if i == index else i for i in self.outputs], np.int32)
        after = 1 + next(p for p, op in enumerate(operators) if index in [int(i) for i in op.outputs])
        self.insert_rounding(after, index, codes)
        self.insert_rounding(after + 1, codes, real)

    def add_tensor(
        self, like: int, name: str, kind: str = "FLOAT32", quantization: tuple[float, int] | None = None
    ) -> int:
        """A new tensor of the shape of `like`, without data and read by nobody yet. Returns its index."""
        tensor = copied(self._graph.tensors[like])
        tensor.name, tensor.type, tensor.quantization = name.encode(), type_number(kind), None
        if quantization is not None:
            tensor.quantization = symmetric(quantization[:1])
            tensor.quantization.zeroPoint[:] = quantization[1]
        self._graph.tensors.append(tensor)
        return len(self._graph.tensors) - 1

    def insert_rounding(self, position: int, source: int, target: int) -> None:
        """Before the operator at `position`, turn real numbers into codes (QUANTIZE) or codes into real numbers."""
        op = schema.OperatorT()
        kind = "DEQUANTIZE" if self.tensor_type(target) == "FLOAT32" else "QUANTIZE"
        op.opcodeIndex = self._code(kind, _ROUNDING_VERSION)
        op.inputs, op.outputs = np.array([source], np.int32), np.array([target], np.int32)
        self._graph.operators.insert(position, op)

    def remove(self, position: int) -> None:
        """Take an operator away; its output is then to be written by another."""
        del self._graph.operators[position]

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
            copy = copied(tensor)
            copy.buffer = buffers + tensor.buffer
            if index not in other.outputs:
                copy.name = f"{prefix}{index}".encode()
            self._graph.tensors.append(copy)
        for op in other._graph.operators:
            copy = copied(op)
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

    def _code(self, kind: str, version: int) -> int:
        """Position of an operator's code, which is added where there is none."""
        number = getattr(schema.BuiltinOperator, kind)
        codes = self._model.operatorCodes
        for position, code in enumerate(codes):
            if code.builtinCode == number:
                return position
        made = schema.OperatorCodeT()
        made.builtinCode = made.deprecatedBuiltinCode = number
        made.version = version
        codes.append(made)
        return len(codes) - 1

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
                copy = copied(source)
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
            op = copied(source)
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
        model.signatureDefs = [signature(tensors, graph.inputs, graph.outputs)]
        builder = flatbuffers.Builder(1 << 20)
        builder.Finish(model.Pack(builder), _IDENTIFIER)
        return bytes(builder.Output())
