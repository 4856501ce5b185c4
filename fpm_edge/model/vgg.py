"""The convolutions of VGG-16 as data, by block (Simonyan & Zisserman 2015, table 1, configuration D)."""

import msgspec

from fpm_edge.model.config import Conv, scaled_channels
from fpm_edge_runtime.bundle.schema import LandmarkSchema

__all__ = ["VGG16_STRIDE", "VggConfig", "vgg16_block5", "vgg16_trunk"]

# Input pixels per cell of conv4_3, which three poolings come before.
VGG16_STRIDE = 8

# (convolutions, channels) of blocks 1 to 4; all kernels are 3 × 3.
_BLOCKS = ((2, 64), (2, 128), (3, 256), (3, 512))
_BLOCK5 = (3, 512)


class VggConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the networks on the VGG-16 trunk have in common: one answer for a picture, and a width.

    Attributes:
        name: preset or the user's own name.
        schema: the L landmarks and the categories.
        input_height, input_width: pixels.
        width: multiplier of all hidden channel numbers; 1.0 is the published network.
        batch_norm: a batch normalisation after every hidden convolution, to train without ImageNet weights; published
            False.
    """

    name: str
    schema: LandmarkSchema
    input_height: int = 224
    input_width: int = 224
    width: float = 1.0
    batch_norm: bool = False

    @property
    def input_size(self) -> tuple[int, int]:
        """(width, height) of the input, pixels."""
        return self.input_width, self.input_height

    @property
    def stages(self) -> int:
        """One answer for a picture."""
        return 1

    @property
    def trunk(self) -> tuple[Conv, ...]:
        """conv1_1 … conv4_3."""
        return vgg16_trunk(self.width)


def vgg16_trunk(width: float) -> tuple[Conv, ...]:
    """conv1_1 … conv4_3, with the poolings between the blocks and none after the last.

    Args:
        width: multiplier of all channels; 1.0 is VGG-16.
    """
    layers: list[Conv] = []
    for number, (count, channels) in enumerate(_BLOCKS, start=1):
        filters = scaled_channels(channels, width)
        pool = 2 if number < len(_BLOCKS) else 1
        layers += [Conv(3, filters)] * (count - 1) + [Conv(3, filters, pool=pool)]
    return tuple(layers)


def vgg16_block5(width: float) -> tuple[Conv, ...]:
    """conv5_1 … conv5_3 and the pooling after them. The pooling before them (pool4) is not included."""
    count, channels = _BLOCK5
    filters = scaled_channels(channels, width)
    return (*[Conv(3, filters)] * (count - 1), Conv(3, filters, pool=2))
