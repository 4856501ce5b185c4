"""The bundles that bench/speed.mjs measures, and their networks in one file each.

    python runtime/web/bench/make_models.py FOLDER

Each of lite-m (int8, float32) and lite-s (int8): a bundle with ONNX pieces and TFLite pieces with uint8 edges; the
ONNX pieces merged into one model; and `stages.tflite`.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import onnx
from onnx import compose

from fpm_edge_runtime import open_bundle

MODELS = {
    "lite-m-int8": ("lite-m", "--int8", "--edges", "uint8"),
    "lite-m-float32": ("lite-m", "--fp32"),
    "lite-s-int8": ("lite-s", "--int8", "--edges", "uint8"),
}
DATA = ("--calibration", "rendered:96@5/192", "--score", "rendered:50@102/192", "--max-ne-drift", "1")
FORMATS = ("--format", "tflite", "--format", "onnx", "--whole")


def main() -> None:
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name, (model, *options) in MODELS.items():
        bundle = folder / f"{name}.fpm"
        if not bundle.exists():
            command = [sys.executable, "-m", "fpm_edge", "convert", model, *options, *DATA, *FORMATS, "-o", str(bundle)]
            subprocess.run(command, check=True)
        (folder / f"{name}.tflite").write_bytes(open_bundle(bundle).read("stages.tflite"))
        onnx.save(merged(bundle), folder / f"{name}.onnx")


def merged(path: Path) -> onnx.ModelProto:
    """All ONNX pieces as one model, from image to heatmaps."""
    bundle = open_bundle(path)
    whole: onnx.ModelProto | None = None
    for piece in bundle.manifest.pieces["onnx"]:
        model = compose.add_prefix(
            onnx.load_from_string(bundle.read(piece.member)),
            f"{piece.name}/",
            rename_inputs=False,
            rename_outputs=False,
        )
        if whole is None:
            whole = model
            continue
        made = {output.name for output in whole.graph.output}
        shared = [(tensor.name, tensor.name) for tensor in model.graph.input if tensor.name in made]
        kept = [output.name for output in whole.graph.output]
        whole = compose.merge_models(whole, model, io_map=shared, outputs=[*kept, *(o.name for o in model.graph.output)])
    assert whole is not None
    return whole


if __name__ == "__main__":
    main()
