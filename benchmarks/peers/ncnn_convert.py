"""ncnn by way of pnnx: weights in 16 bits, which is its default, and int8 where its tools can be had."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import _task


def convert(work: Path, path: Path) -> None:
    folder = path.with_suffix("")
    folder.mkdir()
    # user code
    # It writes nine files beside the one that it reads.
    source = shutil.copy(work / "plain.onnx", folder / "plain.onnx")
    subprocess.run(
        [
            Path(sys.executable).with_name("pnnx"),
            source,
            "inputshape=[1,3,192,192]f32",
            f"ncnnparam={path}",
            f"ncnnbin={path.with_suffix('.bin')}",
        ],
        check=True,
    )
    # end


def quantize(work: Path, path: Path) -> None:
    # user code
    raise FileNotFoundError("ncnn2table and ncnn2int8 are in neither of the packages ncnn and pnnx")
    # end


if __name__ == "__main__":
    _task.main({"ncnn": ("param", convert), "ncnn-int8": ("param", quantize)})
