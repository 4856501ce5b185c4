"""Int8 TFLite pieces whose edges are uint8: for engines that have no int8 tensors, such as LiteRT.js (decision 0034).

The code c of int8 becomes c + 128 with the zero point 128 higher, so it means the same real number. On its way it goes
through that number: QUANTIZE from code to code is one operator less, but XNNPACK leaves it to TFLite's own loop, which
takes 1.7 ns a code and a tenth of the network's time. DEQUANTIZE and QUANTIZE it takes both, and float32 is exact for
256 codes. The image is uint8 already, and goes the same way.
"""

from typing import Literal

from fpm_edge_converters.flatgraph import FlatGraph
from fpm_edge_runtime.errors import ConversionError

__all__ = ["Edges", "with_unsigned_edges"]

Edges = Literal["int8", "uint8"]
"""The type of features, context and heatmaps where they are codes of 8 bits."""

_SHIFT = 128


def with_unsigned_edges(piece: bytes) -> bytes:
    """A piece whose inputs and outputs have uint8 codes where they had int8; they keep names and meaning.

    Args:
        piece: as `FlatGraph.cut` writes it. Edges of other types stay, and so do those of a piece without int8 edges.

    Raises:
        ConversionError: an int8 edge without one scale and zero point.
    """
    graph = FlatGraph(piece)
    for position, op in reversed(list(enumerate(graph.operators))):
        if op.kind == "QUANTIZE" and op.inputs[0] in graph.inputs and graph.tensor_type(op.inputs[0]) == "UINT8":
            graph.remove(position)
            _pass(graph, position, op.inputs[0], op.outputs[0])
    inputs = [_unsigned(graph, index) for index in graph.inputs]
    for outside, inside in zip(inputs, graph.inputs, strict=True):
        if outside != inside:
            _pass(graph, 0, outside, inside)
    outputs = [_unsigned(graph, index) for index in graph.outputs]
    for outside, inside in zip(outputs, graph.outputs, strict=True):
        if outside != inside:
            _pass(graph, len(graph.operators), inside, outside)
    return graph.cut(inputs, outputs)


def _unsigned(graph: FlatGraph, index: int) -> int:
    """A uint8 tensor that takes the name of an int8 one; tensors of other types as they are."""
    if graph.tensor_type(index) != "INT8":
        return index
    name, quantization = graph.tensor_name(index), graph.quantization(index)
    if quantization is None:
        raise ConversionError(f"edge {name} of an int8 piece has no scale and zero point; make the file again")
    scale, zero_point = quantization
    graph.rename({index: f"{name}/int8"})
    return graph.add_tensor(index, name, "UINT8", (scale, zero_point + _SHIFT))


def _pass(graph: FlatGraph, position: int, source: int, target: int) -> None:
    """Before the operator at `position`, make `target`'s codes of `source`'s."""
    real = graph.add_tensor(source, f"{graph.tensor_name(target)}/real")
    graph.insert_rounding(position, source, real)
    graph.insert_rounding(position + 1, real, target)
