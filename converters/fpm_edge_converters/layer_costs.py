"""What every operator of a TFLite graph has to do at least: multiply, and move its bytes."""

from dataclasses import dataclass

import numpy as np

from fpm_edge_converters.flatgraph import FlatGraph, Operator
from fpm_edge_runtime.errors import ConversionError

__all__ = ["LayerCost", "layer_costs"]

_BYTES = {"FLOAT32": 4, "FLOAT16": 2, "INT8": 1, "UINT8": 1, "INT16": 2, "INT32": 4, "INT64": 8}
# They write no bytes: their output is their input.
_VIEWS = {"RESHAPE"}
# Kernels that are multiplied with every place of the output: all axes but those that the output has itself.
_CONVOLUTIONS = {"CONV_2D", "DEPTHWISE_CONV_2D"}
# One addition or comparison an element at most, which no processor does slower than it moves the element.
_MOVES = {
    "ADD",
    "CAST",
    "CONCATENATION",
    "DEQUANTIZE",
    "MAX_POOL_2D",
    "MAXIMUM",
    "MINIMUM",
    "MUL",
    "PAD",
    "QUANTIZE",
    "RELU",
    "RELU6",
    "RELU_0_TO_1",
    "RESHAPE",
}


@dataclass(frozen=True)
class LayerCost:
    """One operator.

    Attributes:
        name: of its output.
        kind: TFLite's name of the operator.
        position: of the operator in the graph.
        macs: multiply-accumulates of a picture; 0 for what only moves or compares.
        weights, inputs, outputs: bytes of its constants, and of the activations that it reads and writes, each tensor
            counted once.
    """

    name: str
    kind: str
    position: int
    macs: int
    weights: int
    inputs: int
    outputs: int

    @property
    def bytes(self) -> int:
        """All that is moved, if nothing is moved twice."""
        return self.weights + self.inputs + self.outputs


def layer_costs(graph: FlatGraph) -> tuple[LayerCost, ...]:
    """Every operator in order of execution.

    Args:
        graph: a whole graph, or a piece, of fixed shapes.

    Raises:
        ConversionError: an operator, or an element type, whose cost is not known here.
    """
    return tuple(_cost(graph, position, op) for position, op in enumerate(graph.operators))


def _cost(graph: FlatGraph, position: int, op: Operator) -> LayerCost:
    read = {index for index in op.inputs if index >= 0}
    constants = {index for index in read if graph.is_constant(index)}
    (output,) = op.outputs
    view = op.kind in _VIEWS
    return LayerCost(
        name=graph.tensor_name(output),
        kind=op.kind,
        position=position,
        macs=_macs(graph, op),
        weights=0 if view else sum(_bytes(graph, index) for index in constants),
        inputs=0 if view else sum(_bytes(graph, index) for index in read - constants),
        outputs=0 if view else _bytes(graph, output),
    )


def _macs(graph: FlatGraph, op: Operator) -> int:
    if op.kind in _MOVES:
        return 0
    if op.kind not in _CONVOLUTIONS:
        raise ConversionError(f"how much {op.kind} {graph.tensor_name(op.outputs[0])} multiplies is not known here")
    # (out, height, width, in): each output channel meets all the rest. (1, height, width, channels): its own alone.
    kernel = graph.shape(op.inputs[1])
    per_element = kernel[1:3] if op.kind == "DEPTHWISE_CONV_2D" else kernel[1:]
    return int(np.prod(graph.shape(op.outputs[0])) * np.prod(per_element))


def _bytes(graph: FlatGraph, index: int) -> int:
    kind = graph.tensor_type(index)
    if kind not in _BYTES:
        raise ConversionError(f"tensor {graph.tensor_name(index)} is {kind}, whose bytes are not known here")
    return int(np.prod(graph.shape(index), dtype=np.int64)) * _BYTES[kind]
