"""Which tensor of a converted graph holds the output of which layer of the network it was made from.

The converter fuses and renames as it likes, so nothing is read out of tensor names but those that `to_tflite` gives
itself. Graph and network are walked side by side instead, from the named outputs back to the image.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import tf_keras

from fpm_edge_converters.flatgraph import FlatGraph
from fpm_edge_runtime.errors import ConversionError

__all__ = ["ConvertedLayer", "match_layers"]

_kinds = tf_keras.layers
# Depthwise first: it is a kind of Conv2D.
_OPERATORS = (
    (_kinds.DepthwiseConv2D, "DEPTHWISE_CONV_2D"),
    (_kinds.Conv2D, "CONV_2D"),
    (_kinds.MaxPooling2D, "MAX_POOL_2D"),
    (_kinds.Add, "ADD"),
)
# What the converter leaves of an activation that it does not fuse.
_ACTIVATIONS = {"MAXIMUM", "MINIMUM", "RELU", "RELU6", "RELU_0_TO_1"}
_NAMED = ("context", "features", "heatmap_")


@dataclass(frozen=True)
class ConvertedLayer:
    """One operator with the activation after it, and the layers of the network that it computes.

    Attributes:
        name: the last of those layers; the tensor holds its output.
        layers: all of them in order, such as a convolution and its ReLU.
        kind: TFLite's name of the operator.
        inputs: what the operator reads, by the names of the layers that give it; ``image`` for the picture.
        operator: its position in the graph.
        tensor: index of the output, after the activation.
    """

    name: str
    layers: tuple[str, ...]
    kind: str
    inputs: tuple[str, ...]
    operator: int
    tensor: int


def match_layers(graph: FlatGraph, model: tf_keras.Model) -> tuple[ConvertedLayer, ...]:
    """Every operator of `graph` that computes layers of `model`, in order of execution.

    Args:
        graph: a whole graph made by `to_tflite`, or a piece cut from one.
        model: the float network without batch normalisation that it was made from.

    Raises:
        ConversionError: the graph does not compute this network.
    """
    walk = _Walk(graph)
    for index in graph.outputs:
        walk.visit(index, model.get_layer(graph.tensor_name(index)))
    return tuple(sorted(walk.found.values(), key=lambda layer: layer.operator))


class _Walk:
    def __init__(self, graph: FlatGraph) -> None:
        self._graph = graph
        self._operators = graph.operators
        self._producers = {index: p for p, op in enumerate(self._operators) for index in op.outputs}
        self.found: dict[int, ConvertedLayer] = {}

    def visit(self, index: int, layer: Any) -> str:
        """Match tensor `index` with the output of `layer`, and all that it depends on. Returns the layer's name."""
        index = self._inside(index)
        graph, name = self._graph, self._graph.tensor_name(index)
        chain = _chain(layer)
        if _is_source(chain[0]) or index in graph.inputs:
            self._edge(index, chain[0] if _is_source(chain[0]) else layer)
            return "image" if _is_source(chain[0]) else str(layer.name)
        if name.startswith(_NAMED) and "/" not in name and name != layer.name:
            raise _mismatch(name, layer)
        if index in self.found:
            if self.found[index].name != layer.name:
                raise _mismatch(name, layer)
            return str(layer.name)
        position = self._operator(index)
        op = self._operators[position]
        kind = next((kind for known, kind in _OPERATORS if isinstance(chain[0], known)), None)
        if op.kind != kind or not self._same_kernel(op.inputs, chain[0]):
            raise _mismatch(name, layer)
        activations = op.inputs if kind == "ADD" else op.inputs[:1]
        self.found[index] = ConvertedLayer(
            name=layer.name,
            layers=tuple(part.name for part in chain),
            kind=op.kind,
            inputs=self._inputs(activations, chain[0]),
            operator=position,
            tensor=index,
        )
        return str(layer.name)

    def _inputs(self, tensors: Sequence[int], layer: Any) -> tuple[str, ...]:
        """Match the inputs of an operator; the two of an ADD may have changed places."""
        sources = _sources(layer)
        if len(sources) != len(tensors):
            raise ConversionError(f"layer {layer.name} joins {len(sources)} tensors, the converted one {len(tensors)}")
        before = dict(self.found)
        try:
            return tuple(self.visit(index, source) for index, source in zip(tensors, sources, strict=True))
        except ConversionError:
            if len(tensors) == 1:
                raise
            self.found = before
            return tuple(self.visit(index, source) for index, source in zip(tensors, reversed(sources), strict=True))

    def _operator(self, index: int) -> int:
        """The operator behind a tensor, going back over an activation that stands by itself."""
        position = self._producers[index]
        while self._operators[position].kind in _ACTIVATIONS:
            position = self._producers[self._operators[position].inputs[0]]
        return position

    def _inside(self, index: int) -> int:
        """Across the two operators of a uint8 edge (`unsigned_edges`): the codes behind it, or the edge itself."""
        before = index
        for kind in ("QUANTIZE", "DEQUANTIZE"):
            position = self._producers.get(before)
            if position is None or self._operators[position].kind != kind:
                return index
            before = self._operators[position].inputs[0]
        return before

    def _edge(self, index: int, layer: Any) -> None:
        """The image, or another input of a piece."""
        while index in self._producers and self._operators[self._producers[index]].kind in {"CAST", "MUL", "QUANTIZE"}:
            index = self._operators[self._producers[index]].inputs[0]
        name = self._graph.tensor_name(index)
        if index not in self._graph.inputs or name != ("image" if _is_source(layer) else layer.name):
            raise _mismatch(name, layer)

    def _same_kernel(self, inputs: Sequence[int], layer: Any) -> bool:
        """TFLite's kernels are (out, height, width, in), and (1, height, width, channels) of depthwise ones."""
        if not isinstance(layer, _kinds.Conv2D):
            return True
        height, width, *channels = layer.kernel.shape
        depthwise = isinstance(layer, _kinds.DepthwiseConv2D)
        expected = (1, height, width, channels[0]) if depthwise else (channels[1], height, width, channels[0])
        return self._graph.shape(inputs[1]) == expected


def _sources(layer: Any) -> list[Any]:
    return [tensor._keras_history.layer for tensor in layer.inbound_nodes[0].keras_inputs]


def _chain(layer: Any) -> list[Any]:
    """`layer` and, where it is an activation, what it follows: the convolution, pooling, sum or source first."""
    chain = [layer]
    while isinstance(chain[0], _kinds.ReLU | _kinds.Activation) and not _is_source(chain[0]):
        chain.insert(0, *_sources(chain[0]))
    return chain


def _is_source(layer: Any) -> bool:
    return isinstance(layer, _kinds.InputLayer) or layer.name == "pixels"


def _mismatch(name: str, layer: Any) -> ConversionError:
    return ConversionError(
        f"tensor {name!r} of the converted graph is not the output of layer {layer.name} ({type(layer).__name__}); "
        "give the model that it was made from"
    )
