"""Fashion landmarks on a device: open a bundle, run its stages, watch its drift.

>>> bundle = fpm_edge_runtime.open_bundle("trousers.fpm")
>>> detection = bundle.session().detect("photo.jpg", category="trousers", deadline_ms=50)
"""

import importlib
from typing import TYPE_CHECKING, Any

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

if TYPE_CHECKING:
    from fpm_edge_runtime.bundle.manifest import Manifest
    from fpm_edge_runtime.bundle.schema import LandmarkSchema
    from fpm_edge_runtime.bundle.schema_file import load_schema
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
    from fpm_edge_runtime.engines import Engine, PieceRunner, load_engine
    from fpm_edge_runtime.pixels.image import load_image
    from fpm_edge_runtime.pixels.metrics import normalized_error
    from fpm_edge_runtime.stages.bundle import Bundle, open_bundle
    from fpm_edge_runtime.stages.pack import write_bundle
    from fpm_edge_runtime.stages.results import Detection, StageResult, Timings
    from fpm_edge_runtime.stages.session import Session
    from fpm_edge_runtime.updates.slot_results import Boot, Installed, SlotsReport
    from fpm_edge_runtime.updates.slots import Slots

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


# Module → names that are looked up when asked for. With all of them, `fpm-edge --help` would take twice as long.
_LATER = {
    "bundle.manifest": "Manifest",
    "bundle.schema": "LandmarkSchema",
    "bundle.schema_file": "load_schema",
    "cameras.live": "Live LiveCounts",
    "cameras.pool": "Pool",
    "cameras.smoothing": "Smoother Smoothing Steady",
    "cameras.tracking": "Cropping Tracked Tracker",
    "check.engine_choice": "CheckCache EngineChoice choose_engine",
    "check.isolated": "EngineCheck check_in_child",
    "check.self_check": "GoldenReport check_goldens",
    "check.speed_choice": "Speed SpeedCache SpeedChoice fastest_engine",
    "drift.guard": "Guard",
    "drift.log": "DriftLog",
    "drift.monitor": "DriftMonitor",
    "drift.proxies": "flip_consistency",
    "drift.report": "MonitorReport",
    "drift.shadow": "Shadow",
    "drift.steps": "StepTaken",
    "engines": "Engine PieceRunner load_engine",
    "pixels.image": "load_image",
    "pixels.metrics": "normalized_error",
    "stages.bundle": "Bundle open_bundle",
    "stages.pack": "write_bundle",
    "stages.results": "Detection StageResult Timings",
    "stages.session": "Session",
    "updates.slot_results": "Boot Installed SlotsReport",
    "updates.slots": "Slots",
}


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib import metadata

        return metadata.version("fpm-edge")
    for module, names in _LATER.items():
        if name in names.split():
            found = globals()[name] = getattr(importlib.import_module(f"{__name__}.{module}"), name)
            return found
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
