"""What the runtime answers, as plain values for JSON: fields are those of PROTOCOL.md."""

from collections.abc import Mapping
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from fpm_edge_runtime.bundle.manifest import Manifest
from fpm_edge_runtime.drift.report import MonitorReport
from fpm_edge_runtime.pixels.decode import Reading
from fpm_edge_runtime.pixels.geometry import Letterbox
from fpm_edge_runtime.stages.bundle import Bundle
from fpm_edge_runtime.stages.recognizer import Recognized
from fpm_edge_runtime.stages.results import Detection, StageResult

__all__ = [
    "plain_bundle",
    "plain_detection",
    "plain_fit",
    "plain_reading",
    "plain_recognized",
    "plain_report",
    "plain_stage",
]


def plain_bundle(bundle: Bundle) -> dict[str, Any]:
    """The answer to `open`."""
    manifest: Manifest = bundle.manifest
    geometry = manifest.geometry
    return {
        "digest": bundle.digest,
        "name": manifest.name,
        "schema_version": manifest.schema_version,
        "stages": bundle.stages,
        "formats": [form for form in ("tflite", "onnx") if form in bundle.formats],
        "members": bundle.members,
        "landmarks": bundle.schema.landmarks,
        "categories": bundle.schema.categories,
        "input": [geometry.input_width, geometry.input_height],
        "stride": geometry.stride,
        "signature": msgspec.to_builtins(bundle.signature),
    }


def plain_fit(fit: Letterbox) -> dict[str, Any]:
    """Where a picture lies in the input."""
    return {
        "box": fit.box,
        "width": fit.width,
        "height": fit.height,
        "left": fit.left,
        "top": fit.top,
        "scale_x": fit.scale_x,
        "scale_y": fit.scale_y,
    }


def plain_reading(reading: Reading) -> dict[str, Any]:
    """What heatmaps say."""
    return {
        "cells": reading.cells.tolist(),
        "scores": reading.scores.tolist(),
        "doubts": {str(index): doubt for index, doubt in reading.doubts.items()},
    }


def plain_recognized(recognized: Recognized) -> dict[str, Any]:
    """Which garment it is."""
    return {
        "category": recognized.category,
        "score": recognized.score,
        "labelled": recognized.labelled.tolist(),
        "confidences": _numbers(recognized.confidences),
    }


def plain_stage(result: StageResult) -> dict[str, Any]:
    """The answer of one stage."""
    return {"stage": result.stage, **_found(result), "elapsed_ms": result.elapsed_ms}


def plain_detection(detection: Detection) -> dict[str, Any]:
    """The answer to `detect`."""
    timings = detection.timings
    return {
        **_found(detection),
        "stages_run": detection.stages_run,
        "stop_reason": detection.stop_reason,
        "looks": detection.looks,
        "engine": detection.engine,
        "timings": {
            "preprocess_ms": timings.preprocess_ms,
            "pieces": dict(timings.pieces),
            "decode_ms": timings.decode_ms,
            "total_ms": timings.total_ms,
        },
    }


def plain_report(report: MonitorReport) -> Mapping[str, Any]:
    """What a drift monitor knows."""
    return report.to_dict()


def _found(found: StageResult | Detection) -> dict[str, Any]:
    return {
        "landmarks": found.landmarks.tolist(),
        "scores": found.scores.tolist(),
        "labelled": found.labelled.tolist(),
        "doubts": dict(found.doubts),
        "category": found.category,
        "category_score": found.category_score,
        "confidences": _numbers(found.confidences),
    }


def _numbers(array: NDArray[np.float32] | None) -> list[float] | None:
    return None if array is None else array.tolist()
