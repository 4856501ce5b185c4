"""ONNX Runtime's `quantize_static`: QDQ, uint8 activations, kernels per channel, after its own pre-processing.

Its documentation offers two cures for x86 processors without VNNI, where products of uint8 and int8 overflow: kernels
in 7 bits (`reduce_range`), or uint8 kernels.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import _task


def quantize(work: Path, path: Path, method: str, weights: str, reduce_range: bool) -> None:
    # user code
    from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    class Reader(CalibrationDataReader):  # type: ignore[misc]
        def __init__(self) -> None:
            self.pictures = iter(_task.inputs(work))

        def get_next(self) -> dict[str, Any] | None:
            picture = next(self.pictures, None)
            return None if picture is None else {"image": picture[None]}

    prepared = path.with_suffix(".prepared.onnx")
    quant_pre_process(str(work / "float.onnx"), str(prepared), skip_symbolic_shape=True)
    quantize_static(
        str(prepared),
        str(path),
        Reader(),
        per_channel=True,
        reduce_range=reduce_range,
        activation_type=QuantType.QUInt8,
        weight_type=QuantType[weights],
        calibrate_method=CalibrationMethod[method],
    )
    # end


if __name__ == "__main__":
    _task.main(
        {
            "onnxruntime-minmax": ("onnx", partial(quantize, method="MinMax", weights="QInt8", reduce_range=False)),
            "onnxruntime-minmax-7bit": ("onnx", partial(quantize, method="MinMax", weights="QInt8", reduce_range=True)),
            "onnxruntime-minmax-u8": ("onnx", partial(quantize, method="MinMax", weights="QUInt8", reduce_range=False)),
            "onnxruntime-percentile-u8": (
                "onnx",
                partial(quantize, method="Percentile", weights="QUInt8", reduce_range=False),
            ),
            "onnxruntime-entropy-u8": (
                "onnx",
                partial(quantize, method="Entropy", weights="QUInt8", reduce_range=False),
            ),
        }
    )
