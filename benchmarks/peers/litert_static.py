"""LiteRT Quantizer, called AI Edge Quantizer until 0.10; static int8, its recipe `static_wi8_ai8`."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import _task


def quantize(work: Path, path: Path, algorithm: str) -> None:
    # user code
    from litert_quantizer import quantizer, recipe

    # A list: of a generator, the counting of its items would leave nothing to calibrate with.
    data = {"serving_default": [{"image": picture[None].astype("float32") / 255} for picture in _task.inputs(work)]}
    tool = quantizer.Quantizer(str(work / "plain.tflite"))
    tool.load_quantization_recipe(recipe.static_wi8_ai8(algorithm))
    ranges = tool.calibrate(data)
    tool.quantize(ranges).export_model(str(path), overwrite=True)
    # end


if __name__ == "__main__":
    _task.main(
        {
            "litert-quantizer": ("tflite", partial(quantize, algorithm="min_max_uniform_quantize")),
            "litert-quantizer-octav": ("tflite", partial(quantize, algorithm="OCTAV")),
        }
    )
