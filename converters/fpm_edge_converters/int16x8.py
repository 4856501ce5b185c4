"""An int8 TFLite graph with int16 activations: the same kernels, the same ranges, finer codes (decision 0015).

TFLite's own calibrator takes extremes of its own. This takes the graph that the int8 path has made, whose ranges are
those of our calibration or of QAT, and stores every activation in 16 bits over the same range: symmetric, as TFLite's
int16 operators want it, real = code · max(|low|, |high|) / 32767.

- A tensor whose int8 range starts at 0 is clipped there by its codes. A symmetric range does not do that, so its
  operator gets a ReLU.
- The image stays uint8: CAST makes int16 codes of its pixels as they are, 0 to 255 with scale 1, and the kernels on it
  take the 1/255 into their scales. (A QUANTIZE from uint8 to int16 runs in LiteRT, but not in tflite-runtime.)
- Biases are int32 where no input whatever can overflow a sum of 32 bits, and int64 elsewhere: LiteRT has a fast
  convolution for the first kind only.
"""

from collections.abc import Mapping

import numpy as np

from fpm_edge_converters.flatgraph import FlatGraph
from fpm_edge_converters.tflite_schema import type_number
from fpm_edge_runtime.errors import ConversionError

__all__ = ["to_int16x8"]

_LOWEST, _HIGHEST = np.iinfo(np.int16).min, np.iinfo(np.int16).max
_INT8 = np.iinfo(np.int8)
_HIGHEST_SUM = np.iinfo(np.int32).max


def to_int16x8(graph: FlatGraph) -> None:
    """Change an int8 graph of `to_tflite` in place. Raises ConversionError for an operator without an int16 form."""
    (image,) = graph.inputs
    pixel, _ = graph.quantization(image) or (1.0, 0)
    scales: dict[int, float] = {}
    clipped: set[int] = set()
    # Factor of the kernels that read a tensor: the pixels' codes have scale 1 instead of 1/255.
    factors: dict[int, float] = {}
    for position, op in enumerate(graph.operators):
        (output,) = op.outputs
        if op.inputs[0] == image and op.kind == "QUANTIZE":
            graph.make_cast(position, "UINT8", "INT16")
            scales[output], factors[output] = 1.0, pixel
            continue
        scale, zero_point = graph.quantization(output) or (0.0, 0)
        low, high = scale * (_INT8.min - zero_point), scale * (_INT8.max - zero_point)
        scales[output] = max(-low, high) / _HIGHEST
        if zero_point == _INT8.min:
            clipped.add(output)
    for position, op in enumerate(graph.operators):
        if op.kind == "CONV_2D":
            _widen(graph, position, scales, factors.get(op.inputs[0], 1.0))
        elif op.kind == "ADD":
            graph.set_options(position, potScaleInt16=False)
        elif op.kind not in {"CAST", "MAX_POOL_2D", "QUANTIZE"} or factors.keys() & set(op.inputs):
            raise ConversionError(
                f"{op.kind} {graph.tensor_name(op.outputs[0])} of the int8 graph has no int16 form; convert with "
                "--int8 or --fp16"
            )
        if op.kind in {"ADD", "CONV_2D"} and op.outputs[0] in clipped:
            graph.fuse_relu(position)
    for index, scale in scales.items():
        graph.store_as(index, "INT16", scale)
    graph.store_as(image, "UINT8", None)


def _widen(graph: FlatGraph, position: int, scales: Mapping[int, float], factor: float) -> None:
    """Give a convolution the bias of its new input: code = real / (input scale · kernel scale)."""
    source, kernel, bias = graph.operators[position].inputs
    weights = graph.constant(kernel)
    kernel_scales = graph.scales(kernel) * np.float32(factor)
    steps = np.float32(scales[source]) * kernel_scales
    codes = np.rint(graph.real_constant(bias) / steps.astype(np.float64))
    largest = np.abs(weights.astype(np.int64)).reshape(len(steps), -1).sum(axis=1) * -_LOWEST
    fits = bool((largest + np.abs(codes) <= _HIGHEST_SUM).all())
    if factor != 1.0:
        graph.replace_constant(position, 1, weights, kernel_scales)
    graph.replace_constant(position, 2, codes.astype(np.int32 if fits else np.int64), steps)
    graph.set_options(position, quantizedBiasType=type_number("INT32" if fits else "INT64"))
