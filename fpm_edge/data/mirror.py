"""What a mirror image is called: which landmark takes the name of which, and whether anybody has said so."""

from __future__ import annotations

from fpm_edge.data.yolo_config import is_unnamed
from fpm_edge_runtime.bundle.schema import LandmarkSchema
from fpm_edge_runtime.pixels.sides import unpaired_sides

__all__ = ["mirrored_names", "no_mirror_reason"]


def mirrored_names(schema: LandmarkSchema) -> tuple[str, ...]:
    """(L,) what each landmark is called in a mirror image."""
    return tuple(schema.landmarks[other] for other in schema.flip)


def no_mirror_reason(schema: LandmarkSchema) -> str | None:
    """Why nothing may learn from mirror images: names would be wrong in them. None where it may."""
    unpaired = unpaired_sides(schema.landmarks, schema.flip)
    if unpaired:
        return f"{' and '.join(unpaired[0])} are two sides, and schema {schema.name!r} does not pair them"
    identity = all(i == other for i, other in enumerate(schema.flip))
    if len(schema.landmarks) > 1 and identity and all(map(is_unnamed, schema.landmarks)):
        return f"nothing says which landmarks of schema {schema.name!r} are sides of which"
    return None
