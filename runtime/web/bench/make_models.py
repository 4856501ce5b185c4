"""The bundles that bench/speed.mjs measures, and their networks in one file each.

    python runtime/web/bench/make_models.py FOLDER

Each of lite-m (int8, float32) and lite-s (int8): a bundle with ONNX pieces, and TFLite pieces with uint8 edges; and the
ONNX pieces merged into one model.
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
FORMATS = ("--format", "tflite", "--format", "onnx")


def main() -> None:
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name, (model, *options) in MODELS.items():
        bundle = folder / f"{name}.fpm"
        if not bundle.exists():
            command = [sys.executable, "-m", "fpm_edge", "convert", model, *options, *DATA, *FORMATS, "-o", str(bundle)]
            subprocess.run(command, check=True)
        onnx.save(merged(bundle), folder / f"{name}.onnx")


def merged(path: Path) -> onnx.ModelProto:
    """All ONNX pieces as one model, from the image to the last stage's heatmaps."""
    bundle = open_bundle(path)
    pieces = bundle.manifest.pieces["onnx"]
    whole = onnx.ModelProto()
    for piece in pieces:
        model = compose.add_prefix(onnx.load_from_string(bundle.read(piece.member)), f"{piece.name}/")
        if not whole.graph.node:
            whole.CopyFrom(model)
            del whole.graph.node[:], whole.graph.initializer[:], whole.graph.output[:], whole.graph.value_info[:]
        # What goes from one piece to another has the name that all of them have for it.
        edges = {f"{piece.name}/{spec.name}": spec.name for spec in (*piece.inputs, *piece.outputs)}
        for node in model.graph.node:
            node.input[:] = [edges.get(name, name) for name in node.input]
            node.output[:] = [edges.get(name, name) for name in node.output]
        whole.graph.node.extend(model.graph.node)
        whole.graph.initializer.extend(model.graph.initializer)
    whole.graph.input[0].name = "image"
    (last,) = model.graph.output
    last.name = pieces[-1].outputs[0].name
    whole.graph.output.append(last)
    onnx.checker.check_model(whole)
    return whole


if __name__ == "__main__":
    main()
