"""Which eight-bit types the codes of an int8 ONNX graph have. The real values stay what TFLite's are.

x86 processors multiply unsigned by signed bytes, so ONNX Runtime computes in integers only where activations are uint8;
between int8 ones it falls back to float (decision 0016). A code moves by 128 with its zero point.
"""

from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

__all__ = ["is_quantized", "own_constants", "unsigned_activations", "unsigned_weights"]

_CODES = {"QuantizeLinear", "DequantizeLinear"}
_SHIFT = 128


def is_quantized(graph: Any) -> bool:
    """Whether a graph holds codes at all."""
    return any(node.op_type in _CODES for node in graph.node)


def unsigned_activations(graph: Any) -> None:
    """Make the codes between the nodes uint8; the graph's outputs stay int8, as the heatmaps of a bundle are.

    Inner names stay with their tensors, which therefore change type; that of an output stays with the int8 tensor, and
    who reads it goes on from there. The image is read as it is: its codes are the pixels already.
    """
    constants = {constant.name: constant for constant in graph.initializer}
    outputs = {output.name for output in graph.output}
    for node in list(graph.node):
        if node.op_type not in _CODES or node.input[0] in constants or _is_unsigned(constants[node.input[2]]):
            continue
        signed, unsigned = node.input[2], _shifted(graph, constants, node.input[2])
        scale = node.input[1]
        name = node.output[0] if node.op_type == "QuantizeLinear" else node.input[0]
        node.input[2] = unsigned
        if name not in outputs:
            continue
        inner, real = f"{name}_codes", f"{name}_real"
        if node.op_type == "QuantizeLinear":
            node.output[0] = inner
            graph.node.append(helper.make_node("DequantizeLinear", [inner, scale, unsigned], [real]))
            graph.node.append(helper.make_node("QuantizeLinear", [real, scale, signed], [name]))
        else:
            read, again = f"{node.output[0]}_real", f"{node.output[0]}_codes"
            node.input[0] = again
            graph.node.append(helper.make_node("DequantizeLinear", [name, scale, signed], [read]))
            graph.node.append(helper.make_node("QuantizeLinear", [read, scale, unsigned], [again]))
    _read_image_codes(graph)


def unsigned_weights(model: onnx.ModelProto) -> onnx.ModelProto:
    """A copy whose kernels are uint8, for sessions whose options are not ours to choose.

    On x86 processors without VNNI, ONNX Runtime adds products of uint8 and int8 in 16 bits, which overflow; between
    uint8 and uint8 it does not.
    """
    changed = onnx.ModelProto()
    changed.CopyFrom(model)
    graph = changed.graph
    constants = {constant.name: constant for constant in graph.initializer}
    for node in graph.node:
        if node.op_type != "DequantizeLinear" or node.input[0] not in constants:
            continue
        if constants[node.input[0]].data_type == TensorProto.INT8:
            node.input[0] = _shifted(graph, constants, node.input[0])
            node.input[2] = _shifted(graph, constants, node.input[2])
    used = {name for node in graph.node for name in node.input}
    for constant in list(graph.initializer):
        if constant.name not in used:
            graph.initializer.remove(constant)
    return changed


def own_constants(graph: Any) -> None:
    """Give every int8 constant that is dequantized codes and zero points that no other reads.

    ONNX Runtime's ``session.x64quantprecision``, which the runtime sets where products overflow, replaces them one by
    one, and fails on a name that it has replaced already (1.32).
    """
    constants = {constant.name: constant for constant in graph.initializer}
    seen: set[str] = set()
    for number, node in enumerate(graph.node):
        if node.op_type != "DequantizeLinear" or node.input[0] not in constants:
            continue
        if constants[node.input[0]].data_type != TensorProto.INT8:
            continue
        for index in (0, 2):
            name = node.input[index]
            if name in seen:
                copy = onnx.TensorProto()
                copy.CopyFrom(constants[name])
                copy.name = f"{name}_{number}"
                graph.initializer.append(copy)
                node.input[index] = copy.name
            seen.add(name)


def _is_unsigned(zero_point: Any) -> bool:
    return bool(zero_point.data_type == TensorProto.UINT8)


def _shifted(graph: Any, constants: dict[str, Any], name: str) -> str:
    """The name of an int8 constant's codes as uint8."""
    moved = f"{name}_unsigned"
    if moved not in constants:
        codes = numpy_helper.to_array(constants[name]).astype(np.int16) + _SHIFT
        constants[moved] = numpy_helper.from_array(codes.astype(np.uint8), moved)
        graph.initializer.append(constants[moved])
    return moved


def _read_image_codes(graph: Any) -> None:
    """Take out the step from the uint8 image to codes of the same scale, which by now are the same."""
    makers = {name: node for node in graph.node for name in node.output}
    constants = {constant.name: numpy_helper.to_array(constant) for constant in graph.initializer}
    images = {value.name for value in graph.input}
    for quantize in list(graph.node):
        read = makers.get(quantize.input[0])
        if quantize.op_type != "QuantizeLinear" or read is None or read.op_type != "DequantizeLinear":
            continue
        same = all(
            np.array_equal(constants[a], constants[b]) for a, b in zip(read.input[1:], quantize.input[1:], strict=True)
        )
        if read.input[0] not in images or not same:
            continue
        for node in graph.node:
            node.input[:] = [read.input[0] if name == quantize.output[0] else name for name in node.input]
        graph.node.remove(quantize)
        if not any(name == read.output[0] for node in graph.node for name in node.input):
            graph.node.remove(read)
