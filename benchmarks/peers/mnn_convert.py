"""MNN: float, weights in 8 bits, and int8 by its calibration tool."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from functools import partial
from pathlib import Path

import _task

# Each of its tools calls `pip install` for a package that reports what is done with it, into whatever Python is found.
QUIET = os.environ | {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": ""}


def tool(name: str) -> Path:
    return Path(sys.executable).with_name(name)


def convert(work: Path, path: Path, options: tuple[str, ...] = ()) -> None:
    # user code
    source = ("-f", "ONNX", "--modelFile", work / "plain.onnx", "--MNNModel", path, "--bizCode", "fpm")
    subprocess.run([tool("mnnconvert"), *source, *options], env=QUIET, check=True)
    # end


def quantize(work: Path, path: Path) -> None:
    folder = path.with_suffix("")
    folder.mkdir()
    # user code
    picture = _task.inputs(work)[0]
    config = {
        "format": "RGB",
        "mean": [0.0, 0.0, 0.0],
        "normal": [1 / 255, 1 / 255, 1 / 255],
        "width": picture.shape[1],
        "height": picture.shape[0],
        "path": f"{work / 'pictures'}/",
        "used_image_num": len(_task.inputs(work)),
        "feature_quantize_method": "KL",
        "weight_quantize_method": "MAX_ABS",
    }
    (folder / "config.json").write_text(json.dumps(config))
    convert(work, folder / "float.mnn")
    subprocess.run([tool("mnnquant"), folder / "float.mnn", path, folder / "config.json"], env=QUIET, check=True)
    # end


if __name__ == "__main__":
    eight = ("--weightQuantBits", "8")
    _task.main(
        {
            "mnn": ("mnn", convert),
            "mnn-weights8": ("mnn", partial(convert, options=eight)),
            "mnn-int8": ("mnn", quantize),
        }
    )
