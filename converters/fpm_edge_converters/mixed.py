"""Float files in which chosen layers carry exactly what the int8 file stores: its kernel and bias codes, its scales.

The float TFLite graph is taken, and for a chosen layer its kernel and bias are replaced by the int8 file's codes in
real units, and its output is sent through QUANTIZE and DEQUANTIZE with the int8 file's scale and zero point. What is
left out of an int8 layer is only the rounding inside the int8 operator (int32 sums, fixed-point rescaling), so with
all layers chosen the file answers as the int8 file does but for a code here and there (decision 0014).
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import tf_keras
from numpy.typing import NDArray

from fpm_edge_converters.flatgraph import FlatGraph
from fpm_edge_converters.layers import match_layers
from fpm_edge_converters.tflite import to_tflite
from fpm_edge_runtime.errors import ConversionError

__all__ = ["Int8Layer", "MixedGraph", "read_int8_layers"]

# One code of a uint8 pixel in the network's input range [0, 1]; the converter folds it into kernels on the image.
_PIXEL = 1.0 / 255.0


@dataclass(frozen=True, eq=False)
class Int8Layer:
    """What an int8 file stores of one layer.

    Attributes:
        name: of the layer of the network whose output the tensor holds.
        kind: TFLite's name of the operator.
        kernel: (out, height, width, in) float64, codes in real units; None without a kernel.
        bias: (out,) float64, codes in real units; None without a kernel.
        scale, zero_point: of the output.
        bytes: of its kernel and bias.
        macs: multiply-accumulates a picture.
    """

    name: str
    kind: str
    kernel: NDArray[np.float64] | None
    bias: NDArray[np.float64] | None
    scale: float
    zero_point: int
    bytes: int
    macs: int


def read_int8_layers(network: tf_keras.Model, files: Iterable[bytes]) -> dict[str, Int8Layer]:
    """The layers of an int8 network by name, in order of execution.

    Args:
        network: the float network that was converted.
        files: the whole int8 TFLite file, or its pieces in order.

    Raises:
        ConversionError: the files do not compute this network, or are not int8.
    """
    found: dict[str, Int8Layer] = {}
    for data in files:
        graph = FlatGraph(data)
        operators = graph.operators
        for layer in match_layers(graph, network):
            quantization = graph.quantization(layer.tensor)
            if quantization is None or graph.tensor_type(layer.tensor) != "INT8":
                raise ConversionError(f"the output of layer {layer.name} is not int8; give an int8 bundle")
            kernel = bias = None
            size = macs = 0
            if layer.kind == "CONV_2D":
                _, kernel_index, bias_index = operators[layer.operator].inputs
                kernel, bias = graph.real_constant(kernel_index), graph.real_constant(bias_index)
                size = sum(graph.constant(index).nbytes for index in (kernel_index, bias_index))
                _, height, width, _ = graph.shape(layer.tensor)
                macs = kernel.size * height * width
            found[layer.name] = Int8Layer(layer.name, layer.kind, kernel, bias, *quantization, size, macs)
    return found


class MixedGraph:
    """Makes files from one float network and the int8 layers of its converted file."""

    def __init__(self, network: tf_keras.Model, layers: Mapping[str, Int8Layer]) -> None:
        """`network` float, without batch normalisation; `layers` of `read_int8_layers`."""
        graph = to_tflite(network, "float32")
        self._float = graph.cut(graph.inputs, graph.outputs)
        self._places = {place.name: place for place in match_layers(FlatGraph(self._float), network)}
        self._layers = layers

    def make(self, kernels: Collection[str], outputs: Collection[str]) -> bytes:
        """A float TFLite file, from ``image`` uint8 to ``heatmap_1..T`` float32.

        Args:
            kernels: layers that get the int8 file's kernel and bias; those without a kernel have nothing to get.
            outputs: layers whose output is rounded to the int8 file's codes.

        Raises:
            ConversionError: a name that is not a layer.
        """
        unknown = sorted({*kernels, *outputs} - set(self._layers))
        if unknown:
            raise ConversionError(f"{unknown[0]!r} is not a layer; expected some of: {', '.join(self._layers)}")
        graph = FlatGraph(self._float)
        for name in kernels:
            layer, place = self._layers[name], self._places[name]
            if layer.kernel is None or layer.bias is None:
                continue
            pixel = _PIXEL if place.inputs == ("image",) else 1.0
            graph.replace_constant(place.operator, 1, (layer.kernel * pixel).astype(np.float32))
            graph.replace_constant(place.operator, 2, layer.bias.astype(np.float32))
        # Rounding adds operators, so positions hold only until here.
        for name in outputs:
            layer = self._layers[name]
            graph.round_tensor(self._places[name].tensor, layer.scale, layer.zero_point)
        return graph.cut(graph.inputs, graph.outputs)
