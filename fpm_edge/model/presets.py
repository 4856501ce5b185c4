"""The shipped configurations by name."""

import msgspec

from fpm_edge.model.config import Conv, ModelConfig
from fpm_edge_runtime.errors import UsageError
from fpm_edge_runtime.schema import LandmarkSchema

__all__ = ["PRESETS", "preset"]

# Layer sizes of Convolutional Pose Machines (Wei et al. 2016), which FPM follows (DESIGN §2).
_PAPER_FEATURES = (Conv(9, 128, pool=2), Conv(9, 128, pool=2), Conv(9, 128, pool=2), Conv(5, 32))


def _paper(schema: LandmarkSchema) -> ModelConfig:
    return ModelConfig(
        name="paper",
        schema=schema,
        input_height=512,
        input_width=512,
        stages=6,
        first=(*_PAPER_FEATURES, Conv(9, 512), Conv(1, 512)),
        context=_PAPER_FEATURES,
        refine=(Conv(11, 128), Conv(11, 128), Conv(11, 128), Conv(1, 128)),
    )


def _lite(schema: LandmarkSchema) -> ModelConfig:
    return ModelConfig(
        name="lite",
        schema=schema,
        input_height=192,
        input_width=192,
        stages=3,
        stem=(Conv(4, 16, stride=2), Conv(4, 32, stride=2), Conv(3, 32), Conv(4, 64, stride=2), Conv(3, 64)),
        first=(Conv(5, 64), Conv(5, 64), Conv(1, 64)),
        context=(Conv(3, 64),),
        refine=(Conv(5, 64), Conv(5, 64), Conv(1, 64)),
        share_join=True,
        batch_norm=True,
        activation="relu6",
        clip_heatmaps=True,
    )


def _tiny(schema: LandmarkSchema) -> ModelConfig:
    return ModelConfig(
        name="tiny",
        schema=schema,
        input_height=64,
        input_width=64,
        stages=3,
        stem=(Conv(4, 8, stride=2), Conv(4, 16, stride=2)),
        first=(Conv(5, 16), Conv(1, 16)),
        context=(Conv(3, 16),),
        refine=(Conv(5, 16), Conv(1, 16)),
        share_join=True,
        batch_norm=True,
        activation="relu6",
        clip_heatmaps=True,
    )


_BUILDERS = {"lite": _lite, "paper": _paper, "tiny": _tiny}

PRESETS = tuple(sorted(_BUILDERS))


def preset(
    name: str,
    schema: LandmarkSchema,
    *,
    stages: int | None = None,
    input_size: tuple[int, int] | None = None,
) -> ModelConfig:
    """A shipped configuration: ``paper`` (DESIGN §2 exactly), ``lite`` (for devices), ``tiny`` (for tests).

    Args:
        name: one of `PRESETS`.
        schema: the landmarks.
        stages: number of stages other than the preset's.
        input_size: (width, height) other than the preset's, pixels; the network is fully convolutional.

    Raises:
        UsageError: unknown name.
    """
    try:
        config = _BUILDERS[name](schema)
    except KeyError:
        raise UsageError(f"unknown model {name!r}; expected one of: {', '.join(PRESETS)}") from None
    changes: dict[str, int] = {}
    if stages is not None:
        changes["stages"] = stages
    if input_size is not None:
        changes["input_width"], changes["input_height"] = input_size
    return msgspec.structs.replace(config, **changes)
