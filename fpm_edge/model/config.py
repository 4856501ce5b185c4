"""What a Fashion Pose Machine looks like, as data: a `ModelConfig` builds exactly one network."""

import math
from typing import Any, Literal

import msgspec

from fpm_edge_runtime.bundle.schema import LandmarkSchema
from fpm_edge_runtime.errors import ModelError, SchemaError, UsageError

__all__ = ["Conv", "ModelConfig", "check_input", "decode_config", "scaled_channels"]


class Conv(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One convolution with its activation, and the pooling after it.

    An even kernel with stride 2 keeps the half-pixel rule exactly (its window is symmetric about the cell).

    Attributes:
        kernel: side of the square kernel, pixels of its input.
        filters: output channels.
        stride: stride of the convolution.
        pool: side and stride of the max-pooling after the activation; 1 for none.
        dilation: distance between the kernel's taps; 1 for a dense kernel. Only with stride 1.
        separable: a depthwise convolution of this kernel with its activation, then a 1 × 1 convolution to `filters`.
            The int8 path refuses it by name.
    """

    kernel: int
    filters: int
    stride: int = 1
    pool: int = 1
    dilation: int = 1
    separable: bool = False

    def __post_init__(self) -> None:
        for field in ("kernel", "filters", "stride", "pool", "dilation"):
            value = getattr(self, field)
            if value < 1:
                raise ModelError(f"a layer's {field} is {value}; expected at least 1")
        if self.dilation > 1 and self.stride > 1:
            raise ModelError(f"a layer has dilation {self.dilation} and stride {self.stride}; one of them must be 1")


class ModelConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A multi-stage heatmap network (Hu et al. 2018, DESIGN §2).

    Attributes:
        name: preset or the user's own name.
        schema: the landmarks; the network has one map for each plus background.
        input_height, input_width: pixels.
        stages: T ≥ 1.
        stem: layers shared by stage 1 and x'; empty where both start from the image, as in the paper.
        first: hidden layers of stage 1 after the stem.
        context: layers of x' after the stem.
        refine: hidden layers of stages ≥ 2. The first joins x' and the previous heatmaps in the split form
            conv_x(x') + conv_h(h), equal to a convolution of their concatenation (DESIGN §5.2).
        share_features_from: first stage that uses the common x' (2 as in CPM; 3 gives stage 2 its own).
        share_join: one conv_x for all stages that share x'; it is then computed once, as part of x'.
        batch_norm: a batch normalisation between convolution and activation.
        activation: of every hidden layer.
        clip_heatmaps: whether maps are clipped to [0, 1], the range of the ideal map, before the next stage sees
            them. It bounds the maps of landmarks that a category does not have, which get no loss (DESIGN §5.2).
        centre_sigma: standard deviation, in input pixels, of the Gaussian at the centre of the input that stages ≥ 2
            get as one more map (Convolutional Pose Machines: 21 at 368 pixels); None for no such map.
    """

    name: str
    schema: LandmarkSchema
    input_height: int
    input_width: int
    stages: int
    first: tuple[Conv, ...]
    context: tuple[Conv, ...]
    refine: tuple[Conv, ...]
    stem: tuple[Conv, ...] = ()
    share_features_from: int = 2
    share_join: bool = False
    batch_norm: bool = False
    activation: Literal["relu", "relu6"] = "relu"
    clip_heatmaps: bool = False
    centre_sigma: float | None = None

    def __post_init__(self) -> None:
        if self.input_height < 1 or self.input_width < 1:
            raise ModelError(
                f"model {self.name!r}: input {self.input_width} × {self.input_height}; expected at least 1 × 1"
            )
        if self.stages < 1:
            raise ModelError(f"model {self.name!r}: {self.stages} stages; expected at least 1")
        if self.share_features_from not in (2, 3):
            raise ModelError(f"model {self.name!r}: share_features_from is {self.share_features_from}; expected 2 or 3")
        if self.centre_sigma is not None and not (self.centre_sigma > 0 and math.isfinite(self.centre_sigma)):
            raise ModelError(
                f"model {self.name!r}: centre_sigma is {self.centre_sigma}; expected pixels above 0, or null"
            )
        if not self.first or not self.context or not self.refine:
            raise ModelError(f"model {self.name!r}: first, context and refine each need at least one layer")
        if total_stride(self.stem + self.context) != self.stride:
            raise ModelError(f"model {self.name!r}: stage 1 and x' have different strides; they must be equal")
        if self.refine[0].separable:
            raise ModelError(f"model {self.name!r}: the first refine layer joins two inputs and cannot be separable")
        if total_stride(self.refine) != 1:
            raise ModelError(f"model {self.name!r}: refine layers must keep the size of the maps (stride 1)")
        if self.input_height % self.stride or self.input_width % self.stride:
            raise ModelError(
                f"model {self.name!r}: input {self.input_width} × {self.input_height} is not a multiple of the "
                f"stride {self.stride}"
            )

    @property
    def stride(self) -> int:
        """Input pixels per heatmap cell."""
        return total_stride(self.stem + self.first)

    @property
    def maps(self) -> int:
        """L + 1: landmarks and background."""
        return len(self.schema.landmarks) + 1

    @property
    def input_size(self) -> tuple[int, int]:
        """(width, height) of the input, pixels."""
        return self.input_width, self.input_height

    @property
    def map_size(self) -> tuple[int, int]:
        """(width, height) of the heatmaps, cells."""
        return self.input_width // self.stride, self.input_height // self.stride

    def truncated(self, stages: int) -> "ModelConfig":
        """The same network with only its first `stages` stages. Raises UsageError when it has fewer."""
        if not 1 <= stages <= self.stages:
            raise UsageError(f"model {self.name!r} has {self.stages} stages; cannot keep {stages} of them")
        return msgspec.structs.replace(self, stages=stages)

    def resized(self, input_size: tuple[int, int]) -> "ModelConfig":
        """The same network, with the same weights, for another input: (width, height), pixels.

        The centre map is scaled with it. Raises ModelError where it is no multiple of the stride.
        """
        width, height = input_size
        sigma = self.centre_sigma
        if sigma is not None:
            sigma *= min(input_size) / min(self.input_size)
        return msgspec.structs.replace(self, input_width=width, input_height=height, centre_sigma=sigma)


def total_stride(layers: tuple[Conv, ...]) -> int:
    """Product of the strides and poolings of `layers`."""
    stride = 1
    for layer in layers:
        stride *= layer.stride * layer.pool
    return stride


def scaled_channels(channels: int, width: float) -> int:
    """`channels` times `width`, rounded to a multiple of 8 and at least 8; unchanged where `width` is 1."""
    return channels if width == 1.0 else max(8, 8 * math.floor(channels * width / 8 + 0.5))


def check_input(name: str, input_size: tuple[int, int], width: float, stride: int) -> None:
    """Raise ModelError where a network cannot have this input (width, height), pixels, or this width multiplier."""
    across, down = input_size
    if across < 1 or down < 1:
        raise ModelError(f"model {name!r}: input {across} × {down}; expected at least 1 × 1")
    if across % stride or down % stride:
        raise ModelError(f"model {name!r}: input {across} × {down} is not a multiple of the stride {stride}")
    if not (width > 0 and math.isfinite(width)):
        raise ModelError(f"model {name!r}: width is {width}; expected a positive number, 1 for the published network")


def decode_config(data: bytes | dict[str, Any], where: str) -> ModelConfig:
    """A configuration from JSON bytes, or from the manifest's copy of it. Raises ModelError naming the field."""
    try:
        if isinstance(data, bytes):
            return msgspec.json.decode(data, type=ModelConfig)
        return msgspec.convert(data, type=ModelConfig)
    except (msgspec.ValidationError, msgspec.DecodeError, SchemaError, UnicodeDecodeError) as error:
        raise ModelError(f"{where}: not a model configuration: {error}") from error
