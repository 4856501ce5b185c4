"""onnx2tf: ONNX to TFLite, full integer quantization by TensorFlow's converter underneath."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import _task
import numpy as np


def quantize(work: Path, path: Path) -> None:
    folder = path.with_suffix("")
    folder.mkdir()
    # user code
    pictures = _task.inputs(work).astype("float32") / 255
    np.save(folder / "pictures.npy", pictures)
    # It checks itself on 20 pictures that it downloads, unless they lie in the working directory.
    np.save(folder / "calibration_image_sample_data_20x128x128x3_float32.npy", pictures[:20, :128, :128])
    subprocess.run(
        [
            Path(sys.executable).with_name("onnx2tf"),
            *("-i", work.absolute() / "plain.onnx", "-o", "made"),
            *("-oiqt", "-iqd", "uint8", "-oqd", "int8"),
            *("-cind", "image", "pictures.npy", "[[[[0,0,0]]]]", "[[[[1,1,1]]]]"),
        ],
        cwd=folder,
        check=True,
    )
    (folder / "made" / "plain_full_integer_quant.tflite").rename(path)
    # end


if __name__ == "__main__":
    _task.main({"onnx2tf": ("tflite", quantize)})
