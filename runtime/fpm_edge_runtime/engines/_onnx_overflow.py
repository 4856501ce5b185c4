"""Whether ONNX Runtime's products of uint8 and int8 are exact on this processor.

On x86 without VNNI its kernels add two products in 16 bits, which overflow and are cut off there. A quarter of the
heatmaps' codes then differ, some by more than half their range (decision 0016). Which processors do so, and in which
versions, is in no API: so it is asked to multiply.
"""

from functools import cache
from typing import Any

import numpy as np
import onnxruntime

__all__ = ["overflows"]

# y = MatMulInteger(a, b) with a (4, 64) uint8 and b (64, 16) int8, opset 17; a test makes it again.
_PROBE = bytes.fromhex(
    "08083a5e0a1a0a01610a0162120179220d4d61744d756c496e74656765723a001201705a130a0161120e0a0c08021208"
    "0a0208040a0208405a130a0162120e0a0c080312080a0208400a02081062130a0179120e0a0c080612080a0208040a02"
    "081042040a001011"
)


@cache
def overflows() -> bool:
    """Whether 255 · 127, summed 64 times, comes out as anything else."""
    options: Any = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(_PROBE, options, providers=["CPUExecutionProvider"])
    (found,) = session.run(None, {"a": np.full((4, 64), 255, np.uint8), "b": np.full((64, 16), 127, np.int8)})
    return bool((found != 64 * 255 * 127).any())
