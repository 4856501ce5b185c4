"""Whether OpenVINO's products of uint8 and int8 are exact on this processor.

On x86 without VNNI its kernels add two products in 16 bits, as ONNX Runtime's do (`_onnx_overflow`), which overflow and
are cut off there: the landmarks of an int8 bundle move four to eight times as far as in LiteRT (decision 0016).
"""

from functools import cache
from typing import Any

import numpy as np
import openvino
from openvino import opset13

from fpm_edge_runtime.engines._openvino_core import core

__all__ = ["overflows"]

_CHANNELS, _FILTERS = 64, 16


@cache
def overflows() -> bool:
    """Whether 255 · 127, summed 64 times in a quantized convolution, comes out as anything else."""
    image = opset13.parameter([1, _CHANNELS, 8, 8], np.float32)
    low, high = np.float32(0), np.float32(255)
    codes = opset13.fake_quantize(image, low, high, low, high, 256)
    kernel = opset13.convert(opset13.constant(np.full((_FILTERS, _CHANNELS, 1, 1), 127, np.int8)), "f32")
    scaled = opset13.multiply(kernel, opset13.constant(np.ones((_FILTERS, 1, 1, 1), np.float32)))
    result = opset13.convolution(codes, scaled, [1, 1], [0, 0], [0, 0], [1, 1])
    settings: dict[str, Any] = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": 1}
    compiled = core().compile_model(openvino.Model([result], [image], "probe"), "CPU", settings)
    (found,) = compiled([np.full((1, _CHANNELS, 8, 8), 255, np.float32)]).values()
    return bool((found != _CHANNELS * 255 * 127).any())
