"""Make bundles of a shipped model's weights, one for each precision: python make_real.py FOLDER

Run as a program, so that the suite's own process never imports TensorFlow. Nothing is measured on them, so it takes a
minute and not ten.
"""

import os

os.environ["TF_USE_LEGACY_KERAS"] = "1"
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import sys
from pathlib import Path

import msgspec

from fpm_edge.convert.convert import Calibration, draft_bundle
from fpm_edge.convert.inputs import network_inputs
from fpm_edge.convert.quantized import load_any
from fpm_edge.convert.sampling import calibration_samples
from fpm_edge.data import load_dataset
from fpm_edge.shipped import shipped_model
from fpm_edge_runtime import Manifest, open_bundle
from fpm_edge_runtime.bundle.manifest import Quantization
from fpm_edge_runtime.stages.pack import bundle_bytes

MODEL = "lite-s"
PICTURES, SAMPLES = "rendered:12@2", 8
# Which formats the precisions come in; ONNX is for engines that read nothing else.
FORMATS = {"int8": ("tflite", "onnx"), "float32": ("tflite", "onnx"), "int16x8": ("tflite",)}
# The piece of the mixed bundle that is int16x8, all others are int8.
PRECISE = "stage_2"


def main(folder: Path) -> None:
    source = shipped_model(MODEL)
    calibration = Calibration(load_dataset(PICTURES), SAMPLES)
    loaded = load_any(source, None, None)
    chosen = calibration_samples(calibration.dataset, SAMPLES, "stratified", 0, loaded.config, loaded.network)
    inputs = network_inputs(calibration.dataset, chosen, loaded.config)
    made = {}
    for precision, formats in FORMATS.items():
        made[precision] = draft_bundle(source, loaded, precision, calibration, chosen, inputs, formats)
    made["uint8"] = draft_bundle(source, loaded, "int8", calibration, chosen, inputs, ("tflite",), edges="uint8")
    made["mixed"] = mixed(made["int8"], made["int16x8"])
    for name, content in made.items():
        (folder / f"{name}.fpm").write_bytes(content)


def mixed(plain: bytes, precise: bytes) -> bytes:
    """The TFLite pieces of one bundle, but one, which is of the other."""
    bundles = {True: open_bundle(precise), False: open_bundle(plain)}
    manifest: Manifest = bundles[False].manifest
    pieces, members = [], {}
    for name in (piece.name for piece in manifest.pieces["tflite"]):
        bundle = bundles[name == PRECISE]
        (piece,) = (piece for piece in bundle.manifest.pieces["tflite"] if piece.name == name)
        pieces.append(piece)
        members[piece.member] = bundle.read(piece.member)
    quantization = Quantization("int8", "ptq", {PRECISE: "int16x8"})
    return bundle_bytes(
        msgspec.structs.replace(
            manifest, schema_version=2, quantization=quantization, pieces={"tflite": tuple(pieces)}
        ),
        members,
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
