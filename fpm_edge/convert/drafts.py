"""Bundles of which nothing was measured yet: the first manifest, and the float model that all is compared with."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from importlib.metadata import version
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from fpm_edge.convert.quantized import LoadedModel
from fpm_edge.model.config import ModelConfig
from fpm_edge.text.names import text_name
from fpm_edge_converters import Exported, export
from fpm_edge_runtime import Bundle, Manifest, open_bundle
from fpm_edge_runtime.bundle.manifest import CalibrationCard, Geometry, Quantization, schema_version_for
from fpm_edge_runtime.bundle.recognition import Recognition
from fpm_edge_runtime.stages.pack import bundle_bytes

__all__ = ["Reference", "draft_manifest", "reference_of"]


@dataclass(frozen=True)
class Reference:
    """The float32 TFLite stages: what everything is compared with."""

    bundle: Bundle
    members: dict[str, bytes]

    def recognizing(self, recognition: Recognition | None) -> bytes:
        """The bundle's bytes, with the rules that were fitted to the converted file: they answer the same question."""
        manifest = self.bundle.manifest
        version = schema_version_for(manifest.quantization, manifest.pieces, None, recognition)
        manifest = msgspec.structs.replace(manifest, schema_version=version, recognition=recognition)
        return bundle_bytes(manifest, self.members)


def reference_of(loaded: LoadedModel, exported: Exported | None, probes: Sequence[NDArray[np.uint8]]) -> Reference:
    """The float model; of `exported`, if those are its float32 stages, else exported and checked on these inputs."""
    made = exported or export(loaded.network, "float32", ("tflite",), probes)
    pieces = made.pieces["tflite"]
    members = {piece.member: made.members[piece.member] for piece in pieces}
    quantization = Quantization(precision="float32", method="none")
    only_tflite = Exported({"tflite": pieces}, members, made.whole_bytes)
    data = bundle_bytes(draft_manifest(Path("reference"), loaded.config, only_tflite, quantization, None), members)
    return Reference(open_bundle(data), members)


def draft_manifest(
    folder: Path,
    config: ModelConfig,
    exported: Exported,
    quantization: Quantization,
    card: CalibrationCard | None,
) -> Manifest:
    """What is known of a bundle before anything is measured; its digests are empty."""
    packages = ("fpm-edge", "tensorflow", "tensorflow-model-optimization", "tf2onnx", "onnx", "ai-edge-litert")
    return Manifest(
        schema_version=schema_version_for(quantization, exported.pieces),
        name=text_name(folder.resolve().name if folder.name in {"", ".", ".."} else folder.name),
        created=datetime.now(timezone.utc).isoformat(timespec="seconds"),
        landmarks=config.schema,
        geometry=Geometry(input_height=config.input_height, input_width=config.input_width, stride=config.stride),
        quantization=quantization,
        stages=config.stages,
        pieces=exported.pieces,
        digests={},
        versions={name: version(name) for name in (*packages, "onnxruntime", "numpy")},
        calibration=card,
        model=msgspec.to_builtins(config),
    )
