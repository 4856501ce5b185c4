"""Fashion landmarks on a device: open a bundle, run its stages, watch its drift.

>>> bundle = fpm_edge_runtime.open_bundle("trousers.fpm")
>>> detection = bundle.session().detect("photo.jpg", category="trousers", deadline_ms=50)
"""

import importlib
from typing import TYPE_CHECKING, Any

from fpm_edge_runtime.bundle.manifest import Manifest
from fpm_edge_runtime.bundle.schema import LandmarkSchema
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
from fpm_edge_runtime.pixels.image import load_image
from fpm_edge_runtime.pixels.metrics import normalized_error
from fpm_edge_runtime.stages.bundle import Bundle, open_bundle
from fpm_edge_runtime.stages.results import Detection, StageResult, Timings
from fpm_edge_runtime.stages.session import Session

if TYPE_CHECKING:
    from fpm_edge_runtime.cameras.live import Live, LiveCounts
    from fpm_edge_runtime.cameras.pool import Pool
    from fpm_edge_runtime.cameras.smoothing import Smoother, Smoothing, Steady
    from fpm_edge_runtime.cameras.tracking import Cropping, Tracked, Tracker
    from fpm_edge_runtime.check.engine_choice import CheckCache, EngineChoice, choose_engine
    from fpm_edge_runtime.check.isolated import EngineCheck, check_in_child
    from fpm_edge_runtime.check.self_check import GoldenReport, check_goldens
    from fpm_edge_runtime.check.speed_choice import Speed, SpeedCache, SpeedChoice, fastest_engine
    from fpm_edge_runtime.drift.guard import Guard
    from fpm_edge_runtime.drift.log import DriftLog
    from fpm_edge_runtime.drift.monitor import DriftMonitor
    from fpm_edge_runtime.drift.proxies import flip_consistency
    from fpm_edge_runtime.drift.report import MonitorReport
    from fpm_edge_runtime.drift.shadow import Shadow
    from fpm_edge_runtime.drift.steps import StepTaken
    from fpm_edge_runtime.stages.pack import write_bundle
    from fpm_edge_runtime.updates.slots import Boot, Installed, Slots, SlotsReport

__all__ = [
    "Boot",
    "Bundle",
    "BundleError",
    "CheckCache",
    "ConversionError",
    "Cropping",
    "DataError",
    "Detection",
    "DriftLog",
    "DriftMonitor",
    "Engine",
    "EngineCheck",
    "EngineChoice",
    "FpmEdgeError",
    "GateError",
    "GoldenReport",
    "Guard",
    "ImageError",
    "Installed",
    "LandmarkSchema",
    "Live",
    "LiveCounts",
    "Manifest",
    "MissingExtraError",
    "ModelError",
    "MonitorReport",
    "PieceRunner",
    "Pool",
    "SchemaError",
    "Session",
    "Shadow",
    "Slots",
    "SlotsReport",
    "Smoother",
    "Smoothing",
    "Speed",
    "SpeedCache",
    "SpeedChoice",
    "StageResult",
    "Steady",
    "StepTaken",
    "Timings",
    "Tracked",
    "Tracker",
    "UsageError",
    "__version__",
    "check_goldens",
    "check_in_child",
    "choose_engine",
    "fastest_engine",
    "flip_consistency",
    "load_engine",
    "load_image",
    "load_schema",
    "normalized_error",
    "open_bundle",
    "write_bundle",
]


# Looked up when asked for: they and what they import (importlib.metadata, subprocess) would take a fifth of the import.
_LATER = {
    "Boot": "updates.slots",
    "CheckCache": "check.engine_choice",
    "Cropping": "cameras.tracking",
    "DriftLog": "drift.log",
    "DriftMonitor": "drift.monitor",
    "EngineCheck": "check.isolated",
    "EngineChoice": "check.engine_choice",
    "GoldenReport": "check.self_check",
    "Guard": "drift.guard",
    "Installed": "updates.slots",
    "Live": "cameras.live",
    "LiveCounts": "cameras.live",
    "MonitorReport": "drift.report",
    "Pool": "cameras.pool",
    "Shadow": "drift.shadow",
    "Slots": "updates.slots",
    "SlotsReport": "updates.slots",
    "Smoother": "cameras.smoothing",
    "Smoothing": "cameras.smoothing",
    "Speed": "check.speed_choice",
    "SpeedCache": "check.speed_choice",
    "SpeedChoice": "check.speed_choice",
    "Steady": "cameras.smoothing",
    "StepTaken": "drift.steps",
    "Tracked": "cameras.tracking",
    "Tracker": "cameras.tracking",
    "check_goldens": "check.self_check",
    "check_in_child": "check.isolated",
    "choose_engine": "check.engine_choice",
    "load_schema": "bundle.schema_file",
    "fastest_engine": "check.speed_choice",
    "flip_consistency": "drift.proxies",
    "write_bundle": "stages.pack",
}


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib import metadata

        return metadata.version("fpm-edge")
    if name in _LATER:
        return getattr(importlib.import_module(f"{__name__}.{_LATER[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
