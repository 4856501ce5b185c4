"""OpenVINO's NNCF: post-training quantization, plain and with accuracy control, both with its preset `mixed`.

For x86 processors without VNNI, where products of uint8 and int8 overflow, it keeps the kernels of the first layer in 7
bits (`OverflowFix.FIRST_LAYER`, its default), or on request those of all layers (`ENABLE`).
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Any

import _task
import numpy as np


def quantize(work: Path, path: Path, fix: str) -> None:
    # user code
    import nncf
    import openvino

    pictures = _task.inputs(work)
    model = openvino.Core().read_model(work / "float.onnx")
    data = nncf.Dataset([picture[None] for picture in pictures])
    fixed = nncf.AdvancedQuantizationParameters(overflow_fix=nncf.OverflowFix[fix])
    mixed = nncf.QuantizationPreset.MIXED
    quantized = nncf.quantize(model, data, preset=mixed, subset_size=len(pictures), advanced_parameters=fixed)
    openvino.save_model(quantized, path)
    # end


def quantize_with_control(work: Path, path: Path) -> None:
    """The accuracy is 1 minus the mean distance of the last stage's peaks from the float model's, in cells."""
    # user code
    import nncf
    import openvino

    pictures = _task.inputs(work)
    model = openvino.Core().read_model(work / "float.onnx")
    data = nncf.Dataset([picture[None] for picture in pictures])

    def peaks(compiled: Any, items: Iterable[Any]) -> Any:
        maps = np.stack([list(compiled(item).values())[-1][0, :-1] for item in items])
        flat = maps.reshape(*maps.shape[:2], -1)
        return np.stack(np.unravel_index(flat.argmax(-1), maps.shape[2:]), -1), flat.max(-1)

    true, heights = peaks(openvino.compile_model(model, "CPU"), [picture[None] for picture in pictures])

    def validate(compiled: Any, items: Iterable[Any]) -> tuple[float, list[float]]:
        found, _ = peaks(compiled, items)
        apart = np.linalg.norm(found - true[: len(found)], axis=-1)
        clear = heights[: len(found)] >= 0.25
        scores = [1 - float(row[keep].mean()) for row, keep in zip(apart, clear, strict=True)]
        return 1 - float(apart[clear].mean()), scores

    quantized = nncf.quantize_with_accuracy_control(
        model,
        data,
        data,
        validate,
        max_drop=0.05,
        preset=nncf.QuantizationPreset.MIXED,
        subset_size=len(pictures),
    )
    openvino.save_model(quantized, path)
    # end


if __name__ == "__main__":
    _task.main(
        {
            "nncf": ("xml", partial(quantize, fix="FIRST_LAYER")),
            "nncf-7bit": ("xml", partial(quantize, fix="ENABLE")),
            "nncf-control": ("xml", quantize_with_control),
        }
    )
