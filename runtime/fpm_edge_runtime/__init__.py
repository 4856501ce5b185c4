"""Fashion landmarks on a device: open a bundle, run its stages, watch its drift.

>>> bundle = fpm_edge_runtime.open_bundle("trousers.fpm")
>>> detection = bundle.session().detect("photo.jpg", category="trousers", deadline_ms=50)
"""

from fpm_edge_runtime.bundle import Bundle, open_bundle
from fpm_edge_runtime.drift import DriftReport, compare_landmarks
from fpm_edge_runtime.drift_log import DriftLog
from fpm_edge_runtime.engines import Engine, PieceRunner, load_engine
from fpm_edge_runtime.errors import (
    BundleError,
    ConversionError,
    DataError,
    FpmEdgeError,
    GateError,
    ImageError,
    MissingExtraError,
    ModelError,
    SchemaError,
    UsageError,
)
from fpm_edge_runtime.image import load_image
from fpm_edge_runtime.manifest import Manifest
from fpm_edge_runtime.metrics import normalized_error, pck
from fpm_edge_runtime.monitor import DriftMonitor
from fpm_edge_runtime.monitor_report import MonitorReport
from fpm_edge_runtime.pack import write_bundle
from fpm_edge_runtime.proxies import flip_consistency
from fpm_edge_runtime.results import Detection, StageResult, Timings
from fpm_edge_runtime.schema import LandmarkSchema, load_schema
from fpm_edge_runtime.self_check import GoldenReport, check_goldens
from fpm_edge_runtime.session import Session
from fpm_edge_runtime.shadow import Shadow

__all__ = [
    "Bundle",
    "BundleError",
    "ConversionError",
    "DataError",
    "Detection",
    "DriftLog",
    "DriftMonitor",
    "DriftReport",
    "Engine",
    "FpmEdgeError",
    "GateError",
    "GoldenReport",
    "ImageError",
    "LandmarkSchema",
    "Manifest",
    "MissingExtraError",
    "ModelError",
    "MonitorReport",
    "PieceRunner",
    "SchemaError",
    "Session",
    "Shadow",
    "StageResult",
    "Timings",
    "UsageError",
    "__version__",
    "check_goldens",
    "compare_landmarks",
    "flip_consistency",
    "load_engine",
    "load_image",
    "load_schema",
    "normalized_error",
    "open_bundle",
    "pck",
    "write_bundle",
]


def __getattr__(name: str) -> str:
    # Looked up when asked for: importlib.metadata would take a tenth of the import's time.
    if name == "__version__":
        from importlib import metadata

        return metadata.version("fpm-edge")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
