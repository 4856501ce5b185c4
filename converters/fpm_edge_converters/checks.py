"""Assertions on what was made. A file that fails one is never written."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto
from onnx.external_data_helper import uses_external_data

from fpm_edge_converters.flatgraph import FlatGraph
from fpm_edge_converters.onnx_export import IR_VERSION, OPSET
from fpm_edge_runtime.errors import ConversionError

__all__ = [
    "check_builtin_tflite",
    "check_dynamic_range_tflite",
    "check_folded_onnx",
    "check_folded_tflite",
    "check_int8_onnx",
    "check_int8_tflite",
    "check_int16x8_tflite",
    "check_plain_onnx",
    "check_same_landmarks",
    "check_same_maps",
    "check_transposes",
]

# What an int8 graph of this network is made of; anything else is a leftover of the conversion.
_INT8_OPERATORS = {"ADD", "CONV_2D", "MAX_POOL_2D", "QUANTIZE"}
_INT8_NODES = {"Add", "Clip", "Conv", "DequantizeLinear", "MaxPool", "QuantizeLinear", "Relu", "Transpose"}
_INT8_TYPES = {"INT8", "UINT8", "INT32"}
_INT16X8_OPERATORS = _INT8_OPERATORS | {"CAST"}

_ARITHMETIC = {"ADD", "DIV", "MUL", "SUB"}
# What may stand between the image, or a stored constant, and the operator that uses it.
_PASSED = {"CAST", "DEQUANTIZE", "DEQUANTIZELINEAR", "QUANTIZE", "QUANTIZELINEAR", "TRANSPOSE"}


def check_folded_tflite(graph: FlatGraph) -> None:
    """No arithmetic with a constant for each channel, the leftover of a BatchNormalization that was not folded.

    The scaling of the image may stay, and a whole map may be added (the centre map of `cpm`).
    """
    producers = {index: op for op in graph.operators for index in op.outputs}

    def origin(index: int) -> int:
        while index in producers and producers[index].kind in _PASSED:
            index = producers[index].inputs[0]
        return index

    for op in graph.operators:
        sources = [origin(index) for index in op.inputs if index >= 0]
        if op.kind not in _ARITHMETIC or any(index in graph.inputs for index in sources):
            continue
        for index in sources:
            if graph.is_constant(index) and _one_per_channel(graph.shape(index)):
                raise _not_folded("TFLite", op.kind, graph.tensor_name(op.outputs[0]))


def check_folded_onnx(model: Any) -> None:
    """`check_folded_tflite` of an ONNX graph."""
    producers = {name: node for node in model.graph.node for name in node.output}
    constants = {constant.name: tuple(constant.dims) for constant in model.graph.initializer}
    images = {value.name for value in model.graph.input}

    def origin(name: str) -> str:
        while name in producers and producers[name].op_type.upper() in _PASSED:
            name = producers[name].input[0]
        return name

    for node in model.graph.node:
        if node.op_type == "BatchNormalization":
            raise _not_folded("ONNX", node.op_type, node.output[0])
        sources = [origin(name) for name in node.input]
        if node.op_type.upper() not in _ARITHMETIC or any(name in images for name in sources):
            continue
        for name in sources:
            if name in constants and _one_per_channel(constants[name]):
                raise _not_folded("ONNX", node.op_type, node.output[0])


def _one_per_channel(shape: Sequence[int]) -> bool:
    return sum(side > 1 for side in shape) <= 1


def _not_folded(form: str, kind: str, name: str) -> ConversionError:
    return ConversionError(
        f"{kind} {name} of the {form} graph has a constant for each channel, the leftover of a BatchNormalization that "
        "was not folded; put batch normalisation between a convolution and its activation"
    )


def check_int8_tflite(graph: FlatGraph) -> None:
    """Every weight and activation is an integer (int32 only for biases), and no operator was left over."""
    check_folded_tflite(graph)  # first: its message says more than that a MUL is not expected
    for op in graph.operators:
        if op.kind not in _INT8_OPERATORS:
            raise ConversionError(f"the int8 TFLite graph holds a {op.kind}; expected only {sorted(_INT8_OPERATORS)}")
        for index in (*op.inputs, *op.outputs):
            if index < 0:
                continue
            kind, name = graph.tensor_type(index), graph.tensor_name(index)
            if kind not in _INT8_TYPES:
                raise ConversionError(f"tensor {name} of the int8 TFLite graph is {kind}; this is a float island")
            if kind == "INT32" and not graph.is_constant(index):
                raise ConversionError(f"activation {name} of the int8 TFLite graph is INT32; expected INT8")
            if kind == "UINT8" and index not in graph.inputs:
                raise ConversionError(f"tensor {name} of the int8 TFLite graph is UINT8; only the image may be")


def check_int16x8_tflite(graph: FlatGraph) -> None:
    """Kernels are int8, biases int32 or int64, activations int16, the image is uint8; no operator was left over."""
    check_folded_tflite(graph)
    for op in graph.operators:
        if op.kind not in _INT16X8_OPERATORS:
            raise ConversionError(
                f"the int16x8 TFLite graph holds a {op.kind}; expected only {sorted(_INT16X8_OPERATORS)}"
            )
        for slot, index in enumerate(op.inputs):
            kind, name = graph.tensor_type(index), graph.tensor_name(index)
            if graph.is_constant(index):
                expected = {"INT8"} if slot == 1 else {"INT32", "INT64"}
            else:
                expected = {"UINT8"} if index in graph.inputs and op.kind == "CAST" else {"INT16"}
            if kind not in expected:
                raise ConversionError(f"tensor {name} of the int16x8 TFLite graph is {kind}; expected {min(expected)}")
    for index in graph.outputs:
        if graph.tensor_type(index) != "INT16":
            raise ConversionError(
                f"output {graph.tensor_name(index)} of the int16x8 TFLite graph is {graph.tensor_type(index)}; "
                "expected INT16"
            )


def check_dynamic_range_tflite(graph: FlatGraph) -> None:
    """Kernels are int8 with a scale for each channel, all else is float; at least one kernel is."""
    kernels = [graph.tensor_type(op.inputs[1]) for op in graph.operators if op.kind == "CONV_2D"]
    if "INT8" not in kernels:
        raise ConversionError(
            "no kernel has the 1024 weights from which TFLite's converter quantizes, so dynamic range would change "
            "nothing; convert with --fp16 or --int8"
        )
    for op in graph.operators:
        for index in op.outputs:
            if graph.tensor_type(index) != "FLOAT32":
                raise ConversionError(
                    f"activation {graph.tensor_name(index)} of the dynamic-range TFLite graph is "
                    f"{graph.tensor_type(index)}; expected FLOAT32"
                )


def check_int8_onnx(model: Any) -> None:
    """Every Conv and Add reads and writes through QuantizeLinear and DequantizeLinear (QDQ), inner codes being uint8.

    Whether an engine then computes in integers is its own affair; `onnx_optimized` asks ONNX Runtime.
    """
    producers = {name: node for node in model.graph.node for name in node.output}
    readers: dict[str, list[Any]] = {}
    for node in model.graph.node:
        for name in node.input:
            readers.setdefault(name, []).append(node)
    for node in model.graph.node:
        if node.op_type not in _INT8_NODES:
            raise ConversionError(f"the int8 ONNX graph holds a {node.op_type}; expected only {sorted(_INT8_NODES)}")
        if node.op_type not in {"Conv", "Add"}:
            continue
        for name in node.input:
            source = producers.get(name)
            if source is None or source.op_type != "DequantizeLinear":
                raise ConversionError(f"{node.op_type} {node.output[0]} of the int8 ONNX graph reads float {name}")
        after = readers.get(node.output[0], [])
        if len(after) == 1 and after[0].op_type in {"Clip", "Relu"}:
            after = readers.get(after[0].output[0], [])
        if not after or any(reader.op_type != "QuantizeLinear" for reader in after):
            raise ConversionError(f"the output of {node.op_type} {node.output[0]} of the int8 ONNX graph stays float")
    _check_unsigned(model.graph)


def _check_unsigned(graph: Any) -> None:
    """Only outputs, and what turns them into uint8 codes again, have int8 codes."""
    constants = {constant.name: constant.data_type for constant in graph.initializer}
    edges = {value.name for value in (*graph.input, *graph.output)}
    for node in graph.node:
        if node.op_type == "QuantizeLinear":
            name = node.output[0]
        elif node.op_type == "DequantizeLinear" and node.input[0] not in constants:
            name = node.input[0]
        else:
            continue
        if name not in edges and constants.get(node.input[2]) != TensorProto.UINT8:
            raise ConversionError(f"tensor {name} of the int8 ONNX graph is not uint8; engines on x86 need it to be")


def check_plain_onnx(model: Any, what: str) -> None:
    """The opset and IR version are the stated ones, no other operators are used, and all data is in the file."""
    opsets = {entry.domain: entry.version for entry in model.opset_import}
    if opsets != {"": OPSET} or model.ir_version != IR_VERSION:
        raise ConversionError(
            f"{what} has opsets {opsets} and IR version {model.ir_version}; expected opset {OPSET} and {IR_VERSION}"
        )
    for node in model.graph.node:
        if node.domain not in ("", "ai.onnx"):
            raise ConversionError(f"{what} holds a {node.op_type} of {node.domain}; expected only ONNX's own operators")
    for tensor in model.graph.initializer:
        if uses_external_data(tensor):
            raise ConversionError(f"{what} keeps {tensor.name} in another file; expected all data inside")


def check_builtin_tflite(graph: FlatGraph, what: str) -> None:
    """Every operator is one that each TFLite runtime has: none of TensorFlow's (flex) and none of our own."""
    kinds = {op.kind for op in graph.operators} & {"CUSTOM", "DELEGATE", "PLACEHOLDER_FOR_GREATER_OP_CODES"}
    if kinds:
        raise ConversionError(f"{what} holds a {min(kinds)} operator; expected only TFLite's own")


