"""The shipped configurations by name."""

from collections.abc import Callable
from functools import partial
from typing import Any

import msgspec

from fpm_edge.model.config import Conv, ModelConfig, scaled_channels
from fpm_edge.model.fashionnet_config import FashionNetConfig
from fpm_edge.model.kinds import NetworkConfig
from fpm_edge.model.oneshot_config import OneShotConfig
from fpm_edge_runtime.bundle.schema import LandmarkSchema
from fpm_edge_runtime.errors import UsageError

__all__ = ["PRESETS", "preset"]

# Layer sizes of Convolutional Pose Machines (Wei et al. 2016), which FPM follows (DESIGN §2).
_PAPER_FEATURES = (Conv(9, 128, pool=2), Conv(9, 128, pool=2), Conv(9, 128, pool=2), Conv(5, 32))

# The side of its input, and the standard deviation of its centre map, both in pixels.
_CPM_INPUT, _CPM_SIGMA = 368, 21.0


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


def _cpm(schema: LandmarkSchema) -> ModelConfig:
    return msgspec.structs.replace(
        _paper(schema), name="cpm", input_height=_CPM_INPUT, input_width=_CPM_INPUT, centre_sigma=_CPM_SIGMA
    )


def _fashionnet(schema: LandmarkSchema) -> FashionNetConfig:
    return FashionNetConfig("fashionnet", schema)


def _oneshot(schema: LandmarkSchema) -> OneShotConfig:
    return OneShotConfig("oneshot", schema)


def _dilated(channels: int, *dilations: int) -> tuple[Conv, ...]:
    return (*(Conv(3, channels, dilation=dilation) for dilation in dilations), Conv(1, channels))


def _lite(name: str, side: int, layers: tuple[Conv, ...], schema: LandmarkSchema) -> ModelConfig:
    # What a stage sees decides more than its weights do (docs/results/lite.md).
    return ModelConfig(
        name=name,
        schema=schema,
        input_height=side,
        input_width=side,
        stages=3,
        stem=(Conv(4, 16, stride=2), Conv(4, 32, stride=2), Conv(3, 32), Conv(4, 64, stride=2), Conv(3, 64)),
        first=layers,
        context=(Conv(3, layers[0].filters),),
        refine=layers,
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


# Larger kernels than the others: they have the most to give on photographs (decisions 0012 and 0030).
_lite_m = partial(_lite, "lite-m", 192, (Conv(5, 64), Conv(5, 64, dilation=2), Conv(1, 64)))

_BUILDERS: dict[str, Callable[[LandmarkSchema], Any]] = {
    "cpm": _cpm,
    "fashionnet": _fashionnet,
    "lite": _lite_m,
    "lite-l": partial(_lite, "lite-l", 256, _dilated(96, 1, 2, 4, 8)),
    "lite-m": _lite_m,
    "lite-s": partial(_lite, "lite-s", 160, _dilated(48, 1, 2, 4)),
    "oneshot": _oneshot,
    "paper": _paper,
    "tiny": _tiny,
}
# Published networks, which have a published width to be scaled from.
_SCALABLE = ("cpm", "fashionnet", "oneshot", "paper")

PRESETS = tuple(sorted(_BUILDERS))


def preset(
    name: str,
    schema: LandmarkSchema,
    *,
    stages: int | None = None,
    input_size: tuple[int, int] | None = None,
    width: float = 1.0,
    batch_norm: bool | None = None,
) -> NetworkConfig:
    """A shipped configuration.

    ``paper`` (DESIGN §2 exactly), ``lite-s``, ``lite-m``, ``lite-l`` (for devices; ``lite`` stands for ``lite-m``) and
    ``tiny`` (for tests) are Fashion Pose Machines; ``cpm``, ``fashionnet`` and ``oneshot`` are what they are compared
    with (docs/baselines.md).

    Args:
        name: one of `PRESETS`.
        schema: the landmarks.
        stages: number of stages other than the preset's.
        input_size: (width, height) other than the preset's, pixels; the centre map of ``cpm`` is scaled with it.
        width: multiplier of all hidden channel numbers of a published network, rounded to multiples of 8.
        batch_norm: whether there is batch normalisation, other than the preset's.

    Raises:
        UsageError: unknown name; stages or width for a network that has none.
        ModelError: the network cannot be built with these numbers.
    """
    try:
        config = _BUILDERS[name](schema)
    except KeyError:
        raise UsageError(f"unknown model {name!r}; expected one of: {', '.join(PRESETS)}") from None
    changes: dict[str, Any] = {}
    if stages is not None:
        if not isinstance(config, ModelConfig):
            raise UsageError(f"model {name!r} has no stages; leave the number of stages out")
        changes["stages"] = stages
    if input_size is not None and isinstance(config, ModelConfig):
        config = config.resized(input_size)
    elif input_size is not None:
        changes["input_width"], changes["input_height"] = input_size
    if batch_norm is not None:
        changes["batch_norm"] = batch_norm
    if width != 1.0:
        if name not in _SCALABLE:
            raise UsageError(f"model {name!r} has one width; those with a choice are: {', '.join(_SCALABLE)}")
        changes |= {"name": f"{name}-w{width:g}", **_widths(config, width)}
    scaled: NetworkConfig = msgspec.structs.replace(config, **changes)
    return scaled


def _widths(config: NetworkConfig, width: float) -> dict[str, Any]:
    if not isinstance(config, ModelConfig):
        return {"width": width}
    if not width > 0:
        raise UsageError(f"width is {width}; expected a positive number, 1 for the published network")
    return {
        part: tuple(
            msgspec.structs.replace(layer, filters=scaled_channels(layer.filters, width))
            for layer in getattr(config, part)
        )
        for part in ("stem", "first", "context", "refine")
    }
