"""What a FashionNet looks like, as data (Liu et al., "DeepFashion", CVPR 2016). No TensorFlow."""

from fpm_edge.model.config import Conv, check_input, scaled_channels
from fpm_edge.model.vgg import VGG16_STRIDE, VggConfig, vgg16_block5
from fpm_edge_runtime.errors import ModelError

__all__ = ["VISIBILITY_CLASSES", "FashionNetConfig"]

# What the visibility softmax tells apart, in its order.
VISIBILITY_CLASSES = ("visible", "occluded", "absent")

# pool4 and pool5 come after conv4_3.
_TOTAL_STRIDE = 4 * VGG16_STRIDE


class FashionNetConfig(VggConfig, frozen=True, forbid_unknown_fields=True):
    """A landmark regressor on VGG-16 with clothing category as its second task.

    The input's sides are multiples of 32 (five poolings); `width` goes for fully connected layers too. Other fields:
    see `VggConfig`.

    Attributes:
        dropout: share of the fully connected units dropped in training, as in VGG-16.
        fc_pose: units of fc6_pose and fc7_pose.
        fc_local: units of fc6_local.
        fc_global: units of fc6_global.
        fc_fusion: units of fc7_fusion.
        region: side of the square of conv4 around a landmark that its local features come from, cells.
        pooled: side of the map that the region is max-pooled to, cells; divides `region`.
    """

    dropout: float = 0.5
    fc_pose: tuple[int, int] = (1024, 1024)
    fc_local: int = 1024
    fc_global: int = 4096
    fc_fusion: int = 4096
    region: int = 6
    pooled: int = 3

    def __post_init__(self) -> None:
        check_input(self.name, self.input_size, self.width, _TOTAL_STRIDE)
        if not 0.0 <= self.dropout < 1.0:
            raise ModelError(f"model {self.name!r}: dropout is {self.dropout}; expected 0 or more, and less than 1")
        sizes = {"fc_local": self.fc_local, "fc_global": self.fc_global, "fc_fusion": self.fc_fusion}
        for field, units in (*sizes.items(), *(("fc_pose", units) for units in self.fc_pose)):
            if units < 1:
                raise ModelError(f"model {self.name!r}: {field} is {units}; expected at least 1 unit")
        if self.pooled < 1 or self.region < 1 or self.region % self.pooled:
            raise ModelError(
                f"model {self.name!r}: a region of {self.region} cells is not pooled to {self.pooled}; "
                "expected region to be a multiple of pooled, both at least 1"
            )
        if self.region > min(self.conv4_size):
            raise ModelError(
                f"model {self.name!r}: a region of {self.region} cells is larger than conv4, which has "
                f"{self.conv4_size[0]} × {self.conv4_size[1]}; take a larger input or a smaller region"
            )

    @property
    def conv4_size(self) -> tuple[int, int]:
        """(width, height) of conv4, where landmarks are pooled, cells."""
        return self.input_width // VGG16_STRIDE, self.input_height // VGG16_STRIDE

    @property
    def block5(self) -> tuple[Conv, ...]:
        """conv5 of the pose branch, and of the global branch."""
        return vgg16_block5(self.width)

    def units(self, published: int) -> int:
        """The size of a fully connected layer at this width."""
        return scaled_channels(published, self.width)
