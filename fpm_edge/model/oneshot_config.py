"""What the one-shot heatmap network looks like, as data (Liu & Lu, ECCV Workshops 2018). No TensorFlow."""

import msgspec

from fpm_edge.model.config import Conv, check_input, scaled_channels
from fpm_edge.model.vgg import VGG16_STRIDE, VggConfig

__all__ = ["OneShotConfig", "Up"]


class Up(msgspec.Struct, frozen=True):
    """A transposed convolution that doubles the size: kernel 4, stride 2, so that the half-pixel rule holds exactly.

    Attributes:
        filters: output channels.
    """

    filters: int

    @property
    def kernel(self) -> int:
        """Side of the kernel."""
        return 4


# The landmark branch up to the last layer, which has one map a landmark (layer sizes of the authors' code).
_DECODER = (
    *(Conv(1, 64), Conv(3, 64), Conv(3, 64), Conv(3, 128)),
    *(Up(64), Conv(3, 64), Conv(3, 64)),
    *(Up(32), Conv(3, 32), Conv(3, 32)),
    *(Up(16), Conv(3, 16)),
)


class OneShotConfig(VggConfig, frozen=True, forbid_unknown_fields=True):
    """VGG-16 through conv4_3, and a decoder to one heatmap a landmark at the full size of the input.

    The input's sides are multiples of 8; the last layer has L maps at any width. Fields: see `VggConfig`.
    """

    def __post_init__(self) -> None:
        check_input(self.name, self.input_size, self.width, VGG16_STRIDE)

    @property
    def stride(self) -> int:
        """Input pixels per heatmap cell."""
        ups = sum(isinstance(layer, Up) for layer in self.decoder)
        return int(VGG16_STRIDE // 2**ups)

    @property
    def maps(self) -> int:
        """One for each landmark."""
        return len(self.schema.landmarks)

    @property
    def background(self) -> bool:
        """Whether the last map is background; the paper has none."""
        return False

    @property
    def map_size(self) -> tuple[int, int]:
        """(width, height) of the heatmaps, cells."""
        return self.input_width // self.stride, self.input_height // self.stride

    @property
    def decoder(self) -> tuple[Conv | Up, ...]:
        """Hidden layers between the trunk and the heatmaps."""
        return tuple(
            msgspec.structs.replace(layer, filters=scaled_channels(layer.filters, self.width)) for layer in _DECODER
        )
