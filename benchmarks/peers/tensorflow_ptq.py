"""Plain TensorFlow: full integer quantization after training, as TensorFlow's guide shows it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import _task


def quantize(work: Path, path: Path) -> None:
    # user code
    import tensorflow as tf

    def representative() -> Iterator[list[Any]]:
        for picture in _task.inputs(work):
            yield [picture[None].astype("float32") / 255]

    converter = tf.lite.TFLiteConverter.from_saved_model(str(work / "saved_model"))
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = representative
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = tf.uint8
    converter.inference_output_type = tf.int8
    path.write_bytes(converter.convert())
    # end


if __name__ == "__main__":
    _task.main({"tensorflow": ("tflite", quantize)})
