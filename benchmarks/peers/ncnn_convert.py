"""ncnn by way of pnnx: weights in 16 bits, which is its default, and int8 where its tools can be had."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import _task
import numpy as np


def tool(name: str) -> Path:
    return Path(sys.executable).with_name(name)


def convert(work: Path, path: Path) -> None:
    folder = path.with_suffix("")
    folder.mkdir()
    # user code
    # It writes nine files beside the one that it reads.
    source = shutil.copy(work / "plain.onnx", folder / "plain.onnx")
    files = (f"ncnnparam={path}", f"ncnnbin={path.with_suffix('.bin')}")
    subprocess.run([tool("pnnx"), source, "inputshape=[1,3,192,192]f32", *files], check=True)
    # end


def quantize(work: Path, path: Path) -> None:
    folder = path.with_suffix("")
    folder.mkdir()
    # user code
    names = []
    for number, picture in enumerate(_task.inputs(work)):
        names.append(str(folder / f"{number}.npy"))
        np.save(names[-1], picture.transpose(2, 0, 1).astype("float32") / 255)
    (folder / "list.txt").write_text("\n".join(names))
    convert(work, folder / "float.param")
    given = (folder / "float.param", folder / "float.bin")
    table = folder / "int8.table"
    shape = ("shape=[192,192,3]", "thread=1", "method=kl", "type=1")
    subprocess.run([tool("ncnn2table"), *given, folder / "list.txt", table, *shape], check=True)
    subprocess.run([tool("ncnn2int8"), *given, path, path.with_suffix(".bin"), table], check=True)
    # end


if __name__ == "__main__":
    _task.main({"ncnn": ("param", convert), "ncnn-int8": ("param", quantize)})