def check_transposes(model: Any) -> None:
    """The only Transpose of an ONNX graph is the one of the image."""
    found = [node for node in model.graph.node if node.op_type == "Transpose"]
    if len(found) > 1:
        names = ", ".join(node.output[0] for node in found[1:])
        raise ConversionError(
            f"the ONNX graph has {len(found)} Transposes, expected one after the image; stray: {names}"
        )


def check_same_maps(whole: Sequence[NDArray[Any]], staged: Sequence[NDArray[Any]], what: str) -> None:
    """The stages, run one after the other, give the whole graph's maps bit for bit."""
    for stage, (expected, found) in enumerate(zip(whole, staged, strict=True), start=1):
        if not np.array_equal(expected, found):
            count = int((np.asarray(expected) != np.asarray(found)).sum())
            raise ConversionError(f"{what}: stage {stage} run by itself differs from the whole graph in {count} cells")


def check_same_landmarks(
    first: NDArray[np.float32], second: NDArray[np.float32], confident: NDArray[np.bool_], tolerance: float, what: str
) -> float:
    """Two files find the same landmarks on the same inputs.

    Engines round ties differently, by a code or a few. That moves a clear peak by a fraction of a pixel, and can make
    another of two equally high peaks win: 1 % of the landmarks may do so.

    Args:
        first, second: (…, 2) pixels of the input.
        confident: (…) which landmarks have a clear peak in either; two flat maps have no place to agree on.
        tolerance: largest distance, pixels.

    Returns:
        The 99 % quantile of the distances, pixels; 0 where no peak is clear.
    """
    apart = np.linalg.norm(first.astype(np.float64) - second.astype(np.float64), axis=-1)[confident]
    if apart.size == 0:
        return 0.0
    most = float(np.quantile(apart, 0.99))
    if not most <= tolerance:
        raise ConversionError(
            f"{what}: 1 % of the clear landmarks differ by {most:.2f} px of the input or more; allowed {tolerance} px"
        )
    return most
