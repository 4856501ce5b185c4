"""Training without mirror images where a schema does not say what landmarks are called in them."""

from __future__ import annotations

import msgspec

from fpm_edge.data.mirror import no_mirror_reason
from fpm_edge.train.settings import TrainSettings
from fpm_edge_runtime.bundle.schema import LandmarkSchema
from fpm_edge_runtime.errors import UsageError

__all__ = ["check_mirror", "without_mirror"]


def without_mirror(settings: TrainSettings, schema: LandmarkSchema) -> tuple[TrainSettings, str | None]:
    """`settings` with mirroring off where it would mix up sides, and then a line that says so."""
    reason = _reason(settings, schema)
    if reason is None or settings.augmentation is None:
        return settings, None
    augmentation = msgspec.structs.replace(settings.augmentation, flip=0.0)
    line = f"trained without mirror images: {reason}"
    return msgspec.structs.replace(settings, augmentation=augmentation), line


def check_mirror(settings: TrainSettings, schema: LandmarkSchema) -> None:
    """Raise UsageError where mirror images would teach wrong names."""
    reason = _reason(settings, schema)
    if reason is not None:
        raise UsageError(f"mirror images would mix up sides: {reason}; pair them, or set augmentation flip to 0")


def _reason(settings: TrainSettings, schema: LandmarkSchema) -> str | None:
    mirrors = settings.augmentation is not None and settings.augmentation.flip > 0
    return no_mirror_reason(schema) if mirrors else None
